"""Rows of lines over training steps, one below the other on one axis of steps."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import plotly.graph_objects as go

from rnnviz.arrays import Array, Bool, Float
from rnnviz.figures.end_labels import End, end_labels, room
from rnnviz.figures.frame import HEADING_HEIGHT, NARROWEST, RIGHT, Json, Words, framed, heading
from rnnviz.figures.lines import Area, Curve, measured, theory
from rnnviz.figures.marks import WORDS, edge_marks, edge_notes, kinds
from rnnviz.figures.step_marks import Marks, change_words, cursor, raised, steps_axis
from rnnviz.figures.text import count
from rnnviz.figures.theme import Palette, Theme

HEIGHT = 260
MOST_POINTS = 2000
"""Points drawn of a line: of a longer one, the least and the largest of each stretch."""
_FEW = 300
"""Points of a line that is drawn thick; a longer one would hide its own peaks."""
_LEAST_DECADES, _LEAST_SPAN = 0.6, 0.1


@dataclass(frozen=True)
class Line:
    """A line over training steps; one that is broken is drawn thin."""

    x: Float[Array, " N"]
    y: Float[Array, " N"]
    name: str
    colour: str
    dash: str = ""
    label: str | None = None
    """What stands at its end: the name if left out, nothing if empty."""
    gaps: bool = False
    """Whether a NaN is a place without a value, and no fault."""
    faint: bool = False
    """Whether it lets a broken line through that runs over it."""
    shape: str = "linear"
    symbol: str = ""
    """At each point, where a line has few."""

    @property
    def end(self) -> str:
        """What stands at the line's end."""
        return self.name if self.label is None else self.label


@dataclass(frozen=True)
class Level:
    """A height to compare with: a thin line across the picture."""

    value: float
    text: str
    colour: str


@dataclass(frozen=True)
class Strip:
    """One row: its lines, what they are compared with, and its axis."""

    lines: Sequence[Line]
    title: str
    levels: Sequence[Level] = ()
    log: bool = True
    span: tuple[float, float] | None = None
    """The axis's ends, where they do not follow from the numbers."""
    heading: str = ""
    height: int = HEIGHT
    yaxis: Json = field(default_factory=dict)

    @property
    def texts(self) -> list[str]:
        """All that may stand at the end of a line."""
        return [line.end for line in self.lines] + [level.text for level in self.levels]

    def scaled(self, y: Array) -> Array:
        """Heights as the axis has them: logs, or the numbers themselves."""
        with np.errstate(all="ignore"):
            return np.log10(y) if self.log else np.asarray(y, float)

    def unscaled(self, y: Array | float) -> Array:
        """The numbers at these heights of the axis."""
        return np.asarray(10.0 ** np.asarray(y) if self.log else y)


@dataclass(frozen=True)
class Rows:
    """What a figure over training steps is made of."""

    data: list[Json]
    layout: Json
    height: int
    right: int
    """Width of the margin that the labels at the lines' ends need."""

    def framed(self, words: Words, theme: Theme, caption: str) -> go.Figure:
        """The figure, with its words and its caption."""
        look: Json = {"theme": theme, "caption": caption, "right": self.right}
        return framed(self.data, self.layout, words, height=self.height, **look)


def over_steps(
    strips: Sequence[Strip], marks: Marks, palette: Palette, nothing: str = "no step yet"
) -> Rows:
    """Traces and layout of rows of lines, with what no axis holds drawn at its edge.

    Parameters
    ----------
    nothing : what stands in a picture without any number
    """
    steps = [line.x for strip in strips for line in strip.lines if len(line.x)]
    if not steps:
        return Rows([], _empty(strips[0].title, nothing), HEIGHT, RIGHT)
    x_range = float(min(x[0] for x in steps)) - 0.5, float(max(x[-1] for x in steps)) + 0.5
    right = room([text for strip in strips for text in strip.texts])
    notes, shapes, above = change_words(marks, x_range, NARROWEST - right + RIGHT, palette)
    above_each = [HEADING_HEIGHT if strip.heading else 0 for strip in strips]
    whole = above + sum(above_each) + sum(strip.height for strip in strips)
    layout: Json = {"xaxis": steps_axis(x_range), "hovermode": "x"}
    layout["xaxis"]["anchor"] = _axis("y", len(strips) - 1)
    data: list[Json] = []
    top = whole - above
    for number, (strip, room_above) in enumerate(zip(strips, above_each, strict=True)):
        top -= room_above
        if strip.heading:
            notes.append(heading(strip.heading, top / whole) | {"bgcolor": palette.paper})
        traces, own_notes, yaxis = _row(strip, x_range, _axis("y", number))
        data += traces
        notes += own_notes
        domain = [(top - strip.height) / whole, top / whole]
        layout[_axis("yaxis", number)] = yaxis | {"domain": domain}
        top -= strip.height
    lines, words = cursor(marks, x_range, 1 - above / whole, palette)
    over = {"annotations": [*notes, *words], "shapes": [*raised(shapes, above, whole), *lines]}
    return Rows(data, layout | over, whole, right)


def faults(line: Line) -> str:
    """In words, where the values of a log axis are no positive numbers; nothing if all are."""
    with np.errstate(all="ignore"):
        masks = _masks(line, np.log10(line.y))
    return "".join(f"; {_words(kind, line.x[mask])}" for kind, mask in masks.items())


