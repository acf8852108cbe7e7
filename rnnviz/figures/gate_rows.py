"""The rows of the gates' figure: units, means, and the share that is saturated."""

from collections.abc import Iterator, Mapping

import numpy as np

from rnnviz.arrays import Array, Int
from rnnviz.diagnostics import Gates
from rnnviz.diagnostics.gates import Gate
from rnnviz.figures.frame import Json, Row, compact, every, heading, key
from rnnviz.figures.labels import placed
from rnnviz.figures.lines import Area, Curve, measured
from rnnviz.figures.marks import (
    WORDS,
    cells,
    cells_note,
    edge_marks,
    edge_notes,
    kinds,
    kinds_of_values,
)
from rnnviz.figures.text import count, gate_title, short
from rnnviz.figures.theme import OPENING, SIGNED, Palette, colorscale
from rnnviz.figures.units import MOST_COLUMNS, MOST_ROWS

UNITS, MEANS, SHARES = 76, 170, 120
"""Height of each row, in pixels."""


def unit_row(
    result: Gates, name: str, sequence: int, top: float, palette: Palette, axis: str
) -> Row:
    """One gate of one sequence, a row for each unit."""
    gate, columns, units = result.gates[name], *_drawn(result)
    z = gate.values[columns, sequence][:, units].T
    (low, high), scale = gate.span, SIGNED if gate.span[0] < 0 else OPENING
    dx = int(columns[1] - columns[0]) if len(columns) > 1 else 1
    place = {"type": "heatmap", "x0": int(columns[0]) + 1, "dx": dx, "y": units, "yaxis": axis}
    values = place | {
        "name": name,
        "z": compact(z),
        "zmin": low,
        "zmax": high,
        "colorscale": colorscale(scale),
        "showscale": False,
        "hoverongaps": False,
        "hovertemplate": f"t = %{{x}}, unit %{{y}}: {name} = %{{z:.3g}}<extra></extra>",
    }
    masks = kinds_of_values(z)
    ends = ("shut 0", "1 open") if low == 0 else (short(low), short(high))
    notes = [
        heading(gate_title(name), top),
        key(scale, *ends, top, palette),
        *cells_note(masks, top, palette),
    ]
    axis_of_units = {
        "title": {"text": "unit"},
        "type": "category",
        "showticklabels": False,
        "fixedrange": True,
        "showgrid": False,
    }
    return Row([values, *cells(masks, place, "t = %{x}, unit %{y}")], notes, axis_of_units)


def _drawn(result: Gates) -> tuple[Int[Array, " N"], Int[Array, " M"]]:
    """The steps and the units of the heatmaps: the last step is always among them."""
    T, H = len(result.t), len(result.order)
    step = every(T, MOST_COLUMNS)
    return np.arange((T - 1) % step, T, step), result.order[:: every(H, MOST_ROWS)]


def mean_row(result: Gates, top: float, palette: Palette, axis: str) -> Row:
    """The means as lines, between their quantiles."""
    area = _area(result, _span(result.gates), MEANS)
    curves = _curves(result, palette, {name: gate.mean for name, gate in result.gates.items()})
    data = [
        trace
        for curve, gate in zip(curves, result.gates.values(), strict=True)
        for trace in _band(result, gate, curve.colour, axis)
    ]
    title = "Mean of units and sequences (band: 10–90 %)"
    return _lines(result, curves, area, data, heading(title, top), "value", axis, palette)


def share_row(result: Gates, top: float, palette: Palette, axis: str) -> Row:
    """The share of saturated values."""
    shares = {name: gate.saturated for name, gate in result.gates.items()}
    curves = _curves(result, palette, shares)
    high = max(float(curve.y.max()) for curve in curves)
    own = _area(result, (-0.06 * max(high, 0.1), 1.12 * max(high, 0.1)), SHARES)
    title = heading("Share that is saturated", top)
    return _lines(result, curves, own, [], title, "share", axis, palette)


def _lines(
    result: Gates,
    curves: list[Curve],
    area: Area,
    below: list[Json],
    title: Json,
    unit: str,
    axis: str,
    palette: Palette,
) -> Row:
    hover = {
        "hovertemplate": f"t = %{{x}}, {unit} of %{{fullData.name}}: %{{y:.3g}}<extra></extra>"
    }
    data = [measured(curve, axis, 2.25) | hover for curve in curves]
    broken = np.sum([curve.y for curve in curves], axis=0)
    marks = edge_marks(result.t, broken, area.y, axis, "t =")
    notes, levels = edge_notes(kinds(broken), _edge_words, area, axis)
    labels = placed(curves, area, axis, palette, levels)
    yaxis = {"title": {"text": unit}, "range": list(area.y), "nticks": 5}
    return Row([*below, *data, *marks], [title, *labels, *notes], yaxis)


def _curves(result: Gates, palette: Palette, values: Mapping[str, Array]) -> list[Curve]:
    colours = palette.measured, palette.other, palette.bound, palette.whole
    return [
        Curve(result.t, y, gate_title(name), colour)
        for (name, y), colour in zip(values.items(), colours, strict=False)
    ]


def _band(result: Gates, gate: Gate, colour: str, axis: str) -> Iterator[Json]:
    low, _, high = gate.quantiles
    own = {"type": "scatter", "mode": "lines", "x": result.t, "yaxis": axis, "hoverinfo": "skip"}
    own["line"] = {"width": 0, "color": colour}
    yield own | {"name": "10 %", "y": low}
    yield own | {"name": "90 %", "y": high, "fill": "tonexty", "fillcolor": _thin(colour)}


def _thin(colour: str) -> str:
    """The colour as a veil through which the others are seen."""
    red, green, blue = (int(colour[n : n + 2], 16) for n in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.13)"


def _area(result: Gates, y: tuple[float, float], height: int) -> Area:
    return Area((0.5, len(result.t) + 0.5), y, height)


def _span(found: Mapping[str, Gate]) -> tuple[float, float]:
    """All of [0, 1], and of a candidate's range what its quantiles take."""
    drawn = np.concatenate([np.append(gate.quantiles, gate.mean) for gate in found.values()])
    low = float(np.min(drawn, initial=0, where=np.isfinite(drawn)))
    return low - 0.05, 1.05


def _edge_words(kind: str, at: Int[Array, " N"]) -> str:
    return f"{WORDS[kind]} at {count(len(at), 'state')}"
