"""How much does the gradient's way back depend on the seed?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from rnnviz.arrays import Array, Float, Int


@dataclass(frozen=True)
class Spread:
    """log10 of the gradient's norm by lag over several seeds: the median and the extremes."""

    median: Float[Array, " K"]
    low: Float[Array, " K"]
    """The smallest of all seeds."""
    high: Float[Array, " K"]
    """The largest."""
    count: int
    """How many seeds."""

    @property
    def lag(self) -> Int[Array, " K"]:
        """Steps back from the loss."""
        return np.arange(len(self.median))

    def to_frame(self) -> pd.DataFrame:
        """One row a lag."""
        columns = {"lag": self.lag, "median": self.median, "low": self.low, "high": self.high}
        return pd.DataFrame(columns)


def spread(norms: Sequence[Float[Array, " _"]]) -> Spread:
    """The median, smallest and largest log10 norm at each lag.

    Parameters
    ----------
    norms : of each seed, log10 of the norm by lag, from lag 0; -inf for an exact zero. Lags that
        not every seed has are left out

    Raises
    ------
    ValueError
        If there is no seed at all.

    Examples
    --------
    >>> found = spread([np.array([0.0, -1.0]), np.array([0.0, -3.0]), np.array([0.0, -2.0, -9.0])])
    >>> found.median.tolist(), found.low.tolist(), found.high.tolist(), found.count
    ([0.0, -2.0], [0.0, -3.0], [0.0, -1.0], 3)
    """
    if not norms:
        raise ValueError("a spread takes at least 1 seed, got 0")
    shortest = min(len(norm) for norm in norms)
    stacked = np.stack([norm[:shortest] for norm in norms])
    with np.errstate(invalid="ignore"):
        median = np.median(stacked, axis=0)
    return Spread(median, stacked.min(axis=0), stacked.max(axis=0), len(norms))
