"""How much gradient reaches each step?"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd

from rnnviz.adjoint import Scaled, scaled_bptt
from rnnviz.arrays import Array, Float, Int
from rnnviz.record import Record

QUANTILES = (0.1, 0.5, 0.9)
SAFE = 1e-100, 1e100
"""Between these the largest entry of each state says that no other was lost to a float's range."""
Source = Literal["total", "last"]


@dataclass(frozen=True)
class Fit:
    """A straight line through log10 of the norm: ``factor`` a step back, over a range of lags."""

    factor: float
    """0 where nothing flows, NaN where nothing is finite."""
    log10_at_loss: float
    """The line's height at lag 0."""
    first_lag: int
    last_lag: int

    @property
    def half_life(self) -> float | None:
        """Lags until half is left; None unless it shrinks."""
        return float(np.log(0.5) / np.log(self.factor)) if 0 < self.factor < 1 else None


@dataclass(frozen=True)
class GradientFlow:
    """The norm of dL/ds_t at every state: batch mean and quantiles, in log10."""

    source: Source
    """The loss that travels back: of every step ("total") or of the last one that has any."""
    loss_state: int
    """The state that the travelling loss looks at first: lag 0."""
    derivative: Scaled
    parts: tuple[str, ...] = ("h",)
    """What the state is made of: h and c in an LSTM."""

    @property
    def t(self) -> Int[Array, " N"]:
        """Index of each state, 0 to T."""
        return np.arange(self.derivative.mantissa.shape[0])

    @property
    def lag(self) -> Int[Array, " N"]:
        """How far back from the loss each state lies; negative behind it."""
        return self.loss_state - self.t

    @cached_property
    def log10_norms(self) -> Float[Array, "N B"]:
        """Each sequence's log10 Euclidean norm."""
        return self.derivative.log10_norm()

    @cached_property
    def log10_norm(self) -> Float[Array, " N"]:
        """log10 of the batch mean of the Euclidean norm; -inf for exact zeros."""
        return log10_mean(self.log10_norms)

    @cached_property
    def log10_quantiles(self) -> Float[Array, "3 N"]:
        """log10 of the 10, 50 and 90 % quantiles over the batch."""
        ordered = np.sort(self.log10_norms, axis=1)
        picks = [round(q * (ordered.shape[1] - 1)) for q in QUANTILES]
        return ordered[:, picks].T

    @cached_property
    def log10_change(self) -> Float[Array, " T"]:
        """What step t does to the norm on the way back: log10 of a factor, 0 where it is kept."""
        with np.errstate(invalid="ignore"):
            return self.log10_norm[:-1] - self.log10_norm[1:]

    @cached_property
    def fit(self) -> Fit:
        """A straight line from the loss back."""
        return fit_line(self.log10_norm[self.loss_state :: -1])

    @property
    def factor(self) -> float:
        """What one step back multiplies the norm by, from the fit."""
        return self.fit.factor

    def to_frame(self) -> pd.DataFrame:
        """One row a state: t, lag, log10 of mean norm and quantiles, the step's change."""
        low, median, high = self.log10_quantiles
        return pd.DataFrame(
            {
                "t": self.t,
                "lag": self.lag,
                "log10_norm": self.log10_norm,
                "log10_q10": low,
                "log10_q50": median,
                "log10_q90": high,
                "log10_change": np.append(self.log10_change, np.nan),
            }
        )


def gradient_flow(
    record: Record, source: Source = "total", layer: int | None = None
) -> GradientFlow:
    """The norm of dL/ds_t at every state of one layer.

    Parameters
    ----------
    record : Record
    source : "total" for the whole loss, as in ``record.ds``; "last" for the loss of the last
        step that has any, which shows how one step's loss travels: with a loss at every step
        the total looks flat even where nothing flows. It is one step for the whole batch, the
        last at which any sequence has a loss: one whose loss ends earlier counts as zero
    layer : the top one that reads forward by default; a reverse layer's states are counted as
        it goes through them, from the end of the sequence

    Examples
    --------
    >>> import rnnviz as rv
    >>> config = rv.RunConfig(cell="linear", init="identity", gain=0.5, steps=3000,
    ...                       batch_size=1, hidden_size=3, task="sine")
    >>> flow = rv.diagnostics.gradient_flow(rv.run(config))
    >>> round(flow.factor, 9), round(float(flow.log10_norm[0] - flow.log10_norm[-1]), 6)
    (0.5, -903.089987)
    """
    number = record.network.top if layer is None else layer
    dy, last = derivative_from(record, source)
    at = record.steps - last if record.network.layers[number].reverse else last + 1
    parts = record.network.layers[number].cell.state_names
    own = _recorded(record, number) if np.array_equal(dy, record.dy) else None
    return GradientFlow(source, at, own or scaled_bptt(record, dy)[number], parts)


def _recorded(record: Record, number: int) -> Scaled | None:
    """What the record itself has of the flow; None where its numbers near the ends of a float."""
    ds = record.layers[number].ds
    largest = np.abs(ds).max(axis=2)
    low, high = SAFE
    safe = ds.dtype == np.float64 and largest.max() < high
    if not safe or any(layer.reverse for layer in record.network.layers):
        return None
    if (largest < low).any(where=largest > 0):
        return None
    return Scaled(ds, np.zeros(largest.shape, np.int64))


def derivative_from(record: Record, source: Source) -> tuple[Float[Array, "T B O"], int]:
    """The derivative by the outputs of the loss that travels, and the last step that has any."""
    active = np.flatnonzero(record.dy.any(axis=(1, 2)))
    last = int(active[-1]) if len(active) else record.steps - 1
    if source == "total":
        return record.dy, last
    dy = np.zeros_like(record.dy)
    dy[last] = record.dy[last]
    return dy, last


def fit_line(log10_by_lag: Float[Array, " K"]) -> Fit:
    """Least squares over the middle three quarters of the lags that are not exactly zero.

    Over all of them, if the middle has fewer than two.
    """
    alive = np.flatnonzero(np.isfinite(log10_by_lag))
    last = int(alive[-1]) if len(alive) else 0
    margin = last // 8
    first, last = margin, last - margin
    if len(alive) < 2:
        return Fit(0.0 if np.isneginf(log10_by_lag).any() else np.nan, np.nan, first, last)
    lag = alive[(alive >= first) & (alive <= last)]
    if len(lag) < 2:
        lag, first, last = alive, int(alive[0]), int(alive[-1])
    slope, height = np.polyfit(lag, log10_by_lag[lag], 1)
    with np.errstate(over="ignore"):
        return Fit(float(np.power(10.0, slope)), float(height), first, last)


def log10_mean(log10: Float[Array, "N B"]) -> Float[Array, " N"]:
    """log10 of the mean over the batch, from logs that may lie beyond any float."""
    top = np.where(np.isfinite(log10), log10, -np.inf).max(axis=1, keepdims=True)
    top = np.where(np.isfinite(top), top, 0)
    with np.errstate(all="ignore"):
        mean: Array = np.log10(np.mean(10.0 ** (log10 - top), axis=1)) + top[:, 0]
    return mean
