"""Forward pass and backpropagation through time, with everything kept: the one loop over time."""

from collections.abc import Sequence
from math import ceil
from typing import Any

import numpy as np

from rnnviz.arrays import Array, Float, Params, frozen
from rnnviz.cells import Adjoint, Tape
from rnnviz.losses import Loss
from rnnviz.network import Layer, Network
from rnnviz.products import blocks, one_blas_thread, rows, through
from rnnviz.record import LayerRecord, Record

States = Float[Array, "B S"] | Sequence[Float[Array, "B S"]] | list[Any]


Factors = tuple[Array, Array | None]
"""A derivative and the weights it still has to pass, or none."""

_ROWS = 512
"""Rows that a weight gradient's product takes at least: with fewer, adding it up costs more."""

Seen = tuple[Array, Tape]
"""What a layer read, and what it kept."""


def bptt(
    network: Network, x: Float[Array, "T B I"] | list[Any], loss: Loss, s0: States | None = None
) -> Record:
    """Every state, and the total derivative of the loss by everything, exact to rounding.

    Backpropagation through time: Werbos (1990), Backpropagation through time: what it does
    and how to do it, Proceedings of the IEEE 78(10).

    Parameters
    ----------
    network : Network
    x : (T, B, I)
    loss : anything with ``value_and_grad(y) -> (loss_t, dy)``
    s0 : the initial state (B, S), or a sequence of them, one a layer; zeros if left out

    Returns
    -------
    Record
        Read-only, and nothing the caller owns is in it; an overflow is kept as the infinity or
        NaN it gave.

    Raises
    ------
    ValueError
        If ``x``, ``s0``, the loss's target and the network do not fit together, or the loss
        gives arrays of other shapes.

    Examples
    --------
    A linear unit with weight 1/2 forgets half at each step back:

    >>> import rnnviz as rv
    >>> W = {"W_ih": np.ones((1, 1)), "W_hh": np.full((1, 1), 0.5),
    ...      "b_ih": np.zeros(1), "b_hh": np.zeros(1)}
    >>> network = rv.Network([rv.Layer(rv.CELLS["linear"](1, 1), W)])
    >>> last = np.array([[False], [False], [True]])
    >>> record = rv.bptt(network, np.ones((3, 1, 1)), rv.losses.MSE(np.zeros((3, 1, 1)), last))
    >>> record.h.ravel().tolist(), record.dh.ravel().tolist()
    ([0.0, 1.0, 1.5, 1.75], [0.4375, 0.875, 1.75, 3.5])
    """
    x = frozen(np.array(x, order="C"))
    _check_inputs(network, x)
    starts = _starts(network, x.shape[1], s0)
    with np.errstate(all="ignore"), one_blas_thread(_largest_product(network, x)):
        seen, top = _forward(network, x, starts)
        y = frozen(_read_out(network, top))
        loss_t, dy = _start_from(loss, y)
        layers, dx, grads = _backward(network, seen, top, dy)
    return Record(network, x, y, dy, frozen(dx), loss_t, layers, grads)


def predict(
    network: Network, x: Float[Array, "T B I"] | list[Any], s0: States | None = None
) -> Float[Array, "T B O"]:
    """The outputs alone, (T, B, O): the forward pass of ``bptt``, with the same errors."""
    x = np.asarray(x)
    _check_inputs(network, x)
    with np.errstate(all="ignore"), one_blas_thread():
        _, top = _forward(network, x, _starts(network, x.shape[1], s0))
        return _read_out(network, top)


def _largest_product(network: Network, x: Array) -> int:
    """Multiplications in the largest product, the one behind a weight gradient."""
    widest = max(16, x.shape[2], network.output_size, network.layers[0].cell.hidden_size)
    return len(x) * int(x.shape[1]) * int(widest) ** 2


def _forward(network: Network, x: Array, starts: Sequence[Array]) -> tuple[list[Seen], Array]:
    """What each layer read and kept, and what the top level gives."""
    seen: list[Seen] = []
    below = x
    for level in network.levels:
        for n in level:
            layer = network.layers[n]
            read = frozen(np.ascontiguousarray(below[::-1])) if layer.reverse else below
            seen.append((read, _layer_forward(layer, read, starts[n])))
        outputs = [_in_order(network.layers[n], seen[n][1].h[1:]) for n in level]
        given = outputs[0] if len(outputs) == 1 else np.concatenate(outputs, axis=2)
        below = frozen(given + below) if network.residual and level[0] else given
    return seen, below


def _in_order(layer: Layer, steps: Array) -> Array:
    """A layer's steps as its input has them, or the other way about."""
    return steps[::-1] if layer.reverse else steps


def _layer_forward(layer: Layer, x: Array, s0: Array) -> Tape:
    tape = layer.cell.tape(x.shape[0], x.shape[1], s0.dtype)
    starts = np.split(s0, len(tape.states), axis=-1)
    for state, start in zip(tape.states.values(), starts, strict=True):
        state[0] = start
    step = layer.cell.forward(layer.params, tape)
    for block in blocks(x.shape[0], tape.a[0]):
        layer.cell.project(layer.params, x[block], tape.a[block])
        for t in range(block.start, block.stop):
            step(t)
    return tape


