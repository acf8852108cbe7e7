"""The norm of a gradient over time, in log10, with the theory drawn over what was measured."""

from collections.abc import Iterator
from functools import partial

import numpy as np

from rnnviz.arrays import Array
from rnnviz.diagnostics import GradientFlow
from rnnviz.figures.flows import Flows, edge_words
from rnnviz.figures.frame import Json, Row
from rnnviz.figures.labels import placed
from rnnviz.figures.lines import Area, Curve, measured, theory
from rnnviz.figures.marks import edge_marks, edge_notes, kinds
from rnnviz.figures.text import count, mantissa_exponent, whole_state
from rnnviz.figures.theme import Palette

LEAST_DECADES = 2.0
"""A gradient that holds is drawn flat: the axis spans no less than this."""
_THEORY_ROOM = 0.4
"""How far theory may widen the axis, as a share of what the measurement spans."""


def norm_row(flows: Flows, axis: str, height: int, palette: Palette) -> Row:
    """The measured norms thick, the fit and the theory thin, each with its label at the line."""
    t, log10 = flows.flow.t, flows.flow.log10_norm
    curves = [*_measured(flows, palette), *_theory(flows, palette)]
    y_range = _range(flows, curves)
    curves += _precision_limits(flows.flow, y_range, palette)
    area = Area((-0.5, t[-1] + 0.5), y_range, height)
    data = _band(flows.flow, y_range, axis, palette)
    data += _drawn(curves, axis)
    data += edge_marks(t, log10, y_range, axis, "t =")
    notes, edges = edge_notes(kinds(log10), partial(edge_words, flows.flow), area, axis)
    known = [curve for curve in curves if np.isfinite(curve.y).any()]
    labels = placed(known, area, axis, palette, edges)
    by = whole_state(flows.flow.parts, "<sub>t</sub>")
    yaxis = log_axis(y_range, f"|∂L/∂{by}|") | {"showticklabels": bool(known)}
    return Row(data, [*labels, *notes], yaxis)


def log_axis(y_range: tuple[float, float], title: str) -> Json:
    """A linear axis of log10 values with powers of ten at its ticks, however far it is zoomed."""
    return {
        "title": {"text": title},
        "range": list(y_range),
        "tickprefix": "10<sup>",
        "ticksuffix": "</sup>",
        "nticks": min(int(y_range[1] - y_range[0]) + 1, 6),
    }


def log_range(log10: Array) -> tuple[float, float]:
    """The ends of an axis on which all that is finite has room."""
    finite = log10[np.isfinite(log10)]
    return roomy(float(finite.min()), float(finite.max())) if len(finite) else (-1.0, 1.0)


def roomy(low: float, high: float) -> tuple[float, float]:
    """These ends of an axis with air beyond them, and no fewer than the least decades between."""
    margin = max(0.06 * (high - low), (LEAST_DECADES - (high - low)) / 2)
    return low - margin, high + margin


def time_ticks(count: int) -> Json:
    """Whole steps at the ticks of a time axis of this many states, and few enough for a phone."""
    few = {"dtick": 1} if count <= 7 else {"nticks": 7}
    return few | {"tickangle": 0, "tickformat": "d"}


def _measured(flows: Flows, palette: Palette) -> Iterator[Curve]:
    batch = flows.flow.log10_norms.shape[1]
    text = f"measured, mean of {batch} (band: 10–90 %)" if batch > 1 else "measured"
    yield Curve(flows.flow.t, flows.flow.log10_norm, text, palette.measured)
    if flows.total is not None:
        text = f"whole loss{_gaps(flows.total)}"
        yield Curve(flows.total.t, flows.total.log10_norm, text, palette.whole)
    if flows.pinned is not None:
        t = flows.flow.loss_state - flows.pinned.lag  # lag by lag, whatever the lengths
        text = f"pinned run{_gaps(flows.pinned)}"
        yield Curve(t, flows.pinned.log10_norm, text, palette.other)