def thinned(line: Line) -> Line:
    """A short line as it is; of a long one the least and the largest value of each stretch."""
    stretch = 2 * len(line.y) // MOST_POINTS
    if stretch < 2:
        return line
    whole = len(line.y) // stretch * stretch
    stretches = line.y[:whole].reshape(-1, stretch)
    start = np.arange(0, whole, stretch)
    peaks = [start + stretches.argmin(axis=1), start + stretches.argmax(axis=1)]
    rest = np.arange(whole, len(line.y))
    at = np.unique(np.concatenate([[0, whole - 1], *peaks, rest]))
    return replace(line, x=line.x[at], y=line.y[at])


def _row(
    strip: Strip, x_range: tuple[float, float], axis: str
) -> tuple[list[Json], list[Json], Json]:
    heights = [strip.scaled(line.y) for line in strip.lines]
    levels = [level for level in strip.levels if not strip.log or level.value > 0]
    y_range = strip.span or _range(strip, heights, levels)
    area = Area(x_range, y_range, strip.height)
    across = [_across(strip, level, area) for level in levels]
    data = [theory(replace(line, y=strip.unscaled(line.y)), axis) for line in across]
    few = all(len(line.y) <= _FEW for line in strip.lines)
    thick = [line for line in strip.lines if not line.dash]
    thin = [line for line in strip.lines if line.dash]
    data += [_drawn(line, axis, few) for line in (*reversed(thick), *reversed(thin))]
    for line, y in zip(strip.lines, heights, strict=True):
        data += _marks(strip, line, y, area, axis)
    notes = _edges(strip, heights, area, axis)
    ends = [
        End(line.end, line.colour, bool(line.dash), y)
        for line, y in zip(strip.lines, heights, strict=True)
    ]
    ends += [End(line.text, line.colour, True, line.y) for line in across]
    notes += end_labels(ends, area, axis)
    log = {"type": "log", "exponentformat": "power"} if strip.log else {}
    yaxis = {"title": {"text": strip.title}, "range": list(y_range), "nticks": 6} | log
    return data, notes, yaxis | strip.yaxis


def _empty(title: str, text: str) -> Json:
    note = {"text": text, "x": 0.5, "y": 0.5, "xref": "paper", "yref": "paper"}
    bare = {"showticklabels": False, "showgrid": False}
    yaxis = {"title": {"text": title}, "range": [0, 1]}
    return {"xaxis": steps_axis((0.0, 1.0)) | bare, "yaxis": yaxis | bare, "annotations": [note]}


def _range(strip: Strip, heights: Sequence[Array], levels: Sequence[Level]) -> tuple[float, float]:
    """The axis's ends: all that is a number, and the levels."""
    every = np.concatenate([*heights, strip.scaled(np.array([level.value for level in levels]))])
    finite = every[np.isfinite(every)]
    if not len(finite):
        return (-1.0, 0.0) if strip.log else (0.0, 1.0)
    low, high = float(finite.min()), float(finite.max())
    least = _LEAST_DECADES if strip.log else _LEAST_SPAN
    margin = max(0.08 * (high - low), (least - (high - low)) / 2)
    return low - margin, high + margin


def _drawn(line: Line, axis: str, few: bool) -> Json:
    curve = thinned(line)
    width = 2.5 if few and not line.dash else 1.5
    trace = measured(Curve(curve.x, curve.y, line.name, line.colour), axis, width)
    style = {"dash": line.dash} if line.dash else {}
    style |= {"shape": line.shape} if line.shape != "linear" else {}
    if line.faint:
        trace["opacity"] = 0.55
    if line.symbol:
        trace |= {"mode": "lines+markers", "marker": {"symbol": line.symbol, "size": 6}}
    hover = "step %{x}, %{fullData.name}: %{y:.3~g}<extra></extra>"
    return trace | {"line": trace["line"] | style, "hovertemplate": hover}


def _across(strip: Strip, level: Level, area: Area) -> Curve:
    height = strip.scaled(np.full(2, level.value))
    return Curve(np.array(area.x), height, level.text, level.colour, "dash")


def _masks(line: Line, height: Array) -> dict[str, Bool[Array, " N"]]:
    found = kinds(height)
    return {kind: mask for kind, mask in found.items() if not (line.gaps and kind == "nan")}


def _marks(strip: Strip, line: Line, height: Array, area: Area, axis: str) -> list[Json]:
    """Marks at the edges of the axis, which takes its values as they are and not as logs."""
    height = np.where(np.isnan(height), 0.0, height) if line.gaps else height
    low, high = area.y
    hair = 1e-9 * (high - low)  # a power of ten that is rounded outwards would be off the axis
    marks = edge_marks(line.x, height, (low + hair, high - hair), axis, f"{line.name}, step")
    return [mark | {"y": strip.unscaled(mark["y"])} for mark in marks]


def _edges(strip: Strip, heights: Sequence[Array], area: Area, axis: str) -> list[Json]:
    """The words for what is at an edge: once a kind, with the lines that have it."""
    first: dict[str, Bool[Array, " N"]] = {}
    told: dict[str, list[str]] = {}
    for line, height in zip(strip.lines, heights, strict=True):
        for kind, mask in _masks(line, height).items():
            first.setdefault(kind, mask)
            told.setdefault(kind, []).append(f"{line.name} {_words(kind, line.x[mask])}")
    several = len(strip.lines) > 1
    words = {
        kind: ", ".join(texts) if several else texts[0].removeprefix(f"{strip.lines[0].name} ")
        for kind, texts in told.items()
    }
    return edge_notes(first, lambda kind, _: words[kind], area, axis)[0]


def _words(kind: str, steps: Float[Array, " N"]) -> str:
    where = f"step {steps[0]:,.0f}" if len(steps) == 1 else count(len(steps), "step")
    return f"{WORDS[kind]} at {where}"


def _axis(name: str, number: int) -> str:
    return name + (str(number + 1) if number else "")
