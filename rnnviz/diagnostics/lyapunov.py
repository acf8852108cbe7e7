"""At what rate do nearby states part or meet, and gradients grow or shrink?"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from rnnviz.arrays import Array, Float, Int
from rnnviz.diagnostics.stretches import Stretch, of_all, of_one, of_some
from rnnviz.network import Layer
from rnnviz.products import one_blas_thread
from rnnviz.record import LayerRecord, Record

_POINTS = 200
"""Of the running estimate, at the most about."""
_TOLD = 0.01
"""Nats a step: where rounding may do more than this, the sum rule proves nothing."""


@dataclass(frozen=True)
class SumRule:
    """The sum of all exponents beside the mean log of the determinant, which it must equal."""

    total: float
    """Batch mean of the sum of a sequence's exponents, in nats per step."""
    log_det: float
    """Batch mean of the mean over the steps of log|det J_t|, each by an LU decomposition."""
    difference: float
    """The largest of any sequence; 0 where both are -inf, NaN where one is not a number."""
    tolerance: float
    """What rounding may do."""

    @property
    def outcome(self) -> Literal["agrees", "differs", "untold"]:
        """Of the test: "untold" where no number is left, or too few digits for any to differ."""
        if self.difference > self.tolerance:
            return "differs"
        return "agrees" if self.tolerance <= _TOLD and self.difference >= 0 else "untold"


@dataclass(frozen=True)
class Lyapunov:
    """Lyapunov exponents of one layer, in nats per step, largest first."""

    exponents: Float[Array, " K"]
    """Batch mean of each sequence's exponents; -inf where nothing is left of a direction."""
    by_sequence: Float[Array, "B K"]
    """Each sequence's own, a column for each direction of the frame: in the order of the means."""
    rounding: Float[Array, " K"]
    """About how much rounding may have moved each: near or above 1 it says nothing."""
    log_det: Float[Array, " B"] | None
    """Each sequence's mean log|det J_t| over the same steps; None for fewer than all exponents."""
    running_steps: Int[Array, " P"]
    """How many steps each row of ``running`` is the mean of."""
    running: Float[Array, "P K"]
    """The same estimate from fewer steps: how it settled."""
    state_size: int
    skip: int
    """How many steps, the first on the way back, only turned the frame and were not counted."""
    layer: str

    @property
    def largest(self) -> float:
        """The largest: positive where near states part, and gradients explode."""
        return float(self.exponents[0])

    @property
    def steps(self) -> int:
        """How many steps were counted."""
        return int(self.running_steps[-1])

    @property
    def standard_error(self) -> Float[Array, " K"]:
        """Of the batch mean, from the spread over the sequences; NaN for a single sequence."""
        B, K = self.by_sequence.shape
        if B == 1:
            return np.full(K, np.nan)
        with np.errstate(all="ignore"):
            error: Array = self.by_sequence.std(axis=0, ddof=1) / np.sqrt(B)
        return error

    @property
    def sum_rule(self) -> SumRule | None:
        """The self-test: the exponents add up to the mean log|det J_t|; None for fewer than all.

        Both are -inf for a Jacobian that is exactly singular, as that of a ReLU that is off.
        """
        if self.log_det is None:
            return None
        totals = self.by_sequence.sum(axis=1)
        both = np.isneginf(totals) & np.isneginf(self.log_det)
        with np.errstate(invalid="ignore"):
            apart = np.where(both, 0.0, np.abs(totals - self.log_det))
        size = max(1.0, float(np.abs(totals).max(where=np.isfinite(totals), initial=0)))
        added_up = (self.steps + self.state_size) * np.finfo(np.float64).eps * size
        tolerance = float(self.rounding.sum() + added_up)
        return SumRule(
            float(totals.mean()), float(self.log_det.mean()), float(apart.max()), tolerance
        )

    @property
    def kaplan_yorke(self) -> float:
        """The dimension of the attractor: how many directions together neither grow nor shrink.

        Kaplan and Yorke (1979), Chaotic behavior of multidimensional difference equations: j plus
        the sum of the first j exponents over the size of the next one, for the largest j whose
        sum is not negative. 0 where the largest exponent is negative, S where the sum of all is
        not; NaN where it takes exponents that were not asked for. A sum within rounding of 0
        counts as 0.
        """
        sums = np.cumsum(self.exponents)
        if np.isnan(sums).any():
            return np.nan
        j = int((sums >= -np.cumsum(self.rounding)).sum())
        if j == len(sums):
            return float(j) if j == self.state_size else np.nan
        if j == 0:
            return 0.0
        return j + max(float(sums[j - 1]), 0.0) / abs(float(self.exponents[j]))

    def to_frame(self) -> pd.DataFrame:
        """One row an exponent: rank, batch mean and its standard error, what rounding may do."""
        return pd.DataFrame(
            {
                "rank": np.arange(1, len(self.exponents) + 1),
                "exponent": self.exponents,
                "standard_error": self.standard_error,
                "rounding": self.rounding,
            }
        )