def _gaps(flow: GradientFlow) -> str:
    """Of a second line, in its label: where up to the loss it has nothing to draw."""
    missing = int((~np.isfinite(flow.log10_norm[: flow.loss_state + 1])).sum())
    return f" (0 or not finite at {count(missing, 'state')})" if missing else ""


def _theory(flows: Flows, palette: Palette) -> Iterator[Curve]:
    flow, fit = flows.flow, flows.flow.fit
    if 0 < fit.factor < np.inf:
        lag = np.array([fit.last_lag, fit.first_lag])
        y = fit.log10_at_loss + lag * np.log10(fit.factor)
        text = f"fit ×{fit.factor:.3g} per step"
        yield Curve(flow.loss_state - lag, y, text, palette.fit, "dot")
    height = flow.log10_norm[flow.loss_state]
    if flows.spectrum is None or not np.isfinite(height):
        return
    radius, stretch = flows.spectrum.spectral_radius, flows.spectrum.largest_singular_value
    if np.isclose(radius, stretch, rtol=1e-9, atol=0) and radius > 0:
        text = f"spectral radius = σ<sub>max</sub> = {radius:.3g}"
        yield _power_of_lag(flow.loss_state, height, radius, text, palette.radius)
        return
    if radius > 0:
        text = f"if the spectral radius {radius:.3g} decided"
        yield _power_of_lag(flow.loss_state, height, radius, text, palette.radius)
    if stretch > 0:
        text = f"upper bound, σ<sub>max</sub> {stretch:.3g}"
        yield _power_of_lag(flow.loss_state, height, stretch, text, palette.bound)


def _precision_limits(
    flow: GradientFlow, y_range: tuple[float, float], palette: Palette
) -> Iterator[Curve]:
    """Where the precision ends, if the axis goes beyond: plain numbers are 0 or infinite there."""
    precision = np.finfo(flow.derivative.mantissa.dtype)
    ends = float(np.log10(precision.smallest_subnormal)), float(np.log10(precision.max))
    texts = f"below, 0 in {precision.dtype}", f"above, infinite in {precision.dtype}"
    for end, text in zip(ends, texts, strict=True):
        if y_range[0] < end < y_range[1]:
            x = np.array([0, flow.t[-1]])
            yield Curve(x, np.full(2, end), text, palette.muted, "dot")


def _power_of_lag(loss_state: int, height: float, factor: float, text: str, colour: str) -> Curve:
    x = np.array([0, loss_state])
    return Curve(x, height + np.log10(factor) * (loss_state - x), text, colour, "dash")


def _range(flows: Flows, curves: list[Curve]) -> tuple[float, float]:
    """All that was measured, and some of the theory; theory leaves the picture at its edge."""
    measured = np.concatenate([flow.log10_norm for flow in flows.measured])
    measured = np.concatenate([measured, *flows.flow.log10_quantiles])
    finite = measured[np.isfinite(measured)]
    if not len(finite):
        return -1.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    room = _THEORY_ROOM * max(high - low, LEAST_DECADES)
    drawn = np.concatenate([finite, *(curve.y for curve in curves if curve.dash)])
    low, high = max(float(drawn.min()), low - room), min(float(drawn.max()), high + room)
    return roomy(low, high)


def _drawn(curves: list[Curve], axis: str) -> Iterator[Json]:
    """Each curve as a line, those behind first: theory under measurement, the first on top."""
    for curve in curves:
        if curve.dash:
            yield theory(curve, axis)
    for curve in reversed(curves):
        if not curve.dash:
            yield _with_hover(curve, axis, 3.0 if curve is curves[0] else 2.25)


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
    return [
        edge | line | {"name": "10 %", "y": low},
        edge | line | fill | {"name": "90 %", "y": high},
    ]


_FLOOR = 0.01
"""The share of the smallest numbers that may lie below a key to colours."""


def decades(log10: Array) -> tuple[float, float]:
    """Whole powers of ten between which nearly all of the numbers lie."""
    finite = np.sort(log10[np.isfinite(log10)])
    if not len(finite):
        return -1.0, 0.0
    low = np.floor(finite[int(_FLOOR * len(finite))])
    return float(low), float(max(np.ceil(finite[-1]), low + 1))
