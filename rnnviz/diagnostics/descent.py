"""Where does one step of gradient descent go?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rnnviz.arrays import Array, Float, Params
from rnnviz.bptt import States, bptt, predict
from rnnviz.diagnostics.directions import Axis, flat
from rnnviz.losses import Loss
from rnnviz.network import Network
from rnnviz.optim import clip_norm


@dataclass(frozen=True)
class DescentStep:
    """One step of gradient descent, with and without clipping, as far as it lies in the plane.

    Pascanu, Mikolov and Bengio (2013), algorithm 1: a gradient whose norm over all weights is
    above the threshold is shortened to it, and keeps its direction.
    """

    start: Float[Array, " A"]
    """Offset along each axis, from the network's weights."""
    loss: float
    slope: Float[Array, " A"]
    """Derivative of the loss by each axis, by BPTT."""
    norm: float
    """Euclidean norm of the gradient over all weights."""
    clipped_norm: float
    move: Float[Array, " A"]
    """What of the step -lr g lies in the plane, along each axis: the nearest point to its end."""
    in_plane: float
    """How far that is, in weights."""
    learning_rate: float
    clip: float
    """The threshold; 0 never clips."""

    @property
    def shortening(self) -> float:
        """What clipping multiplies the step by: 1 where it leaves it alone."""
        if self.clipped_norm == self.norm:
            return 1.0
        with np.errstate(all="ignore"):
            return float(np.float64(self.clipped_norm) / self.norm)

    @property
    def clipped_move(self) -> Float[Array, " A"]:
        """The same step after clipping."""
        with np.errstate(all="ignore"):
            return self.move * self.shortening

    @property
    def length(self) -> float:
        """How far the whole step goes in the space of all weights, before clipping."""
        return self.learning_rate * self.norm

    @property
    def clipped_length(self) -> float:
        """How far it goes after clipping: at most the learning rate times the threshold."""
        return self.learning_rate * self.clipped_norm


@dataclass(frozen=True)
class Plane:
    """The networks that lie one or two directions away from this one."""

    network: Network
    x: Float[Array, "T B I"]
    loss: Loss
    s0: States | None
    directions: tuple[Params, ...]
    gram: Float[Array, "A A"]
    """Product of each direction with each: the identity for single entries."""

    @classmethod
    def around(
        cls,
        network: Network,
        x: Float[Array, "T B I"],
        loss: Loss,
        s0: States | None,
        axes: Sequence[Axis],
    ) -> "Plane":
        """The plane of these axes; a gradient axis takes a pass there and back."""
        asked = any(axis.is_gradient for axis in axes)
        grads = bptt(network, x, loss, s0).grads if asked else {}
        directions = tuple(axis.direction(network, grads) for axis in axes)
        gram = np.array([[_dot(one, other) for other in directions] for one in directions])
        if np.linalg.det(gram) <= _PARALLEL * gram.diagonal().prod():
            raise ValueError(f"two axes must point in two directions, got {[a.of for a in axes]}")
        return cls(network, x, loss, s0, directions, gram)

    def at(self, offset: Float[Array, " A"]) -> Network:
        """The network this far along each axis, in its own precision."""
        params = dict(self.network.params)
        for far, direction in zip(offset, self.directions, strict=True):
            params |= {name: params[name] + far * D for name, D in direction.items()}
        dtype = self.network.dtype
        return self.network.with_params(
            {name: W.astype(dtype, copy=False) for name, W in params.items()}
        )

    def loss_at(self, offset: Float[Array, " A"]) -> float:
        """The loss there."""
        y = predict(self.at(offset), self.x, self.s0)
        loss_t, _ = self.loss.value_and_grad(y)
        return float(loss_t.sum())

    def step_from(self, offset: Float[Array, " A"], rate: float, clip: float) -> DescentStep:
        """The step from there, of all weights, and what of it lies in the plane."""
        record = bptt(self.at(offset), self.x, self.loss, self.s0)
        _, norm, clipped_norm, _ = clip_norm(flat(record.grads), clip)
        slope = np.array([_dot(direction, record.grads) for direction in self.directions])
        move = np.linalg.solve(self.gram, -rate * slope)
        far = float(np.sqrt(move @ self.gram @ move))
        return DescentStep(offset, record.loss, slope, norm, clipped_norm, move, far, rate, clip)


_PARALLEL = 1e-12
"""The squared sine between two directions below which they are one."""


def _dot(direction: Params, other: Params) -> float:
    """Over the parameters that the direction moves."""
    shared = direction.keys() & other.keys()
    return float(sum(np.sum(direction[name] * other[name]) for name in sorted(shared)))