def _read_out(network: Network, h: Array) -> Array:
    if network.readout is None:
        return _view(h)
    params = network.readout.params
    y = rows(h) @ params["W_hy"].T
    y += params["b_y"]
    return y.reshape(*h.shape[:2], -1)


def _start_from(loss: Loss, y: Array) -> tuple[Array, Array]:
    """What the loss gives, checked and in copies: a loss may keep its arrays and reuse them."""
    loss_t, dy = (np.asarray(part) for part in loss.value_and_grad(y))
    if loss_t.shape != y.shape[:1]:
        raise ValueError(f"the loss's loss_t must be (T,) = {y.shape[:1]}, got {loss_t.shape}")
    if dy.shape != y.shape:
        raise ValueError(f"the loss's dy must be (T, B, O) = {y.shape}, got {dy.shape}")
    return frozen(np.array(loss_t, y.dtype)), frozen(np.array(dy, y.dtype, order="C"))


def _backward(
    network: Network, seen: Sequence[Seen], top: Array, dy: Array
) -> tuple[tuple[LayerRecord, ...], Array, Params]:
    grads = _readout_grads(network, top, dy)
    above: Factors = dy, network.readout.params["W_hy"] if network.readout else None
    layers: dict[int, LayerRecord] = {}
    for level in reversed(network.levels):
        passes_on = network.residual and level[0] > 0
        if len(level) > 1 or passes_on:
            above = _product(above), None
        ends = np.cumsum([0] + [network.layers[n].cell.hidden_size for n in level])
        for n, start, end in zip(level, ends[:-1], ends[1:], strict=True):
            layer, part = network.layers[n], above
            if len(level) > 1:
                part = np.ascontiguousarray(_in_order(layer, above[0][..., start:end])), None
            layers[n] = record = _layer_backward(layer, *seen[n], part)
            grads |= {f"{network.names[n]}.{name}": grad for name, grad in record.grads.items()}
        into = [_to_input(network.layers[n], layers[n]) for n in level]
        parts = zip(level, into, strict=True)
        if len(level) > 1:
            ways = [_in_order(network.layers[n], _product(part)) for n, part in parts]
            into = [(ways[0] + ways[1], None)]
        above = (_product(into[0]) + above[0], None) if passes_on else into[0]
    ordered = tuple(layers[n] for n in range(len(layers)))
    return ordered, _product(above), {name: grads[name] for name in network.params}


def _to_input(layer: Layer, record: LayerRecord) -> Factors:
    return layer.cell.to_input(layer.params, record.pre, record.x)


def _product(factors: Factors) -> Array:
    derivative, W = factors
    return derivative if W is None else through(derivative, W)


def _layer_backward(layer: Layer, x: Array, tape: Tape, above: Factors) -> LayerRecord:
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
            for t in reversed(range(start, stop)):
                step(t)
        parts = layer.cell.grads(layer.params, tape, da[wide], x[wide], wide)
        for name, part in parts.items():
            grads[name] = np.add(grads[name], part, out=grads[name]) if name in grads else part
    grads = {name: grads[name] for name in layer.params}
    for name, total in inner.items():
        total[0] = ds[name][0]
    everything = ds, inner, grads, tape.states, tape.gates, tape.kept
    for array in (x, da, tape.a, *(array for group in everything for array in group.values())):
        frozen(array)
    return LayerRecord(x, da, ds, grads, tape, inner)


def _feed(above: Factors, steps: slice, dh: Array) -> None:
    derivative, W = above
    if W is None:
        dh[:] = derivative[steps]
    else:
        np.matmul(rows(derivative[steps]), W, out=rows(dh))


def _readout_grads(network: Network, h: Array, dy: Array) -> Params:
    if network.readout is None:
        return {}
    W_hy = rows(dy).T @ rows(h)
    return {"readout.W_hy": frozen(W_hy), "readout.b_y": frozen(rows(dy).sum(axis=0))}


def _view(array: Array) -> Array:
    """A read-only view: the caller's own array stays as writable as it was."""
    return frozen(array[:])


def _check_inputs(network: Network, x: Array) -> None:
    if x.ndim != 3 or 0 in x.shape or x.shape[2] != network.input_size:
        raise ValueError(f"x must be (T, B, {network.input_size}), got {x.shape}")
    if x.dtype != network.dtype:
        raise ValueError(f"x must be {network.dtype} as the weights are, got {x.dtype}")


def _starts(network: Network, batch_size: int, s0: States | None) -> list[Array]:
    shapes = [(batch_size, layer.cell.state_size) for layer in network.layers]
    if s0 is None:
        return [np.zeros(shape, network.dtype) for shape in shapes]
    given = [np.asarray(start) for start in s0]
    if all(start.ndim == 1 for start in given):
        given = [np.asarray(s0)]
    if [start.shape for start in given] != shapes:
        came = [start.shape for start in given]
        raise ValueError(f"s0 must be one (B, S) array a layer, {shapes}, got {came}")
    return given
