"""The Jacobian of every single step, by the code of the backward pass."""

from collections.abc import Iterator

import numpy as np

from rnnviz.arrays import Array, Float, Int, Params
from rnnviz.cells import Adjoint, Tape
from rnnviz.network import Layer
from rnnviz.record import LayerRecord

_BLOCK = 1 << 21
"""Entries of the largest array that a block of steps makes: 16 MiB."""


def jacobians(
    layer: Layer, seen: LayerRecord, sequence: int, steps: Int[Array, " N"]
) -> Float[Array, "N S S"]:
    """``ds_{t+1}/ds_t`` of one sequence at these steps: row i is the derivative of entry i.

    The steps stand side by side as the sequences of a batch do, and a gradient is sent back from
    each entry of the state. In float64 whatever the record's precision is: the Jacobian at the
    states that were seen, not rounded again.
    """
    cell, size = layer.cell, layer.cell.state_size
    tape = _side_by_side(seen.tape, sequence, steps)
    shape = (2, size, len(steps), cell.hidden_size)
    parts = {name: np.zeros(shape) for name in cell.state_names}
    for number, part in enumerate(parts.values()):
        at = np.arange(cell.hidden_size)
        part[1, number * cell.hidden_size + at, :, at] = 1
    da = [np.empty((size, len(steps), seen.pre.shape[-1]))]
    params = {name: W.astype(np.float64) for name, W in layer.params.items()}
    with np.errstate(all="ignore"):
        cell.backward(params, tape, Adjoint({k: list(v) for k, v in parts.items()}, da))(0)
    before = [part[0] for part in parts.values()]
    whole = before[0] if len(before) == 1 else np.concatenate(before, axis=-1)
    return np.ascontiguousarray(whole.swapaxes(0, 1))


def backwards(
    layer: Layer, seen: LayerRecord, sequence: int, end: int, steps: int
) -> Iterator[Float[Array, "S S"]]:
    """The Jacobians of the steps before state ``end``, the last one first."""
    many = block_size(layer)
    for stop in range(end, end - steps, -many):
        first = max(stop - many, end - steps)
        yield from jacobians(layer, seen, sequence, np.arange(first, stop))[::-1]


def block_size(layer: Layer) -> int:
    """How many steps to take at once, so that memory stays bounded."""
    widest = max(layer.cell.state_size, (layer.cell.gate_count + 1) * layer.cell.hidden_size)
    return max(1, _BLOCK // (layer.cell.state_size * widest))


def _side_by_side(tape: Tape, sequence: int, steps: Int[Array, " N"]) -> Tape:
    """One step of a tape whose batch is these steps of one sequence."""

    def row(array: Array) -> Array:
        taken: Array = array[steps, sequence][None].astype(np.float64)
        return taken

    def rows(arrays: Params) -> Params:
        return {name: row(array) for name, array in arrays.items()}

    states = {
        name: array[np.stack([steps, steps + 1]), sequence].astype(np.float64)
        for name, array in tape.states.items()
    }
    return Tape(row(tape.a), states, rows(tape.gates), rows(tape.kept))


def chosen_sequences(
    batch_size: int, sequence: int | None, cost: float, affordable: float
) -> tuple[int, ...]:
    """The sequence asked for; or all of them, or the first where all would cost too much."""
    if sequence is None:
        return tuple(range(batch_size)) if batch_size * cost <= affordable else (0,)
    if not 0 <= sequence < batch_size:
        raise ValueError(f"sequence must be from 0 to {batch_size - 1}, got {sequence}")
    return (sequence,)
