"""The norm of a gradient over time, in log10, with the theory drawn over what was measured."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from rnnviz.arrays import Array
from rnnviz.diagnostics import Eigenvalues, GradientFlow
from rnnviz.figures.frame import Json, Row
from rnnviz.figures.labels import placed
from rnnviz.figures.lines import Area, Curve, measured, theory
from rnnviz.figures.marks import WORDS, edge_marks, edge_notes, kinds
from rnnviz.figures.text import count, mantissa_exponent, plain
from rnnviz.figures.theme import Palette

LEAST_DECADES = 2.0
"""A gradient that holds is drawn flat: the axis spans no less than this."""
_THEORY_ROOM = 0.4
"""How far theory may widen the axis, as a share of what the measurement spans."""


@dataclass(frozen=True)
class Flows:
    """The gradients of one row: one step's loss, and what stands beside it."""

    flow: GradientFlow
    total: GradientFlow | None = None
    """The whole loss, where more than one step has any."""
    spectrum: Eigenvalues | None = None
    """Of the recurrent weights: what theory would have them do."""
    pinned: GradientFlow | None = None
    """Another run, kept to compare with."""

    @property
    def measured(self) -> list[GradientFlow]:
        """Every gradient that was measured."""
        return [flow for flow in (self.flow, self.total, self.pinned) if flow is not None]


def norm_row(flows: Flows, axis: str, height: int, palette: Palette) -> Row:
    """The measured norms thick, the fit and the theory thin, each with its label at the line."""
    t = flows.flow.t
    curves = [*_measured(flows, palette), *_theory(flows, palette)]
    y_range = _range(flows, curves)
    area = Area((-0.5, t[-1] + 0.5), y_range, height)
    data = _band(flows.flow, y_range, axis, palette)
    data += _drawn(flows, curves, axis)
    data += edge_marks(t, flows.flow.log10_norm, y_range, axis, "t =")
    masks = kinds(flows.flow.log10_norm)
    notes, edges = edge_notes(masks, partial(_edge_words, flows.flow), area, axis)
    labels = placed(curves, area, axis, halo=palette.paper, edges=edges)
    return Row(data, [*labels, *notes], log_axis(y_range, "|∂L/∂h<sub>t</sub>|"))


def log_axis(y_range: tuple[float, float], title: str) -> Json:
    """A linear axis of log10 values with powers of ten at its ticks, however far it is zoomed."""
    return {
        "title": {"text": title},
        "range": list(y_range),
        "tickprefix": "10<sup>",
        "ticksuffix": "</sup>",
        "nticks": min(int(y_range[1] - y_range[0]) + 1, 6),
    }


def time_ticks(count: int) -> Json:
    """Whole steps at the ticks of a time axis of this many states, and few enough for a phone."""
    few = {"dtick": 1} if count <= 7 else {"nticks": 7}
    return few | {"tickangle": 0}


def _measured(flows: Flows, palette: Palette) -> Iterator[Curve]:
    batch = flows.flow.log10_norms.shape[1]
    text = f"measured, mean of {batch} (band: 10–90 %)" if batch > 1 else "measured"
    yield Curve(flows.flow.t, flows.flow.log10_norm, text, palette.measured)
    if flows.total is not None:
        yield Curve(flows.total.t, flows.total.log10_norm, "whole loss", palette.whole)
    if flows.pinned is not None:
        t = flows.flow.loss_state - flows.pinned.lag  # lag by lag, whatever the lengths
        yield Curve(t, flows.pinned.log10_norm, "pinned run", palette.other)


def _theory(flows: Flows, palette: Palette) -> Iterator[Curve]:
    flow, fit = flows.flow, flows.flow.fit
    if 0 < fit.factor < np.inf:
        lag = np.array([fit.last_lag, fit.first_lag])
        y = fit.log10_at_loss + lag * np.log10(fit.factor)
        text = f"fit ×{fit.factor:.3g} per step"
        yield Curve(flow.loss_state - lag, y, text, palette.fit)
    height = flow.log10_norm[flow.loss_state]
    if flows.spectrum is None or not np.isfinite(height):
        return
    radius, stretch = flows.spectrum.spectral_radius, flows.spectrum.largest_singular_value
    if np.isclose(radius, stretch, rtol=1e-9) and radius > 0:
        text = f"spectral radius = σ<sub>max</sub> = {radius:.3g}"
        yield _power_of_lag(flow.loss_state, height, radius, text, palette.radius)
        return
    if radius > 0:
        text = f"if the spectral radius {radius:.3g} decided"
        yield _power_of_lag(flow.loss_state, height, radius, text, palette.radius)
    if stretch > 0:
        text = f"upper bound, σ<sub>max</sub> {stretch:.3g}"
        yield _power_of_lag(flow.loss_state, height, stretch, text, palette.bound)


