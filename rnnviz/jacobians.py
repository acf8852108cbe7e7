"""The Jacobian of every single step, by the code of the backward pass; or what it does to some."""

from collections.abc import Iterator

import numpy as np

from rnnviz.arrays import Array, Float, Int, Params
from rnnviz.cells import Adjoint, Tape
from rnnviz.network import Layer
from rnnviz.record import LayerRecord
from rnnviz.stopping import breathe

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
    pulled = Pull(layer, _side_by_side(seen.tape, sequence, steps))(np.eye(layer.cell.state_size))
    return np.ascontiguousarray(pulled.swapaxes(0, 1))


class Pull:
    """The transposes of some Jacobians, which multiply by the cell's own backward step.

    ``pull @ X`` is J^T X of a tape of one step of one sequence, J never written down.
    """

    def __init__(self, layer: Layer, tape: Tape) -> None:
        self.cell, self.tape = layer.cell, tape
        self.params = {name: W.astype(np.float64, copy=False) for name, W in layer.params.items()}

    def __call__(self, gradients: Float[Array, "K S"]) -> Float[Array, "K N S"]:
        """Each gradient, sent back through each of the N steps that stand side by side."""
        H, (_, N, da_size) = self.cell.hidden_size, self.tape.a.shape
        parts = {name: np.zeros((2, len(gradients), N, H)) for name in self.cell.state_names}
        for number, part in enumerate(parts.values()):
            part[1] = gradients[:, None, number * H : (number + 1) * H]
        da = [np.empty((len(gradients), N, da_size))]
        with np.errstate(all="ignore"):
            adjoint = Adjoint({name: list(part) for name, part in parts.items()}, da)
            self.cell.backward(self.params, self.tape, adjoint)(0)
        before = [part[0] for part in parts.values()]
        return before[0] if len(before) == 1 else np.concatenate(before, axis=-1)

    def __matmul__(self, X: Float[Array, "S K"]) -> Float[Array, "S K"]:
        """J^T X; of no columns, which BLAS would refuse, there is nothing to send back."""
        return X if X.shape[1] == 0 else self(X.T)[:, 0].T


def pulls(layer: Layer, seen: LayerRecord, sequence: int, end: int, steps: int) -> Iterator[Pull]:
    """What ``backwards`` yields, transposed and never written down: for few gradients at a time."""
    params = {name: W.astype(np.float64) for name, W in layer.params.items()}
    exact = Layer(layer.cell, params, layer.reverse)
    for t in range(end - 1, end - steps - 1, -1):
        breathe()
        yield Pull(exact, _side_by_side(seen.tape, sequence, np.array([t])))


def backwards(
    layer: Layer, seen: LayerRecord, sequence: int, end: int, steps: int
) -> Iterator[Float[Array, "S S"]]:
    """The Jacobians of the steps before state ``end``, the last one first."""
    many = block_size(layer)
    for stop in range(end, end - steps, -many):
        breathe()
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
