"""Where would the state stand still under a constant input, and does it stay near?"""

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd

from rnnviz.arrays import Array, Float, Int
from rnnviz.diagnostics.newton import TOLERANCE, merged, searched
from rnnviz.diagnostics.state_map import StateMap, state_map
from rnnviz.network import Network
from rnnviz.products import one_blas_thread
from rnnviz.record import Record
from rnnviz.stopping import breathe

MOST_KEPT = 32
MARGIN = 1e-6
"""An absolute eigenvalue this near to 1 neither holds nor lets go, as far as numbers can tell."""
SMALL = 0.1
"""The standard deviation of the small random starts."""

Kind = Literal["stable node", "stable spiral", "marginal", "saddle", "unstable"]
Held = Literal["zero", "mean", "given"]


@dataclass(frozen=True)
class FixedPoints:
    """States s with F(s) = s, those that most starts led to first, and what is near them."""

    layer: str
    parts: tuple[str, ...]
    """What the state is made of: h and c in an LSTM."""
    held: Held
    """Which input stays the same."""
    x: Float[Array, " I"]
    points: Float[Array, "P S"]
    residual: Float[Array, " P"]
    """|F(s) - s|."""
    eigenvalues: Array
    """Of the Jacobian at each point, complex, (P, S), largest first."""
    led: Int[Array, " P"]
    """How many starts led to each."""
    starts: int
    not_converged: int
    """Starts that ended nowhere: no step made |F(s) - s| smaller."""
    slowest: float
    """The smallest |F(s) - s| among those: a slow point, if small; NaN where there is none."""
    left_out: int
    """Fixed points beyond the first ``MOST_KEPT``."""

    @property
    def spectral_radius(self) -> Float[Array, " P"]:
        """The largest absolute eigenvalue at each point."""
        return np.abs(self.eigenvalues[:, 0])

    @property
    def unstable(self) -> Int[Array, " P"]:
        """In how many directions states leave each point."""
        unstable: Array = (np.abs(self.eigenvalues) > 1 + MARGIN).sum(axis=1)
        return unstable

    @cached_property
    def kinds(self) -> tuple[Kind, ...]:
        """What each point is.

        A spiral where the largest eigenvalue is not real, so that a state turns as it comes
        near. Marginal where no direction leaves and the largest is 1 in size: then what is left
        out of the Jacobian decides.
        """
        pairs = zip(self.eigenvalues, self.unstable, strict=True)
        return tuple(_kind(values, int(unstable)) for values, unstable in pairs)

    @property
    def counts(self) -> dict[Kind, int]:
        """How many there are of each kind."""
        return dict(Counter(self.kinds))

    def to_frame(self) -> pd.DataFrame:
        """One row a fixed point: kind, unstable directions, spectral radius, residual, starts."""
        return pd.DataFrame(
            {
                "kind": pd.Series(self.kinds, dtype=object),
                "unstable_directions": self.unstable,
                "spectral_radius": self.spectral_radius,
                "residual": self.residual,
                "starts": self.led,
            }
        )


