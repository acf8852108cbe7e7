"""Lines over training steps on a log axis: what the loss and the gradient's norm share."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from rnnviz.arrays import Array, Float
from rnnviz.figures.frame import Json
from rnnviz.figures.labels import placed
from rnnviz.figures.lines import Area, Curve, measured, theory
from rnnviz.figures.marks import WORDS, edge_marks, edge_notes, kinds
from rnnviz.figures.text import count
from rnnviz.figures.theme import Palette
from rnnviz.train import COLUMNS, History

HEIGHT = 260
MOST_POINTS = 2000
"""Points drawn of a line: of a longer one, the least and the largest of each stretch."""
_LEAST_DECADES = 0.6


@dataclass(frozen=True)
class Level:
    """A height to compare with: a thin line across the picture."""

    value: float
    text: str
    colour: str


def column(history: History, name: str) -> Float[Array, " N"]:
    """One column of a history."""
    return history.rows[:, COLUMNS.index(name)]


def panel(
    curves: Sequence[Curve], levels: Sequence[Level], title: str, palette: Palette
) -> tuple[list[Json], Json]:
    """Traces and layout: curves thick, levels thin, and marks for what no log axis holds.

    The first curve's zeros, infinities and NaNs are told in words as well.
    """
    if not len(curves[0].x):
        nothing = {"text": "no step yet", "x": 0.5, "y": 0.5, "xref": "paper", "yref": "paper"}
        return [], _layout((0.0, 1.0), (-1.0, 0.0), title, [nothing])
    with np.errstate(all="ignore"):
        logs = [replace(curve, y=np.log10(curve.y)) for curve in curves]
    steps = curves[0].x
    area = Area((steps[0] - 0.5, steps[-1] + 0.5), _range(logs, levels), HEIGHT)
    thin = [_across(level, area) for level in levels if level.value > 0]
    data = [theory(replace(line, y=10.0**line.y)) for line in thin]
    data += [_thick(curve) for curve in reversed(curves)]
    data += _marks(logs[0], area)
    masks = kinds(logs[0].y)
    notes, edges = edge_notes(masks, lambda kind, at: _words(kind, steps[at]), area)
    labels = placed([*logs, *thin], area, "y", palette, edges)
    return data, _layout(area.x, area.y, title, [*labels, *notes])


def faults(curve: Curve) -> str:
    """In words, where the values are no positive numbers; nothing where they all are."""
    with np.errstate(all="ignore"):
        masks = kinds(np.log10(curve.y))
    return "".join(f"; {_words(kind, curve.x[mask])}" for kind, mask in masks.items())


def thinned(curve: Curve) -> Curve:
    """A short line as it is; of a long one the least and the largest value of each stretch."""
    stretch = 2 * len(curve.y) // MOST_POINTS
    if stretch < 2:
        return curve
    whole = len(curve.y) // stretch * stretch
    stretches = curve.y[:whole].reshape(-1, stretch)
    start = np.arange(0, whole, stretch)
    peaks = [start + stretches.argmin(axis=1), start + stretches.argmax(axis=1)]
    rest = np.arange(whole, len(curve.y))
    at = np.unique(np.concatenate([[0, whole - 1], *peaks, rest]))
    return replace(curve, x=curve.x[at], y=curve.y[at])


def _layout(
    x_range: tuple[float, float], y_range: tuple[float, float], title: str, notes: list[Json]
) -> Json:
    return {
        "xaxis": {
            "title": {"text": "training step"},
            "range": list(x_range),
            "nticks": 7,
            "tickformat": "d",
            "tickangle": 0,
            "showgrid": False,
        },
        "yaxis": {
            "title": {"text": title},
            "type": "log",
            "range": list(y_range),
            "exponentformat": "power",
            "nticks": 6,
        },
        "annotations": notes,
        "hovermode": "x",
    }


def _range(logs: Sequence[Curve], levels: Sequence[Level]) -> tuple[float, float]:
    """log10 of the axis's ends: all that is a number, and the levels."""
    heights = [np.log10(level.value) for level in levels if level.value > 0]
    every = np.concatenate([*(curve.y for curve in logs), heights])
    finite = every[np.isfinite(every)]
    if not len(finite):
        return -1.0, 0.0
    low, high = float(finite.min()), float(finite.max())
    margin = max(0.08 * (high - low), (_LEAST_DECADES - (high - low)) / 2)
    return low - margin, high + margin


def _thick(curve: Curve) -> Json:
    hover = "step %{x}, %{fullData.name}: %{y:.3~g}<extra></extra>"
    return measured(thinned(curve), width=2.5) | {"hovertemplate": hover}


def _across(level: Level, area: Area) -> Curve:
    return Curve(
        np.array(area.x), np.full(2, np.log10(level.value)), level.text, level.colour, "dash"
    )


def _marks(curve: Curve, area: Area) -> list[Json]:
    """Marks at the edges of a log axis, which takes its values as they are and not as logs."""
    marks = edge_marks(curve.x, curve.y, area.y, "y", "step")
    return [mark | {"y": 10.0 ** mark["y"]} for mark in marks]


def _words(kind: str, steps: Float[Array, " N"]) -> str:
    where = f"step {steps[0]:.0f}" if len(steps) == 1 else count(len(steps), "step")
    return f"{WORDS[kind]} at {where}"
