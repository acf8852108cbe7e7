"""Does the gradient vanish, hold or explode, how fast, and what would change it?"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from rnnviz.diagnostics.eigenvalues import eigenvalues
from rnnviz.diagnostics.faults import Fault, first_fault
from rnnviz.diagnostics.gradient_flow import GradientFlow, gradient_flow
from rnnviz.diagnostics.remedy import FLAT, Remedy, for_dead, for_vanishing, scale_gain
from rnnviz.diagnostics.saturation import Saturation, saturation
from rnnviz.record import Record

Kind = Literal["vanishing", "holding", "exploding", "overflowed", "dead"]

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


def verdict(record: Record, flow: GradientFlow | None = None) -> Verdict:
    """Judge how the last step's loss travels back through the last layer.

    The measured rate decides, and never the spectral radius: with flat units the gradient
    vanishes at a radius above 1. Hochreiter (1991); Bengio, Simard and Frasconi (1994);
    Pascanu, Mikolov and Bengio (2013).

    Parameters
    ----------
    record : Record
    flow : ``gradient_flow(record, "last")``, if it is at hand

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
    radius, units = _radius(record), saturation(record)
    rms_slope = units.rms_slope
    told = [f"{kind.capitalize()}.", _rate(kind, flow), fault.sentence if fault else ""]
    return Verdict(
        kind=kind,
        factor=factor,
        fit_lags=(flow.fit.first_lag, flow.fit.last_lag),
        half_life=float(np.log(0.5) / np.log(factor)) if 0 < factor < 1 else None,
        doubling_time=float(np.log(2) / np.log(factor)) if 1 < factor < np.inf else None,
        reach=_reach(flow),
        first_bad_step=fault.t if fault else None,
        sentence=" ".join(filter(None, [*told, _why(kind, radius, rms_slope)])),
        evidence=_evidence(flow, radius, units),
        remedy=_remedy(kind, record, factor, radius, rms_slope),
    )


def _kind(flow: GradientFlow, fault: Fault | None) -> Kind:
    if fault and fault.kind in ("infinity", "NaN"):
        return "overflowed"
    if fault and fault.kind == "zero":
        return "dead"
    limit = min(HOLDS_OVERALL ** (1 / flow.loss_state), HOLDS_PER_STEP)
    if flow.factor < 1 / limit:
        return "vanishing"
    return "exploding" if flow.factor > limit else "holding"


def _reach(flow: GradientFlow) -> int | None:
    by_lag = flow.log10_norm[flow.loss_state :: -1]
    below = np.flatnonzero(by_lag <= by_lag[0] + np.log10(REACH))
    return int(below[0]) if len(below) and np.isfinite(by_lag[0]) else None


def _rate(kind: Kind, flow: GradientFlow) -> str:
    factor, steps = flow.factor, flow.loss_state
    if not 0 < factor < np.inf:
        return ""
    if kind == "vanishing":
        reach = _reach(flow)
        left = f"1 % is left at lag {reach}" if reach else f"more than 1 % is left at lag {steps}"
        half_life = np.log(0.5) / np.log(factor)
        return (
            f"Each step back keeps ×{factor:.3g} of the gradient: half is gone after "
            f"{half_life:.3g} steps, and {left}."
        )
    if kind == "holding":
        return (
            f"Each step back keeps ×{factor:.3g} of the gradient: "
            f"×{factor**steps:.2g} over {steps} steps."
        )
    return f"Each step back multiplies the gradient by {factor:.3g}."


def _why(kind: Kind, radius: float, rms_slope: float) -> str:
    slope = f"the units' slope is {rms_slope:.2g} (root mean square)"
    if kind == "vanishing" and radius >= 1:
        return f"The spectral radius is {radius:.3g}, not below 1, but {slope}, and that decides."
    if kind == "vanishing":
        also = f", and {slope}" if rms_slope < FLAT else ""
        return f"The recurrent weights are small: their spectral radius is {radius:.3g}{also}."
    if kind == "exploding" and radius <= 1:
        return f"The spectral radius is {radius:.3g}, but the weights stretch before they shrink."
    if kind == "exploding":
        return f"The spectral radius is {radius:.3g}, and the units are not flat enough to stop it."
    return ""


def _evidence(flow: GradientFlow, radius: float, units: Saturation) -> tuple[str, ...]:
    fit, share = flow.fit, units.share.mean()
    return (
        f"factor {fit.factor:.4g} a step, fitted over lags {fit.first_lag} to {fit.last_lag}",
        f"spectral radius of W_hh {radius:.4g}",
        f"root mean square slope of the units {units.rms_slope:.4g}",
        f"{share:.0%} of unit values saturated",
    )


def _remedy(kind: Kind, record: Record, factor: float, radius: float, rms_slope: float) -> Remedy:
    if kind == "vanishing":
        return for_vanishing(record, factor, rms_slope)
    if kind == "dead":
        return for_dead(record)
    if kind == "exploding":
        return scale_gain(1 / factor)
    if kind == "overflowed":
        return scale_gain(1 / max(radius, 2.0))
    return Remedy("steps", "Double the length, to see how far it holds.", multiply=2.0)


def _radius(record: Record) -> float:
    W_hh = record.network.layers[-1].params["W_hh"]
    return eigenvalues(record.network).spectral_radius if np.isfinite(W_hh).all() else np.nan
