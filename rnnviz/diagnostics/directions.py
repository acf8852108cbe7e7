"""Which ways can the weights be moved?"""

from dataclasses import dataclass

import numpy as np

from rnnviz.arrays import Array, Params
from rnnviz.network import Network
from rnnviz.optim import norm

RANDOM, GRADIENT = "random", "gradient"


@dataclass(frozen=True)
class Axis:
    """A direction in the space of all weights.

    ``Axis("l0.W_hh", (0, 1))`` is one entry of one parameter; ``Axis.random(seed)`` moves every
    weight, and ``Axis.gradient()`` goes up the loss's own gradient.
    """

    of: str
    """A parameter's full name, "random" or "gradient"."""
    index: tuple[int, ...] = ()
    """Which entry of the parameter."""
    seed: int = 0
    """Draws a random direction."""

    @classmethod
    def random(cls, seed: int = 0) -> "Axis":
        """A normal direction, filter-normalised: Li et al. (2018), section 4.

        Each row of a matrix is as long as the same row of the weights, and each bias as the bias
        of its layer: 1 along this axis moves every unit's weights by as much as they are.
        """
        return cls(RANDOM, seed=seed)

    @classmethod
    def gradient(cls) -> "Axis":
        """Up the gradient, divided by its norm."""
        return cls(GRADIENT)

    @property
    def is_entry(self) -> bool:
        """Whether it is one weight, which has a value of its own."""
        return self.of not in (RANDOM, GRADIENT)

    @property
    def is_gradient(self) -> bool:
        """Whether it needs the gradient."""
        return self.of == GRADIENT

    def value(self, network: Network) -> float:
        """Where the network stands on this axis: the weight itself, or 0."""
        return float(network.params[self.of][self.index]) if self.is_entry else 0.0

    def direction(self, network: Network, grads: Params) -> Params:
        """What 1 along the axis adds to each parameter; those it leaves alone are left out.

        Raises
        ------
        ValueError
            If there is no such entry, the gradient is zero or not finite, or all weights are 0.
        """
        if self.is_entry:
            return self._entry(network)
        found = _random(network, self.seed) if self.of == RANDOM else _uphill(grads)
        if not any(W.any() for W in found.values()):
            raise ValueError("a random axis takes its lengths from the weights, got all zeros")
        return found

    def _entry(self, network: Network) -> Params:
        params = network.params
        if self.of not in params:
            known = [*params, RANDOM, GRADIENT]
            raise ValueError(f"an axis must be of one of {known}, got {self.of!r}")
        shape = params[self.of].shape
        inside = all(0 <= i < size for i, size in zip(self.index, shape, strict=False))
        if len(self.index) != len(shape) or not inside:
            raise ValueError(f"an index of {self.of} must be within {shape}, got {self.index}")
        one = np.zeros(shape)
        one[self.index] = 1
        return {self.of: one}


def flat(params: Params) -> Array:
    """All parameters as one vector."""
    return np.concatenate([W.ravel() for W in params.values()]).astype(np.float64)


def _random(network: Network, seed: int) -> Params:
    rng = np.random.default_rng(seed)
    found = {}
    for name, W in network.params.items():
        drawn = np.asarray(rng.standard_normal(W.shape))
        found[name] = drawn * (_lengths(W) / _lengths(drawn))
    return found


def _lengths(W: Array) -> Array:
    """The length of each row, the largest entry taken out before anything is squared."""
    largest = np.abs(W).max(axis=-1, keepdims=True, initial=0.0).astype(np.float64)
    scale = np.where((largest > 0) & (largest < np.inf), largest, 1)
    length: Array = scale * np.linalg.norm(W / scale, axis=-1, keepdims=True)
    return length


def _uphill(grads: Params) -> Params:
    length = norm(flat(grads))
    if length == 0 or not np.isfinite(length):
        raise ValueError(f"the gradient must be finite and not 0 to be an axis, got norm {length}")
    return {name: grad.astype(np.float64) / length for name, grad in grads.items()}
