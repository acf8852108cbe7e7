"""What in a network decides its gradient's rate, in words."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from rnnviz.diagnostics.eigenvalues import Eigenvalues, eigenvalues
from rnnviz.diagnostics.remedy import FLAT, recurrent_weights
from rnnviz.diagnostics.saturation import Saturation, saturation
from rnnviz.record import Record

Kind = Literal["vanishing", "holding", "exploding", "overflowed", "dead"]

_MUCH_MORE = 1.5
"""What is handed on by this much more than is left at each step does not carry the gradient."""
_ROUNDING = 1e-6
"""An eigenvalue or a slope this near to 1 is 1."""


@dataclass(frozen=True)
class Cause:
    """What in a layer decides its gradient's rate."""

    radius: float
    matrix: str
    """What the radius is of."""
    units: Saturation | None
    handed_on: str
    """What part of the state is handed straight on, and times what; empty where none is."""
    times: float
    """That number; 0 where nothing is."""

    @property
    def rms_slope(self) -> float:
        """The units' root mean square slope; 1 for a cell whose gates decide."""
        return 1.0 if self.units is None else self.units.rms_slope


def cause_of(record: Record, spectrum: Eigenvalues | None, units: Saturation | None) -> Cause:
    """What decides in the top layer; what is at hand of it is not computed again."""
    number = record.network.top
    layer, tape = record.network.layers[number], record.layers[number].tape
    with np.errstate(all="ignore"):
        W = layer.cell.recurrent(layer.params)
        highway = layer.cell.highway(layer.params, tape)
        times = float(np.sqrt(np.mean(highway.kept**2))) if highway else 0.0
        handed_on = _handed_on(highway.part, times) if highway else ""
        if units is None and layer.cell.units(tape) is not None:
            units = saturation(record)
    if spectrum is None and np.isfinite(W).all():
        spectrum = eigenvalues(record.network)
    radius = np.nan if spectrum is None else spectrum.spectral_radius
    return Cause(radius, layer.cell.recurrent_name, units, handed_on, times)


def _handed_on(part: str, times: float) -> str:
    state = {"c": "cell", "h": "hidden"}[part]
    return f"the {state} state is handed on times {times:.3g} at each step (root mean square)"


_BESIDES = {
    "vanishing": ", and what comes through the weights adds too little",
    "holding": "",
    "exploding": ", and what comes through the weights makes it grow",
}


def why(kind: Kind, record: Record, cause: Cause, factor: float) -> str:
    """One sentence on what decides, or nothing where there is nothing to say."""
    if kind == "dead":
        return _why_dead(record)
    if kind == "vanishing" and cause.times > _MUCH_MORE * factor:
        return f"{cause.handed_on.capitalize()}, but little of the gradient gets there."
    if cause.handed_on and kind in _BESIDES:
        return f"{cause.handed_on.capitalize()}{_BESIDES[kind]}."
    if kind == "vanishing":
        return _why_vanishing(cause)
    return "" if kind == "holding" else _why_growing(kind, cause.radius)


def _why_growing(kind: Kind, radius: float) -> str:
    told = f"The spectral radius is {radius:.3g}"
    if kind == "overflowed":
        return f"{told}, and nothing bounds what grows."
    if radius <= 1:
        return f"{told}, but the weights stretch before they shrink."
    return f"{told}, and the units are not flat enough to stop it."


def _why_vanishing(cause: Cause) -> str:
    radius, rms_slope = cause.radius, cause.rms_slope
    slope = f"the units' slope is {rms_slope:.2g} (root mean square)"
    if radius < 1 - _ROUNDING:
        also = f", and {slope}" if rms_slope < FLAT else ""
        if cause.matrix != "W_hh":
            return f"The spectral radius of {cause.matrix} is {radius:.3g}, below 1{also}."
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
