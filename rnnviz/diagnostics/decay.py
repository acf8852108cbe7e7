"""How fast does one step's loss fade on its way back, on average over all of them?"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from rnnviz.arrays import Array, Float, Int
from rnnviz.diagnostics.gradient_flow import QUANTILES, Fit, GradientFlow, fit_line, log10_mean
from rnnviz.diagnostics.itemized import Itemized


@dataclass(frozen=True)
class Decay:
    """The norm of dL_s/ds_t by lag, over the sources s that reach it, in log10.

    Lag k of the loss at step s is the state s + 1 - k, so a loss reaches the lags 0 to s + 1, and
    the longest lags are those of the latest losses alone.
    """

    log10_norm: Float[Array, " K"]
    """log10 of the mean over sources of the norm; -inf where all are exactly zero."""
    log10_quantiles: Float[Array, "3 K"]
    """log10 of the 10, 50 and 90 % quantiles over sources."""
    sources: Int[Array, " K"]
    """How many sources reach each lag."""
    every: int
    """One in how many steps was a source."""
    layer: str
    parts: tuple[str, ...]
    """What the state is made of: h and c in an LSTM."""
    batch_size: int
    flow: GradientFlow | None = None
    """The last step's loss alone, to stand beside it."""

    @property
    def lag(self) -> Int[Array, " K"]:
        """How far back from the loss, 0 to T at the most."""
        return np.arange(len(self.log10_norm))

    @cached_property
    def fit(self) -> Fit:
        """A straight line through the average: the factor of a step back, and the half-life."""
        return fit_line(self.log10_norm)

    @property
    def factor(self) -> float:
        """What one step back multiplies the average norm by, from the fit."""
        return self.fit.factor

    @property
    def half_life(self) -> float | None:
        """Steps back until half is left, from the fit; None unless the average shrinks."""
        return self.fit.half_life

    @property
    def log10_last(self) -> Float[Array, " K"] | None:
        """The last step's loss alone by lag, where it is at hand."""
        if self.flow is None:
            return None
        return self.flow.log10_norm[self.flow.loss_state :: -1]

    def to_frame(self) -> pd.DataFrame:
        """One row a lag: the number of sources, log10 of mean and quantiles."""
        low, median, high = self.log10_quantiles
        return pd.DataFrame(
            {
                "lag": self.lag,
                "sources": self.sources,
                "log10_norm": self.log10_norm,
                "log10_q10": low,
                "log10_q50": median,
                "log10_q90": high,
            }
        )


def decay(items: Itemized, flow: GradientFlow | None = None) -> Decay:
    """The average over sources of the gradient's norm at each lag, and its measured half-life.

    Steps without a loss are no sources, and are left out.

    Parameters
    ----------
    items : ``itemized(record)``
    flow : ``gradient_flow(record, "last")``, if the last step's loss is to stand beside it

    Examples
    --------
    >>> import rnnviz as rv
    >>> config = rv.RunConfig(cell="linear", init="orthogonal", gain=0.5, steps=30, task="sine",
    ...                       loss_at="all", hidden_size=4)
    >>> result = decay(rv.diagnostics.itemized(rv.run(config)))
    >>> round(result.factor, 1), round(result.half_life, 1), result.sources[[0, 1, 2, 30]].tolist()
    (0.5, 1.0, [30, 30, 29, 1])
    """
    loss_state = items.sources + 1
    at_loss = items.log10_norm[np.arange(len(loss_state)), loss_state]
    feeding = ~np.isneginf(at_loss)
    rows = np.flatnonzero(feeding if feeding.any() else loss_state == loss_state.max())
    rows = rows[np.argsort(items.sources[rows], kind="stable")]
    ends = loss_state[rows]
    lags = range(int(ends[-1]) + 1)
    first = np.searchsorted(ends, lags)
    by_lag = [
        np.sort(items.log10_norm[rows[n:], ends[n:] - k]) for k, n in zip(lags, first, strict=True)
    ]
    return Decay(
        np.array([log10_mean(norms[None])[0] for norms in by_lag]),
        np.array([[norms[round(q * (len(norms) - 1))] for norms in by_lag] for q in QUANTILES]),
        len(rows) - first,
        items.every,
        items.layer,
        items.parts,
        items.batch_size,
        flow,
    )
