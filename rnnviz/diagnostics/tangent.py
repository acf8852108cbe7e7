"""A small change of the first state, carried forward by the cell's own steps and no derivative.

Each step's change is a central difference of the forward step around the recorded state, in
float64: nothing of the backward pass is used, so that the two can be held against each other.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from rnnviz.arrays import Array, Float
from rnnviz.network import Layer
from rnnviz.record import LayerRecord

EPS = float(np.finfo(np.float64).eps)
STEP = EPS ** (1 / 3)
"""How far a state is moved: where rounding, eps/h, and bending, h**2, are the same."""
_MOVES = np.array([1.0, -1.0, 2.0, -2.0, 0.0])[:, None, None]


@dataclass(frozen=True)
class Tangent:
    """The change at one state: a direction of length 1, and log2 of how long it is."""

    direction: Float[Array, "B S"]
    log2_length: Float[Array, " B"]
    error: Float[Array, " B"]
    """How far off the step that led here may be, as a length, on the scale of the direction."""


def tangents(
    layer: Layer, seen: LayerRecord, start: Float[Array, "B S"], first: int, last: int
) -> Iterator[Tangent]:
    """The change at each state from ``first`` to ``last``, beginning with ``start``.

    The error of a step is measured: what the difference changes by when the state is moved twice
    as far, and how far the two sides are from lying on one smooth curve. Both are small beside
    the change unless rounding drowns it or a kink lies within the moves.
    """
    move = _Mover(layer, len(start))
    direction, log2_length = _unit(start.astype(np.float64), np.zeros(len(start)))
    error = np.zeros(len(start))
    for t in range(first, last + 1):
        yield Tangent(direction, log2_length, error)
        if t == last:
            return
        change, off = move(seen.x[t], seen.s[t], direction)
        before = log2_length
        direction, log2_length = _unit(change, before)
        with np.errstate(all="ignore"):
            error = off * np.exp2(before - log2_length)


class _Mover:
    """One step of a layer, from states moved along a direction, in float64."""

    def __init__(self, layer: Layer, batch_size: int) -> None:
        self.cell = layer.cell
        self.params = {name: W.astype(np.float64) for name, W in layer.params.items()}
        self.tape = self.cell.tape(1, len(_MOVES) * batch_size, np.dtype(np.float64))
        self.step = self.cell.forward(self.params, self.tape)
        self.projected = np.empty((1, batch_size, self.tape.a.shape[2]))

    def __call__(
        self, x: Float[Array, "B I"], s: Float[Array, "B S"], direction: Float[Array, "B S"]
    ) -> tuple[Float[Array, "B S"], Float[Array, " B"]]:
        """What the next state changes by, and how far off that may be."""
        length = STEP * np.maximum(1, np.abs(s).max(axis=1, keepdims=True)).astype(np.float64)
        up, down, far_up, far_down, here = self._next(x, s + _MOVES * length * direction)
        near, far = (up - down) / (2 * length), (far_up - far_down) / (4 * length)
        turn = (up - 2 * here + down) / length
        far_turn = (far_up - 2 * here + far_down) / (2 * length)
        rounding = EPS * (_norm(here) + _norm(s.astype(np.float64))) / length[:, 0]
        off = _norm(near - far) + _norm(far_turn - 2 * turn) + rounding
        return near, off

    def _next(self, x: Array, states: Float[Array, "M B S"]) -> Float[Array, "M B S"]:
        tape, H = self.tape, self.cell.hidden_size
        # Projected first: in some cells the projection lies where the next state will.
        self.cell.project(self.params, x[None].astype(np.float64), self.projected)
        tape.a[0] = np.tile(self.projected[0], (len(_MOVES), 1))
        for n, part in enumerate(tape.states.values()):
            part[0] = states[..., n * H : (n + 1) * H].reshape(-1, H)
        self.step(0)
        after = np.concatenate([part[1] for part in tape.states.values()], axis=1)
        return after.reshape(states.shape)


def _unit(change: Float[Array, "B S"], log2: Float[Array, " B"]) -> tuple[Array, Array]:
    """The change with its length taken out; a change of nothing stays nothing."""
    length = _norm(change)
    length[length == 0] = 1
    return change / length[:, None], log2 + np.log2(length)


def _norm(values: Float[Array, "B S"]) -> Float[Array, " B"]:
    norm: Array = np.sqrt(np.einsum("bs,bs->b", values, values))
    return norm