def lyapunov(
    record: Record, count: int | None = None, layer: int | None = None, skip: int = 0
) -> Lyapunov:
    """The largest exponents, from the one-step Jacobians along the record's own states.

    Engelken, Wolf and Abbott (2023), Lyapunov spectra of chaotic recurrent neural networks,
    appendix on the algorithm: an orthonormal frame is carried through the product of Jacobians
    and made orthonormal again; the logs of the stretches are averaged. Ours is carried by the
    transposed Jacobians, which have the same exponents, so that the code whose gradients are
    checked is the code that is measured.

    The frame is random at first, and takes some steps to turn into the directions that stretch
    most. Over few steps that shows: an exponent is of this sequence and this many steps.

    Parameters
    ----------
    record : Record
    count : how many exponents; all S by default, which is B S^3 multiplications a step
    layer : the top one by default
    skip : steps on the way back before the first that is counted

    Raises
    ------
    ValueError
        If ``count`` is below 1, or ``skip`` leaves no step.

    Examples
    --------
    >>> import rnnviz as rv
    >>> config = rv.RunConfig(cell="linear", init="orthogonal", gain=0.5, hidden_size=4, steps=9)
    >>> result = rv.diagnostics.lyapunov(rv.run(config))
    >>> bool(np.allclose(result.exponents, np.log(0.5))), result.sum_rule.outcome
    (True, 'agrees')
    """
    if count is not None and count < 1:
        raise ValueError(f"count must be at least 1, got {count}")
    if not 0 <= skip < record.steps:
        raise ValueError(f"skip must be in [0, {record.steps - 1}], got {skip}")
    number = record.network.top if layer is None else layer
    at, seen = record.network.layers[number], record.layers[number]
    S = at.cell.state_size
    K = S if count is None else min(count, S)
    with np.errstate(all="ignore"), one_blas_thread(K * record.batch_size * S * S):
        stretches = _stretches(at, seen, K, {skip, record.steps})
        return _averaged(stretches, record, skip, S, record.network.names[number])


def _stretches(layer: Layer, seen: LayerRecord, K: int, stops: set[int]) -> Iterator[Stretch]:
    S, (_, B, _) = layer.cell.state_size, seen.h.shape
    drawn = np.random.default_rng(0).normal(size=(K, B, S))
    frame = np.linalg.qr(np.moveaxis(drawn, 0, 2))[0]
    start = np.ascontiguousarray(np.moveaxis(frame, 2, 0))
    if K == S:
        return of_all(layer, seen, start, stops)
    start = start.astype(seen.h.dtype)
    return of_one(layer, seen, start, stops) if K == 1 else of_some(layer, seen, start)


def _averaged(
    stretches: Iterator[Stretch], record: Record, skip: int, S: int, layer: str
) -> Lyapunov:
    """The means over the steps that count, and some of what they were on the way."""
    log = rounding = np.zeros((record.batch_size, 1))
    log_det = np.zeros(record.batch_size)
    done: list[int] = []
    rows: list[Array] = []
    apart = -(-(record.steps - skip) // _POINTS)
    for stretch in stretches:
        if stretch.done <= skip:
            continue
        log, rounding = log + stretch.log, rounding + stretch.rounding
        log_det = log_det + stretch.log_det
        steps = stretch.done - skip
        if not done or steps >= done[-1] + apart or stretch.done == record.steps:
            done.append(steps)
            rows.append(log.mean(axis=0) / steps)
    order = np.argsort(-rows[-1])
    running = np.stack(rows)[:, order]
    rounding = np.where(np.isneginf(log), 0, rounding).max(axis=0)[order]
    return Lyapunov(
        exponents=running[-1],
        by_sequence=log[:, order] / steps,
        rounding=rounding / steps,
        log_det=log_det / steps if log.shape[1] == S else None,
        running_steps=np.array(done),
        running=running,
        state_size=S,
        skip=skip,
        layer=layer,
    )
