"""One layer through time, forward and back: the one loop over time."""

from math import ceil

import numpy as np

from rnnviz.arrays import Array, Float, Params, frozen
from rnnviz.cells import Adjoint, Tape
from rnnviz.network import Layer
from rnnviz.products import Step, blocks, multiply, rows, through
from rnnviz.record import LayerRecord
from rnnviz.stopping import PIECE, breathe

Factors = tuple[Array, Array | None]
"""A derivative and the weights it still has to pass, or none."""

_ROWS = 1024
"""Rows that a weight gradient's product takes at least: with fewer, adding it up costs more."""

Seen = tuple[Array, Tape]
"""What a layer read, and what it kept."""


def forward(layer: Layer, x: Float[Array, "T B I"], s0: Float[Array, "B S"]) -> Tape:
    """Run a layer over what it reads."""
    tape = layer.cell.tape(x.shape[0], x.shape[1], layer.params["W_ih"].dtype)
    H = layer.cell.hidden_size
    for n, state in enumerate(tape.states.values()):
        state[0] = s0[:, n * H : (n + 1) * H]
    step = layer.cell.forward(layer.params, tape)
    for block in blocks(x.shape[0], tape.a[0]):
        layer.cell.project(layer.params, x[block], tape.a[block])
        _taken(step, range(block.start, block.stop))
    return tape


def backward(layer: Layer, x: Array, tape: Tape, above: Factors) -> LayerRecord:
    """One layer's backward pass; ``above`` multiplied is the direct derivative by its h."""
    ds = {name: np.empty_like(state) for name, state in tape.states.items()}
    inner = {name: np.empty_like(part) for name, part in ds.items() if name != "h"}
    dh, da = ds["h"], np.empty_like(tape.a)
    step = layer.cell.backward(layer.params, tape, Adjoint(ds, da, inner))
    grads: Params = {}
    dh[0] = 0
    for name in inner:
        ds[name][-1] = 0
    _feed(above, slice(-1, None), dh[-1:])
    for wide in reversed(blocks(len(da), da[0], fewest=ceil(_ROWS / da.shape[1]))):
        for near in reversed(blocks(wide.stop - wide.start, da[0])):
            start, stop = wide.start + near.start, wide.start + near.stop
            first = max(start, 1)
            _feed(above, slice(first - 1, stop - 1), dh[first:stop])
            _taken(step, range(start, stop)[::-1])
        parts = layer.cell.grads(layer.params, tape, da[wide], x[wide], wide)
        for name, part in parts.items():
            grads[name] = np.add(grads[name], part, out=grads[name]) if name in grads else part
    grads = {name: grads[name] for name in layer.params}
    for name, total in inner.items():
        total[0] = ds[name][0]
    for array in (x, da, tape.a):
        frozen(array)
    _freeze(ds, inner, grads, tape.states, tape.gates, tape.kept)
    return LayerRecord(x, da, ds, grads, tape, inner)


def _taken(step: Step, times: range) -> None:
    """Take these steps, and ask now and then whether anybody still waits for them."""
    for start in range(0, len(times), PIECE):
        breathe()
        for t in times[start : start + PIECE]:
            step(t)


def _freeze(*groups: Params) -> None:
    for group in groups:
        for array in group.values():
            frozen(array)


def _feed(above: Factors, steps: slice, dh: Array) -> None:
    derivative, W = above
    if W is None:
        dh[:] = derivative[steps]
    else:
        multiply(rows(derivative[steps]), W, rows(dh))


def product(factors: Factors) -> Array:
    """The derivative behind its weights."""
    derivative, W = factors
    return derivative if W is None else through(derivative, W)
