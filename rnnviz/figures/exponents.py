"""The rows of the Lyapunov picture: the exponents, how they settled, and the largest as a slope."""

import numpy as np

from rnnviz.arrays import Array, Bool
from rnnviz.diagnostics import GradientFlow, Lyapunov
from rnnviz.figures.frame import Json, Row, every, halo
from rnnviz.figures.labels import placed
from rnnviz.figures.lines import Area, Curve, measured, theory
from rnnviz.figures.marks import WORDS, edge_marks, edge_notes, kinds
from rnnviz.figures.norms import LEAST_DECADES, log_axis, roomy
from rnnviz.figures.text import count, mantissa_exponent, minus, whole_state
from rnnviz.figures.theme import Palette

MOST_COLUMNS = 600
HEIGHTS = (210, 150, 210)
_LOST = 0.01
"""Nats a step that rounding may have added, from which a point is drawn hollow."""


def spectrum_row(result: Lyapunov, palette: Palette) -> Row:
    """A point for each exponent, on its side of the zero line."""
    K = len(result.exponents)
    step = every(K, MOST_COLUMNS)
    rank = np.arange(1, K + 1)[::step]
    value, error = result.exponents[::step], result.standard_error[::step]
    lost = result.rounding[::step] > _LOST
    y_range = _around_zero(value)
    area = Area(ranks(K), y_range, HEIGHTS[0])
    data = [_zero_line(area.x, "x", "y", palette)]
    sides = [("grows", value > 0, palette.growing, "diamond")]
    sides.append(("shrinks or holds", value <= 0, palette.shrinking, "circle"))
    for name, side, colour, symbol in sides:
        for hollow in (False, True):
            where = side & np.isfinite(value) & (lost == hollow)
            if where.any():
                marks = {"symbol": symbol + "-open" * hollow, "size": 6, "color": colour}
                text = name + (", lost in rounding" if hollow else "")
                data.append(_points(rank, value, error, where, text) | {"marker": marks})
    data += edge_marks(rank, value, y_range, "y", "rank")
    notes, _ = edge_notes(kinds(value), lambda kind, at: f"{named(kind)}: {len(at):,}", area)
    notes += _sides(y_range, palette)
    if lost.any():
        notes.append(_lost_note(int(lost.sum()), area, palette))
    yaxis = {"title": {"text": "λ (nats per step)"}, "range": list(y_range), "nticks": 6}
    return Row(data, notes, yaxis)


