"""Thin lines of other runs behind a picture's own, and labels that hide none of them."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from rnnviz.arrays import Array
from rnnviz.figures.frame import Json
from rnnviz.figures.labels import placed
from rnnviz.figures.layers import Layer, key_of, plot_height
from rnnviz.figures.lines import Area, Curve
from rnnviz.figures.theme import Palette

WIDTH = 1.25
_LEAST = 2.0
"""The thinnest line that shows a measurement."""
_MOST_LABELS = 6
"""In a row with more lines of other runs, each run is named at its first one."""
_MARGIN = 0.03


def main_lines(drawn: Json, axis: str) -> list[Json]:
    """The thickest solid lines of a row: what was measured."""
    lines = [trace for trace in drawn["data"] if _is_line(trace, axis)]
    widths = [_width(trace) for trace in lines if not trace["line"].get("dash")]
    thickest = max(widths, default=0.0)
    if thickest < _LEAST:
        return []
    return [t for t in lines if _width(t) == thickest and not t["line"].get("dash")]


def ghost_line(trace: Json, row: Layer, name: str, colour: str, shift: float) -> Json:
    """A line of another run, in that run's colour."""
    hover = (
        {"hovertemplate": f"{name}, {trace['hovertemplate']}"} if "hovertemplate" in trace else {}
    )
    kept = {key: trace[key] for key in ("customdata", "hoverinfo") if key in trace}
    return kept | {
        "type": "scatter",
        "mode": trace["mode"],
        "name": f"{name}: {trace.get('name', '')}",
        "x": x_of(trace) + shift,
        "y": trace["y"],
        "xaxis": row.across,
        "yaxis": row.axis,
        "line": {"color": colour, "width": WIDTH},
        "marker": {"color": colour, "size": 4},
        **hover,
    }


def x_of(trace: Json) -> Array:
    """Where a line's points lie."""
    if trace.get("x") is None:
        return np.asarray(trace.get("x0", 0) + np.arange(len(trace["y"])), float)
    return np.asarray(trace["x"], float)


def widened(layout: Json, row: Layer, lines: Sequence[Json]) -> None:
    """Let a row's axes span other runs too, with the marks at its edges moved along."""
    axis = layout[key_of(row.axis)]
    values = np.concatenate([np.asarray(line["y"], float) for line in lines])
    finite = values[np.isfinite(values)]
    if "range" in axis and len(finite):
        low, high = sorted(axis["range"])
        margin = _MARGIN * (max(high, finite.max()) - min(low, finite.min()))
        low = low if finite.min() >= low else float(finite.min() - margin)
        high = high if finite.max() <= high else float(finite.max() + margin)
        layout[key_of(row.axis)] = axis | {"range": [low, high]}


def at_new_edges(data: Sequence[Json], row: Layer, before: Json, after: Json) -> list[Json]:
    """The same traces, with marks that stood at an edge of the row at its new edge."""
    moves = dict(zip(before.get("range", ()), after.get("range", ()), strict=True))
    return [_moved(trace, row.axis, moves) for trace in data]


def _moved(trace: Json, axis: str, moves: dict[float, float]) -> Json:
    if trace.get("yaxis", "y") != axis or trace.get("mode") != "markers" or not len(trace["y"]):
        return trace
    y = np.asarray(trace["y"])
    edge = moves.get(float(y[0])) if y.dtype.kind == "f" and (y == y[0]).all() else None
    return trace if edge is None else trace | {"y": np.full(len(y), edge)}


def labelled(
    drawn: Json, row: Layer, ghosts: Sequence[tuple[str, str, Sequence[Json]]], palette: Palette
) -> list[Json]:
    """The picture's annotations, those at this row's lines placed anew beside other runs' names.

    Parameters
    ----------
    ghosts : each other run's name, its colour, and its lines in this row
    """
    layout = drawn["layout"]
    texts = {note["text"]: note for note in layout["annotations"] if note.get("yref") == row.axis}
    own = [
        Curve(x_of(t), np.asarray(t["y"], float), str(t.get("name", "")), _colour(t, texts))
        for t in drawn["data"]
        if _is_line(t, row.axis) and _width(t) > 0
    ]
    known = [curve if curve.text in texts else replace(curve, text="") for curve in own]
    curves = [curve for curve in [*known, *_named(ghosts, palette)] if np.isfinite(curve.y).any()]
    axis = layout[key_of(row.axis)]
    area = Area(
        tuple(layout[key_of(row.across)]["range"]),
        tuple(axis["range"]),
        round((row.high - row.low) * plot_height(layout)),
    )
    replaced = {curve.text for curve in known}
    kept = [
        note
        for note in layout["annotations"]
        if note.get("yref") != row.axis or note["text"] not in replaced
    ]
    labels = placed(curves, area, row.axis, palette)
    return [*kept, *(label | {"xref": row.across} for label in labels)]


def _named(ghosts: Sequence[tuple[str, str, Sequence[Json]]], palette: Palette) -> Iterator[Curve]:
    many = sum(len(lines) for _, _, lines in ghosts) > _MOST_LABELS
    for name, colour, lines in ghosts:
        swatch = f'<span style="color:{colour}">━</span>'
        for number, line in enumerate(lines):
            text = f"{swatch} {name if len(lines) == 1 or many else line['name']}"
            text = "" if many and number else text
            yield Curve(x_of(line), np.asarray(line["y"], float), text, palette.ink)


def _colour(trace: Json, texts: dict[str, Json]) -> str:
    note = texts.get(trace.get("name", ""), {})
    return str(note.get("font", {}).get("color") or trace["line"].get("color", ""))


def _is_line(trace: Json, axis: str) -> bool:
    return (
        trace["type"] == "scatter"
        and "lines" in trace.get("mode", "")
        and trace.get("yaxis", "y") == axis
        and "fill" not in trace
    )


def _width(trace: Json) -> float:
    return float((trace.get("line") or {}).get("width", 0))