def fixed_points(
    of: Record | Network,
    x: Literal["zero", "mean"] | Float[Array, " I"] = "zero",
    layer: int | None = None,
    starts: int = 64,
    seed: int = 0,
) -> FixedPoints:
    """Fixed points of one layer's state map, found by Newton's method from many starts.

    Sussillo and Barak (2013), Opening the black box, Neural Computation 25, 626-649, who
    minimise the speed |F(s) - s| and linearise where it is zero. Here Newton's method solves
    F(s) = s itself, with the exact Jacobian and step lengths that are halved until the speed
    falls. A point counts where |F(s) - s| <= 1e-10 (1 + |s|), in float64. Nobody can say that
    there are no others: more starts may find more.

    Parameters
    ----------
    of : a record, whose states are most of the starts, or a network; zero and small random
        states are starts too
    x : the input that stays the same: zero; the mean of what the layer read in the record, over
        time and batch; or numbers of your own. A layer above the first reads the one below
    layer : the top one that reads forward by default
    starts : how many; each takes about the time of S backward passes of one step, at each of
        ten or twenty steps of Newton's method
    seed : draws the starts

    Raises
    ------
    ValueError
        If there is no start, the input is not finite or not of the layer's size, or the mean is
        asked of a network.

    Examples
    --------
    >>> import rnnviz as rv
    >>> cell = rv.CELLS["tanh"](input_size=1, hidden_size=1)
    >>> params = {name: np.zeros(shape) for name, shape in cell.shapes.items()}
    >>> params["W_hh"] += 2
    >>> result = fixed_points(rv.Network([rv.Layer(cell, params)]))
    >>> sorted(zip(result.points[:, 0].round(4).tolist(), result.kinds))
    [(-0.9575, 'stable node'), (0.0, 'unstable'), (0.9575, 'stable node')]
    """
    network = of.network if isinstance(of, Record) else of
    number = network.top if layer is None else layer
    if starts < 1:
        raise ValueError(f"starts must be at least 1, got {starts}")
    cell = network.layers[number].cell
    held, constant = _held(of, x, number, cell.input_size)
    step = state_map(network.layers[number], constant)
    with np.errstate(all="ignore"), one_blas_thread():
        s, residual = searched(step, _drawn(of, number, starts, seed))
        near = residual <= TOLERANCE * (1 + np.linalg.norm(s, axis=1))
        first, led = merged(s[near], residual[near])
        kept = np.flatnonzero(near)[first[:MOST_KEPT]]
        eigenvalues = _eigenvalues(step, s[kept])
    lost = residual[~near & np.isfinite(residual)]
    return FixedPoints(
        network.names[number],
        cell.state_names,
        held,
        constant,
        s[kept],
        residual[kept],
        eigenvalues,
        led[:MOST_KEPT],
        starts,
        int((~near).sum()),
        float(lost.min()) if len(lost) else np.nan,
        max(0, len(first) - MOST_KEPT),
    )


def _held(
    of: Record | Network, x: str | Array, number: int, size: int
) -> tuple[Held, Float[Array, " I"]]:
    """Which input is held, and what it is."""
    if not isinstance(x, str):
        given = np.asarray(x, np.float64)
        if given.shape != (size,) or not np.isfinite(given).all():
            raise ValueError(f"x must be {size} finite numbers, got {given}")
        return "given", given
    if x == "zero":
        return "zero", np.zeros(size)
    if x != "mean" or not isinstance(of, Record):
        raise ValueError(f"x must be 'zero', 'mean' of a record, or {size} numbers, got {x!r}")
    with np.errstate(all="ignore"):
        mean: Array = of.layers[number].x.mean(axis=(0, 1), dtype=np.float64)
    if not np.isfinite(mean).all():
        raise ValueError("the mean input must be finite, got inputs that are not")
    return "mean", mean


def _drawn(of: Record | Network, number: int, starts: int, seed: int) -> Float[Array, "B S"]:
    """Zero, a quarter small and random, and the rest from the record, or random too."""
    rng = np.random.default_rng(seed)
    network = of.network if isinstance(of, Record) else of
    size = network.layers[number].cell.state_size
    drawn = rng.normal(size=(starts, size))
    drawn[0] = 0
    drawn[1 : 1 + starts // 4] *= SMALL
    if isinstance(of, Record):
        seen = of.layers[number].s.reshape(-1, size)
        finite = np.flatnonzero(np.isfinite(seen).all(axis=1))
        rest = starts - 1 - starts // 4
        if len(finite) and rest > 0:
            drawn[-rest:] = seen[rng.choice(finite, rest, replace=len(finite) < rest)]
    return drawn


def _eigenvalues(step: StateMap, s: Float[Array, "P S"]) -> Array:
    """Of the Jacobian at each point, the largest first."""
    values = np.empty(s.shape, np.complex128)
    for n, point in enumerate(s):
        breathe()
        own = np.linalg.eigvals(step.linearised(point[None])[1][0])
        values[n] = own[np.argsort(-np.abs(own), kind="stable")]
    return values


def _kind(values: Array, unstable: int) -> Kind:
    if unstable:
        return "unstable" if unstable == len(values) else "saddle"
    largest = values[0]
    if abs(largest) >= 1 - MARGIN:
        return "marginal"
    turns = abs(largest.imag) > MARGIN * abs(largest)
    return "stable spiral" if turns else "stable node"