def settling_row(result: Lyapunov, palette: Palette) -> Row:
    """The largest thick, two of the upper half thin, against how many steps they are from."""
    K = len(result.exponents)
    shown = sorted({0, K // 4, K // 2})
    drawn = [rank for rank in shown if np.isfinite(result.running[:, rank]).any()]
    y_range = _around_zero(result.running[:, drawn].ravel())
    steps = result.running_steps
    curves = [
        Curve(
            steps,
            np.where(np.isfinite(result.running[:, rank]), result.running[:, rank], np.nan),
            f"λ<sub>{rank + 1}</sub> = {value_of(float(result.exponents[rank]))}",
            palette.measured if rank == 0 else palette.muted,
        )
        for rank in drawn
    ]
    area = Area((0.0, float(steps[-1])), y_range, HEIGHTS[1])
    data = [_zero_line(area.x, "x2", "y2", palette)]
    for number, curve in enumerate(curves):
        data.append(measured(curve, "y2", 1.5 if number else 3.0) | _hover(curve))
    zero = Curve(np.array(area.x), np.zeros(2), "", palette.ink)
    notes = [note | {"xref": "x2"} for note in placed([*curves, zero], area, "y2", palette)]
    yaxis = {"title": {"text": "λ"}, "range": list(y_range), "nticks": 5}
    return Row(data, notes, yaxis)


def flow_row(result: Lyapunov, flow: GradientFlow, palette: Palette) -> Row:
    """The measured norm against lag, and a straight line of the largest exponent's slope."""
    step = every(flow.loss_state + 1, MOST_COLUMNS)
    lag = np.arange(0, flow.loss_state + 1, step)
    log10 = flow.log10_norm[flow.loss_state - lag]
    by = whole_state(flow.parts, "<sub>t</sub>")
    curves = [Curve(lag, log10, f"measured |∂L/∂{by}|", palette.measured)]
    slope = result.largest / np.log(10)
    if np.isfinite(log10[0]) and np.isfinite(slope):
        ends = np.array([0, flow.loss_state])
        text = f"slope λ<sub>1</sub>: ×{np.exp(result.largest):.3g} per step back"
        curves.append(Curve(ends, log10[0] + slope * ends, text, palette.fit, "dash"))
    y_range = _decades(log10, curves)
    area = Area((-0.5, flow.loss_state + 0.5), y_range, HEIGHTS[2])
    mantissa, exponent = mantissa_exponent(log10)
    hover = "lag %{x}: %{customdata[0]:.2f}×10<sup>%{customdata[1]}</sup><extra></extra>"
    line = measured(curves[0], "y3") | {
        "customdata": np.stack([mantissa, exponent], axis=1),
        "hovertemplate": hover,
    }
    data = [theory(curve, "y3") for curve in curves[1:]] + [line]
    data = [trace | {"xaxis": "x3"} for trace in data]
    data += [t | {"xaxis": "x3"} for t in edge_marks(lag, log10, y_range, "y3", "lag")]
    notes, edges = edge_notes(
        kinds(log10), lambda kind, at: f"{WORDS[kind]} at {count(len(at), 'lag')}", area, "y3"
    )
    known = [curve for curve in curves if np.isfinite(curve.y).any()]
    labels = [n | {"xref": "x3"} for n in placed(known, area, "y3", palette, edges)]
    yaxis = log_axis(y_range, f"|∂L/∂{by}|") | {"showticklabels": bool(known)}
    return Row(data, [*labels, *notes], yaxis)


def ranks(K: int) -> tuple[float, float]:
    """The range of an axis of ranks."""
    return 0.5, K + 0.5


def named(kind: str) -> str:
    """What an exponent that is no number says."""
    return {"zero": "−∞, nothing is left", "infinite": "infinite", "nan": "NaN"}[kind]


def value_of(value: float, digits: int = 3) -> str:
    """A number in plain text, whatever it is."""
    if np.isnan(value):
        return "NaN"
    return minus("∞" if value == np.inf else "-∞" if np.isinf(value) else f"{value:.{digits}g}")


def _points(rank: Array, value: Array, error: Array, where: Bool[Array, " N"], name: str) -> Json:
    spread = "" if np.isnan(error).all() else " ± %{customdata:.2g} (standard error)"
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": rank[where],
        "y": value[where],
        "customdata": error[where],
        "cliponaxis": False,
        "hovertemplate": f"λ<sub>%{{x}}</sub> = %{{y:.4g}}{spread}: {name}<extra></extra>",
    }


def _around_zero(values: Array) -> tuple[float, float]:
    """All of the finite values and the zero line, with a margin."""
    finite = np.append(values[np.isfinite(values)], 0.0)
    low, high = float(finite.min()), float(finite.max())
    margin = max(0.15 * (high - low), 0.05)
    return low - margin, high + margin


def _decades(log10: Array, curves: list[Curve]) -> tuple[float, float]:
    """All that was measured, and of the straight line as much again."""
    finite = log10[np.isfinite(log10)]
    if not len(finite):
        return -1.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    room = max(high - low, LEAST_DECADES)
    drawn = np.concatenate([finite, *(curve.y for curve in curves[1:])])
    low, high = max(float(drawn.min()), low - room), min(float(drawn.max()), high + room)
    return roomy(low, high)


def _zero_line(x_range: tuple[float, float], x: str, y: str, palette: Palette) -> Json:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": "0: neither grows nor shrinks",
        "x": list(x_range),
        "y": [0.0, 0.0],
        "xaxis": x,
        "yaxis": y,
        "line": {"color": palette.ink, "width": 1},
        "hoverinfo": "skip",
    }


def _sides(y_range: tuple[float, float], palette: Palette) -> list[Json]:
    """What each side of the zero line means, at its right end."""
    place = {"x": 1, "xref": "paper", "xanchor": "right", "y": 0, "yref": "y"}
    above = {"text": "above 0: grows", "yanchor": "bottom"}
    below = {"text": "below 0: shrinks", "yanchor": "top"}
    colours = palette.growing, palette.shrinking
    return [
        place | side | {"font": {"color": colour, "shadow": halo(palette)}}
        for side, colour in zip((above, below), colours, strict=True)
        if side is below or y_range[1] > 0
    ]


def _lost_note(number: int, area: Area, palette: Palette) -> Json:
    return {
        "text": f"hollow: {number:,} lost in rounding",
        "font": {"color": palette.muted, "shadow": halo(palette)},
        "x": 0.01,
        "xref": "paper",
        "xanchor": "left",
        "y": area.at(34.0),
        "yref": "y",
        "yanchor": "middle",
    }


def _hover(curve: Curve) -> Json:
    name = curve.text.partition(" =")[0]
    return {
        "xaxis": "x2",
        "hovertemplate": f"after %{{x}} steps: {name} = %{{y:.4g}}<extra></extra>",
    }
