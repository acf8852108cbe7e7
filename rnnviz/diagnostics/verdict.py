"""Does the gradient vanish, hold or explode, how fast, and what would change it?"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from rnnviz.arrays import Array, Float
from rnnviz.cells import takes
from rnnviz.config import RunConfig
from rnnviz.diagnostics.cause import Cause, Kind, cause_of, why
from rnnviz.diagnostics.eigenvalues import Eigenvalues
from rnnviz.diagnostics.faults import Fault, first_fault
from rnnviz.diagnostics.gradient_flow import GradientFlow, gradient_flow
from rnnviz.diagnostics.remedy import (
    Remedy,
    for_dead,
    for_growing,
    for_holding,
    for_vanishing,
)
from rnnviz.diagnostics.saturation import Saturation
from rnnviz.record import Record

HOLDS_OVERALL = 10.0
"""A gradient holds if over the whole sequence it changes by less than this factor ..."""
HOLDS_PER_STEP = 1.1
"""... and at each step by less than this one, which is what counts in a short sequence."""
REACH = 0.01
"""What is left of the gradient at the reach."""


@dataclass(frozen=True)
class Verdict:
    """What one step's loss does on its way back; ``str()`` is the sentence."""

    kind: Kind
    factor: float
    """What a step back multiplies the norm by."""
    fit_lags: tuple[int, int]
    """The lags that the factor is fitted over."""
    half_life: float | None
    """Steps back until half is left; None unless the gradient shrinks."""
    doubling_time: float | None
    """Steps back until the norm has doubled; None unless it grows."""
    reach: int | None
    """The first lag at which 1 % is left; None where more than that is left at every lag."""
    first_bad_step: int | None
    """Index of the first state, in the order of computing, with a zero, infinity or NaN."""
    sentence: str
    evidence: tuple[str, ...]
    remedy: Remedy

    def __str__(self) -> str:
        return self.sentence

    def to_frame(self) -> pd.DataFrame:
        """One row: the numbers, the sentence and the remedy in words."""
        return pd.DataFrame([{**vars(self), "remedy": self.remedy.text}])


def verdict(
    record: Record,
    flow: GradientFlow | None = None,
    config: RunConfig | None = None,
    *,
    spectrum: Eigenvalues | None = None,
    units: Saturation | None = None,
) -> Verdict:
    """Judge how the last step's loss travels back through the top layer.

    The measured rate decides, and never the spectral radius: with flat units the gradient
    vanishes at a radius above 1. Hochreiter (1991); Bengio, Simard and Frasconi (1994);
    Pascanu, Mikolov and Bengio (2013).

    Parameters
    ----------
    record : Record
    flow : ``gradient_flow(record, "last")``, if it is at hand
    config : what the record was run from, if anything: the remedy then is one that changes it
    spectrum, units : ``eigenvalues(record.network)`` and ``saturation(record)``, likewise

    Examples
    --------
    >>> import rnnviz as rv
    >>> config = rv.RunConfig(cell="linear", init="orthogonal", gain=0.5, hidden_size=4)
    >>> verdict = rv.diagnostics.verdict(rv.run(config))
    >>> verdict.kind, round(verdict.factor, 6), round(verdict.half_life, 6), verdict.reach
    ('vanishing', 0.5, 1.0, 7)
    """
    flow = flow or gradient_flow(record, "last")
    fault = first_fault(record, flow)
    kind, factor = _kind(flow, fault), flow.factor
    cause = cause_of(record, spectrum, units)
    told = [f"{kind.capitalize()}.", _rate(kind, flow), fault.sentence if fault else ""]
    return Verdict(
        kind=kind,
        factor=factor,
        fit_lags=(flow.fit.first_lag, flow.fit.last_lag),
        half_life=float(np.log(0.5) / np.log(factor)) if 0 < factor < 1 else None,
        doubling_time=float(np.log(2) / np.log(factor)) if 1 < factor < np.inf else None,
        reach=_reach(flow),
        first_bad_step=fault.t if fault else None,
        sentence=" ".join(filter(None, [*told, why(kind, record, cause, factor)])),
        evidence=_evidence(flow, cause),
        remedy=_first_that_changes(_remedies(kind, record, factor, cause), record, config),
    )


