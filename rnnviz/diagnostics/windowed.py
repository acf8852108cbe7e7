"""Which part of each parameter's gradient comes from the last K steps before each loss?"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from rnnviz.arrays import Array, Float, Int, Params
from rnnviz.cells import Adjoint, Tape
from rnnviz.network import Layer
from rnnviz.products import CACHED, one_blas_thread, through
from rnnviz.record import LayerRecord, Record
from rnnviz.stopping import breathe

Times = slice | Int[Array, " M"]
Flow = dict[str, Array]
"""The derivative by each part of a state, (rows, H): a row for each source and sequence."""


@dataclass(frozen=True, slots=True)
class _Steps:
    """One layer's steps, of which any may be taken back at once: time is batch."""

    layer: Layer
    seen: LayerRecord
    pairs: dict[str, Array]
    """Of each part of the state, what a step found and what it left: (2, T, B, H)."""
    da: Float[Array, "T B P"]
    """What the current window adds, by the step it acts at."""
    flow: dict[str, Float[Array, "M B H"]]
    """How far each source has come."""

    def tape(self, times: Times) -> Tape:
        """The steps at these times as one step of a larger batch."""
        kept = self.seen.tape
        return Tape(
            _as_batch(kept.a, times),
            {name: p[:, times].reshape(2, -1, p.shape[-1]) for name, p in self.pairs.items()},
            {name: _as_batch(gate, times) for name, gate in kept.gates.items()},
            {name: _as_batch(own, times) for name, own in kept.kept.items()},
        )

    def back(self, times: Times, flow: Flow, above: Array | None) -> tuple[Flow, Array]:
        """One step back from these times: the flow before it, and da (1, rows, P)."""
        if above is not None:
            flow["h"] += above
        before = {name: np.zeros_like(part) for name, part in flow.items()}
        parts = {name: [before[name], flow[name]] for name in flow}
        da = np.empty((1, len(flow["h"]), self.da.shape[2]), self.da.dtype)
        self.layer.cell.backward(self.layer.params, self.tape(times), Adjoint(parts, da))(0)
        self.da[times] += da.reshape(-1, *self.da.shape[1:])
        return before, da

    def to_input(self, times: Times, da: Array) -> Array:
        """The derivative by what the layer read at these times, (rows, I)."""
        x = _as_batch(self.seen.x, times)
        into: Array = through(*self.layer.cell.to_input(self.layer.params, da, x))[0]
        return into

    def grads(self, steps: slice) -> Params:
        """What these steps add to the gradient; afterwards they have nothing left to add."""
        da, x, layer = self.da[steps], self.seen.x[steps], self.layer
        found = layer.cell.grads(layer.params, self.seen.tape, da, x, steps)
        da[:] = 0
        return {name: found[name] for name in layer.params}


def windowed(
    record: Record, dy: Float[Array, "T B O"], windows: Int[Array, " K"]
) -> Iterator[Params]:
    """Every layer's gradient for each window in turn, of a loss whose derivative by y is ``dy``.

    With window K the loss at step s reaches the steps s, s - 1, ..., s - K + 1, in every layer,
    and the state before them is a constant. All losses travel together, lag by lag: their steps
    lie at different times and are taken as one batch, a block of losses at a time. Exact; the
    work grows with the number of losses times the largest window, the memory with T.

    Parameters
    ----------
    windows : rising, each at least 1
    """
    losses = np.flatnonzero(dy.any(axis=(1, 2)))
    if not len(losses):
        losses = np.array([record.steps - 1])
    start, stack = (
        _start(record, dy[losses]),
        [_steps(record, n, len(losses)) for n in _all(record)],
    )
    size = max(1, 4 * CACHED // max(1, start[0].nbytes))
    total: Params = {}
    reached = 0
    for window in windows.tolist():
        with np.errstate(all="ignore"), one_blas_thread():
            for first in range(0, len(losses), size):
                block = slice(first, min(first + size, len(losses)))
                _travel(record, stack, losses, block, range(reached, window), start)
            acting = slice(max(0, int(losses[0]) - window + 1), int(losses[-1]) - reached + 1)
            _add(total, record, stack, acting)
        reached = window
        yield total


def _all(record: Record) -> range:
    return range(len(record.layers))


def _start(record: Record, dy: Array) -> Array:
    """The derivative by the outputs of the top layer, where the losses are."""
    readout = record.network.readout
    return through(dy, readout.params["W_hy"]) if readout else dy


def _steps(record: Record, n: int, losses: int) -> _Steps:
    layer, seen = record.network.layers[n], record.layers[n]
    pairs = {
        name: np.moveaxis(sliding_window_view(state, 2, axis=0), -1, 0)
        for name, state in seen.tape.states.items()
    }
    flow = {name: np.zeros((losses, *s.shape[1:]), s.dtype) for name, s in seen.tape.states.items()}
    return _Steps(layer, seen, pairs, np.zeros_like(seen.pre), flow)


def _travel(
    record: Record, stack: list[_Steps], losses: Array, block: slice, lags: range, start: Array
) -> None:
    """Carry a block of losses back over these lags, through all layers at each step."""
    first, B = block.start, record.batch_size
    flows = [_rows(layer.flow, block) for layer in stack]
    for k in lags:
        alive = max(first, int(np.searchsorted(losses, k)))
        if alive >= block.stop:
            return
        flows = [{name: p[(alive - first) * B :] for name, p in flow.items()} for flow in flows]
        first = alive
        above = start[first : block.stop].reshape(-1, start.shape[2]) if k == 0 else None
        if above is None and not any(part.any() for flow in flows for part in flow.values()):
            break
        flows = _back(stack, _times(losses[first : block.stop] - k), flows, above, record)
    for layer, flow in zip(stack, flows, strict=True):
        for name, part in flow.items():
            layer.flow[name][first : block.stop] = part.reshape(-1, B, part.shape[1])


def _back(
    stack: list[_Steps], times: Times, flows: list[Flow], above: Array | None, record: Record
) -> list[Flow]:
    """One step of all layers, from the top down: what a layer reads, the one below gave."""
    breathe()
    before = list(flows)
    for n in reversed(range(len(stack))):
        before[n], da = stack[n].back(times, flows[n], above)
        if n > 0:
            past = above if record.network.residual else None
            above = stack[n].to_input(times, da)
            above = above if past is None else above + past
    return before


def _add(total: Params, record: Record, stack: list[_Steps], acting: slice) -> None:
    if acting.stop <= acting.start:
        return
    for own, layer in zip(record.network.names, stack, strict=True):
        for name, grad in layer.grads(acting).items():
            known = total.get(f"{own}.{name}")
            total[f"{own}.{name}"] = grad if known is None else known + grad


def _rows(flow: dict[str, Array], block: slice) -> Flow:
    return {name: part[block].reshape(-1, part.shape[2]) for name, part in flow.items()}


def _as_batch(array: Array, times: Times) -> Array:
    return array[times].reshape(1, -1, array.shape[-1])


def _times(times: Array) -> Times:
    """A slice where the times have no gaps: what is looked up then is not copied."""
    first, last = int(times[0]), int(times[-1])
    return slice(first, last + 1) if last - first + 1 == len(times) else times
