"""Does the gradient vanish, hold or explode, how fast, and what would change it?"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from rnnviz.cells import takes
from rnnviz.config import RunConfig
from rnnviz.diagnostics.eigenvalues import Eigenvalues, eigenvalues
from rnnviz.diagnostics.faults import Fault, first_fault
from rnnviz.diagnostics.gradient_flow import GradientFlow, gradient_flow
from rnnviz.diagnostics.remedy import (
    FLAT,
    Remedy,
    for_dead,
    for_growing,
    for_holding,
    for_vanishing,
    recurrent_weights,
)
from rnnviz.diagnostics.saturation import Saturation, saturation
from rnnviz.record import Record

Kind = Literal["vanishing", "holding", "exploding", "overflowed", "dead"]

HOLDS_OVERALL = 10.0
"""A gradient holds if over the whole sequence it changes by less than this factor ..."""
HOLDS_PER_STEP = 1.1
"""... and at each step by less than this one, which is what counts in a short sequence."""
REACH = 0.01
"""What is left of the gradient at the reach."""
_ROUNDING = 1e-6
"""An eigenvalue or a slope this near to 1 is 1."""


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


@dataclass(frozen=True)
class Cause:
    """What in a layer decides its gradient's rate."""

    radius: float
    matrix: str
    """What the radius is of."""
    units: Saturation | None
    highway: float | None
    """Root mean square of what is handed straight on at each step, for a cell that does."""

    @property
    def rms_slope(self) -> float:
        """The units' root mean square slope; 1 for a cell whose gates decide."""
        return 1.0 if self.units is None else self.units.rms_slope


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
    cause = _cause(record, spectrum, units)
    told = [f"{kind.capitalize()}.", _rate(kind, flow), fault.sentence if fault else ""]
    return Verdict(
        kind=kind,
        factor=factor,
        fit_lags=(flow.fit.first_lag, flow.fit.last_lag),
        half_life=float(np.log(0.5) / np.log(factor)) if 0 < factor < 1 else None,
        doubling_time=float(np.log(2) / np.log(factor)) if 1 < factor < np.inf else None,
        reach=_reach(flow),
        first_bad_step=fault.t if fault else None,
        sentence=" ".join(filter(None, [*told, _why(kind, record, cause)])),
        evidence=_evidence(flow, cause),
        remedy=_first_that_changes(_remedies(kind, record, factor, cause), record, config),
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


def _why(kind: Kind, record: Record, cause: Cause) -> str:
    if kind in ("dead", "holding"):
        return _why_dead(record) if kind == "dead" else ""
    radius = cause.radius
    if kind == "overflowed":
        return f"The spectral radius is {radius:.3g}, and nothing bounds what grows."
    if cause.highway is not None:
        return _why_gated(kind, cause.highway)
    if kind == "vanishing":
        return _why_vanishing(radius, cause.rms_slope)
    if radius <= 1:
        return f"The spectral radius is {radius:.3g}, but the weights stretch before they shrink."
    return f"The spectral radius is {radius:.3g}, and the units are not flat enough to stop it."


def _why_gated(kind: Kind, highway: float) -> str:
    handed = f"What is handed straight on keeps ×{highway:.3g} at each step"
    if kind == "vanishing":
        return f"{handed} (root mean square), and the way through the weights adds too little."
    return f"{handed} (root mean square); the rest comes through the weights."


def _why_vanishing(radius: float, rms_slope: float) -> str:
    slope = f"the units' slope is {rms_slope:.2g} (root mean square)"
    if radius < 1 - _ROUNDING:
        also = f", and {slope}" if rms_slope < FLAT else ""
        return f"The recurrent weights are small: their spectral radius is {radius:.3g}{also}."
    if rms_slope < 1 - _ROUNDING:
        return f"The spectral radius is {radius:.3g}, not below 1, but {slope}, and that decides."
    return f"The spectral radius is {radius:.3g}, but most directions shrink."


def _why_dead(record: Record) -> str:
    if not record.dy.any():
        return "The loss has no derivative by the outputs."
    if not recurrent_weights(record).any():
        return "The recurrent weights are 0."
    return "The units are off, or so flat that their slope is 0."


def _evidence(flow: GradientFlow, cause: Cause) -> tuple[str, ...]:
    fit, units = flow.fit, cause.units
    rate = f"factor {fit.factor:.4g} a step, fitted over lags {fit.first_lag} to {fit.last_lag}"
    told = [
        rate if np.isfinite(fit.factor) else "no finite gradient to fit a factor to",
        f"spectral radius of {cause.matrix} {cause.radius:.4g}",
    ]
    if cause.highway is not None:
        told.append(f"handed straight on ×{cause.highway:.4g} a step (root mean square)")
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
    changes = (r for r in found if config.matters(r.control) and r.apply(config) != config)
    return next(changes, found[0])


def _cause(record: Record, spectrum: Eigenvalues | None, units: Saturation | None) -> Cause:
    number = record.network.top
    layer, tape = record.network.layers[number], record.layers[number].tape
    with np.errstate(all="ignore"):
        W = layer.cell.recurrent(layer.params)
        highway = layer.cell.highway(layer.params, tape)
        kept = None if highway is None else float(np.sqrt(np.mean(highway.kept**2)))
        if units is None and layer.cell.units(tape) is not None:
            units = saturation(record)
    if spectrum is None and np.isfinite(W).all():
        spectrum = eigenvalues(record.network)
    radius = np.nan if spectrum is None else spectrum.spectral_radius
    return Cause(radius, layer.cell.recurrent_name, units, kept)