def holding_limit(lags: int) -> float:
    """The factor per step up to which a gradient holds over so many lags.

    Examples
    --------
    >>> holding_limit(1), round(holding_limit(100), 4)
    (1.1, 1.0233)
    """
    return min(float(HOLDS_OVERALL ** (1 / lags)), HOLDS_PER_STEP)


def _kind(flow: GradientFlow, fault: Fault | None) -> Kind:
    if fault and fault.kind in ("infinity", "NaN"):
        return "overflowed"
    if fault and fault.kind == "zero":
        return "dead"
    limit = holding_limit(flow.loss_state)
    if flow.factor < 1 / limit:
        return "vanishing"
    return "exploding" if flow.factor > limit else "holding"


def _reach(flow: GradientFlow) -> int | None:
    return reach_of(flow.log10_norm[flow.loss_state :: -1])


def reach_of(by_lag: Float[Array, " K"]) -> int | None:
    """The first lag at which 1 % is left of what log10 of the norm is at lag 0."""
    below = np.flatnonzero(by_lag <= by_lag[0] + np.log10(REACH))
    return int(below[0]) if len(below) and np.isfinite(by_lag[0]) else None


def _rate(kind: Kind, flow: GradientFlow) -> str:
    factor, steps = flow.factor, flow.loss_state
    if kind == "dead" or not 0 < factor < np.inf:
        return ""
    if factor > 1 and kind != "holding":
        return f"Each step back multiplies the gradient by {factor:.3g}."
    keeps = f"Each step back keeps ×{factor:.3g} of the gradient"
    if kind == "holding":
        return f"{keeps}: ×{factor**steps:.2g} over {steps} steps."
    reach = _reach(flow)
    left = f"1 % is left at lag {reach}" if reach else f"more than 1 % is left at lag {steps}"
    half_life = np.log(0.5) / np.log(factor)
    return f"{keeps}: half is gone after {half_life:.3g} steps, and {left}."


def _evidence(flow: GradientFlow, cause: Cause) -> tuple[str, ...]:
    fit, units = flow.fit, cause.units
    rate = f"factor {fit.factor:.4g} a step"
    if fit.last_lag > fit.first_lag:
        rate = f"{rate}, fitted over lags {fit.first_lag} to {fit.last_lag}"
    told = [
        rate if np.isfinite(fit.factor) else "no finite gradient to fit a factor to",
        f"spectral radius of {cause.matrix} {cause.radius:.4g}",
    ]
    if cause.handed_on:
        told.append(cause.handed_on)
    if units is not None:
        told.append(f"root mean square slope of the units {units.rms_slope:.4g}")
        told.append(f"{units.share.mean():.0%} of unit values saturated")
    return tuple(told)


def _remedies(kind: Kind, record: Record, factor: float, cause: Cause) -> Iterator[Remedy]:
    if kind == "vanishing":
        return for_vanishing(record, factor, cause.radius, cause.rms_slope)
    if kind == "dead":
        return for_dead(record)
    if kind == "holding":
        return for_holding()
    return for_growing(factor, cause.radius)


def _first_that_changes(
    remedies: Iterator[Remedy], record: Record, config: RunConfig | None
) -> Remedy:
    """The likeliest remedy that this cell takes and the config does not have already."""
    cell = record.network.layers[record.network.top].cell
    found = [remedy for remedy in remedies if takes(cell, remedy.control)]
    if config is None:
        return found[0]
    changes = (r for r in found if r.after(config) != getattr(config, r.control))
    return next((r for r in changes if config.matters(r.control)), found[0])