def _power_of_lag(loss_state: int, height: float, factor: float, text: str, colour: str) -> Curve:
    x = np.array([0, loss_state])
    return Curve(x, height + np.log10(factor) * (loss_state - x), text, colour)


def _range(flows: Flows, curves: list[Curve]) -> tuple[float, float]:
    """All that was measured, and some of the theory; theory leaves the picture at its edge."""
    measured = np.concatenate([flow.log10_norm for flow in flows.measured])
    measured = np.concatenate([measured, *flows.flow.log10_quantiles])
    finite = measured[np.isfinite(measured)]
    if not len(finite):
        return -1.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    room = _THEORY_ROOM * max(high - low, LEAST_DECADES)
    theory = np.concatenate([curve.y for curve in curves[len(flows.measured) :]] or [finite])
    low = min(low, max(float(theory.min()), low - room))
    high = max(high, min(float(theory.max()), high + room))
    margin = max(0.06 * (high - low), (LEAST_DECADES - (high - low)) / 2)
    return low - margin, high + margin


def _drawn(flows: Flows, curves: list[Curve], axis: str) -> Iterator[Json]:
    """Each curve as a line, those behind first: theory under measurement."""
    thick = len(flows.measured)
    for curve in curves[thick:]:
        yield theory(curve, "dot" if curve.text.startswith("fit") else "dash", axis)
    for curve, flow in reversed(list(zip(curves, flows.measured, strict=False))):
        yield _with_hover(curve, axis, 3 if flow is flows.flow else 2.25)


def _with_hover(curve: Curve, axis: str, width: float) -> Json:
    mantissa, exponent = mantissa_exponent(curve.y)
    return measured(curve, axis, width) | {
        "customdata": np.stack([mantissa, exponent], axis=1),
        "hovertemplate": (
            f"t = %{{x}}, {curve.text.partition(' (')[0]}: "
            "%{customdata[0]:.2f}×10<sup>%{customdata[1]}</sup><extra></extra>"
        ),
    }


def _band(
    flow: GradientFlow, y_range: tuple[float, float], axis: str, palette: Palette
) -> list[Json]:
    if flow.log10_norms.shape[1] == 1:
        return []
    low, _, high = np.clip(flow.log10_quantiles, y_range[0] - 1, y_range[1] + 1)
    low, high = (np.where(np.isfinite(flow.log10_norm), edge, np.nan) for edge in (low, high))
    edge = {"type": "scatter", "mode": "lines", "x0": 0, "yaxis": axis, "hoverinfo": "skip"}
    line = {"line": {"width": 0, "color": palette.measured}}
    fill = {"fill": "tonexty", "fillcolor": palette.band}
    return [edge | line | {"name": "10 %", "y": low}, edge | line | fill | {"name": "90 %", "y": high}]


def _edge_words(flow: GradientFlow, kind: str, at: Array) -> str:
    word = WORDS[kind]
    if kind == "infinite":
        word = f"infinite in {flow.derivative.mantissa.dtype}"
    if len(at) == len(flow.t):
        return f"{word} at every state"
    if at[0] > flow.loss_state:
        return f"{word} behind the loss at t = {flow.loss_state}"
    before = at[at <= flow.loss_state]
    behind = f", and behind t = {flow.loss_state}" if len(before) < len(at) else ""
    if len(before) == before[-1] + 1:
        return f"{word} from lag {flow.loss_state - before[-1]} back{behind}"
    return f"{word} at {count(len(before), 'state')}{behind}"


def spoken(flows: Flows) -> str:
    """What the row shows, in words and numbers."""
    flow, fit = flows.flow, flows.flow.fit
    end = flow.log10_norm[flow.loss_state]
    parts = [
        f"On a log scale, the gradient's norm is {plain(end)} at the loss (t = {flow.loss_state}) "
        f"and {plain(flow.log10_norm[0])} at t = 0"
    ]
    if 0 < fit.factor < np.inf:
        parts.append(
            f"a straight line over lags {fit.first_lag} to {fit.last_lag} gives ×{fit.factor:.3g} "
            "a step back"
        )
    if flows.spectrum is not None:
        parts.append(f"the spectral radius is {flows.spectrum.spectral_radius:.3g}")
    if flows.total is not None:
        parts.append(f"the whole loss gives {plain(flows.total.log10_norm[0])} at t = 0")
    for kind, mask in kinds(flow.log10_norm).items():
        parts.append(f"it is {_edge_words(flow, kind, np.flatnonzero(mask))}")
    return "; ".join(parts) + "."


