"""What a small change of the state becomes in one step, by the cell's forward step alone.

A central difference around the recorded state, in float64: nothing of the backward pass is used,
so that the two can be held against each other.
"""

import numpy as np

from rnnviz.arrays import Array, Float
from rnnviz.network import Layer

EPS = float(np.finfo(np.float64).eps)
STEP = EPS ** (1 / 3)
"""How far a state is moved: where rounding, eps/h, and bending, h**2, are the same."""
MOVES = np.array([1.0, -1.0, 2.0, -2.0, 0.0])[:, None, None]
"""How far along a direction each of the states is, in steps."""


class Tangent:
    """One step of a layer, from many states at once, each moved along a direction of its own."""

    def __init__(self, layer: Layer, states: int) -> None:
        self.cell = layer.cell
        self.params = {name: W.astype(np.float64, copy=False) for name, W in layer.params.items()}
        self.tape = self.cell.tape(1, len(MOVES) * states, np.dtype(np.float64))
        self.step = self.cell.forward(self.params, self.tape)
        self.projected = np.empty((1, states, self.tape.a.shape[2]))

    def __call__(
        self,
        x: Float[Array, "N I"],
        s: Float[Array, "N S"],
        v: Float[Array, "N S"],
        after: Float[Array, "N S"],
    ) -> tuple[Float[Array, " N"], Float[Array, " N"]]:
        """<after, J v>: what v, of length 1, becomes in a step, as ``after`` weighs the next state.

        And how far off that may be, which is measured: what it changes by when the state is moved
        twice as far, and how far the two sides are from lying on one smooth curve. Both are small
        beside it unless rounding drowns it or a kink lies within the moves.
        """
        length = STEP * np.maximum(1, largest(s))[:, None]
        up, down, far_up, far_down, here = self._next(x, s, v * length)
        near, far = (up - down) / (2 * length), (far_up - far_down) / (4 * length)
        turn = (up - 2 * here + down) / length
        far_turn = (far_up - 2 * here + far_down) / (2 * length)
        # Unit by unit: kinks in different ones are not to cancel.
        off = dot(np.abs(near - far) + np.abs(far_turn - 2 * turn), np.abs(after))
        rounding = EPS * norms(after) * (norms(here) + norms(s)) / length[:, 0]
        return dot(near, after), off + rounding

    def _next(self, x: Array, s: Array, change: Array) -> Float[Array, "M N S"]:
        """The next states, for every move."""
        tape, H = self.tape, self.cell.hidden_size
        # Projected first: in some cells the projection lies where the next state will.
        self.cell.project(self.params, x[None], self.projected)
        tape.a.reshape(len(MOVES), len(s), -1)[:] = self.projected
        for n, part in enumerate(tape.states.values()):
            moved, own = part[0].reshape(len(MOVES), len(s), H), np.s_[:, n * H : (n + 1) * H]
            np.add(np.multiply(MOVES, change[own], out=moved), s[own], out=moved)
        self.step(0)
        parts = [part[1].reshape(len(MOVES), len(s), H) for part in tape.states.values()]
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=2)


def largest(values: Float[Array, "N S"]) -> Float[Array, " N"]:
    """The largest entry of each row, whatever its sign."""
    size: Array = np.maximum(values.max(axis=1), -values.min(axis=1))
    return size


def dot(one: Float[Array, "N S"], other: Float[Array, "N S"]) -> Float[Array, " N"]:
    """The product of each row with the other's."""
    product: Array = np.einsum("ns,ns->n", one, other)
    return product


def norms(values: Float[Array, "N S"]) -> Float[Array, " N"]:
    """The length of each row."""
    length: Array = np.sqrt(dot(values, values))
    return length
