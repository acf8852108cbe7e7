"""Paths of states: a thin line for each sequence, and dots coloured by time or by factor."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from rnnviz.arrays import Array
from rnnviz.diagnostics import StateSpace
from rnnviz.figures.factors import limit
from rnnviz.figures.frame import Json, every, key
from rnnviz.figures.marks import WORDS, cells_note
from rnnviz.figures.plane import Plane
from rnnviz.figures.text import short
from rnnviz.figures.theme import CHANGE, NOTHING, SOURCES, Palette, colorscale

MOST_SEQUENCES, MOST_DOTS, MOST_VERTICES = 16, 2000, 10_000
Colour = Literal["time", "factor"]


@dataclass(frozen=True)
class Thinned:
    """Which sequences and states are drawn."""

    sequences: int
    line: Array
    """States that the lines go through."""
    dots: Array
    """States that have a dot."""


def thinned(result: StateSpace) -> Thinned:
    """As many as a page can bear, the first and the last state among them."""
    states, sequences = len(result.t), min(result.path.shape[1], MOST_SEQUENCES)
    step = every(states * sequences, MOST_VERTICES)
    line = np.unique(np.append(np.arange(0, states, step), states - 1))
    return Thinned(sequences, line, np.arange(0, states, every(states * sequences, MOST_DOTS)))


def lines(at: Plane, thin: Thinned, palette: Palette) -> Json:
    """All paths in one trace, a gap after each."""
    gap = np.full((1, thin.sequences), np.nan)
    x, y = (np.vstack([values[thin.line], gap]).T.ravel() for values in (at.x, at.y))
    return {
        "type": "scatter",
        "mode": "lines",
        "name": "paths",
        "x": x,
        "y": y,
        "line": {"color": palette.muted, "width": 0.75},
        "opacity": 0.55,
        "hoverinfo": "skip",
    }


def dotted(
    result: StateSpace, at: Plane, thin: Thinned, colour: Colour, top: float, palette: Palette
) -> tuple[list[Json], list[Json]]:
    """The dots, those whose step has no factor in the colours of nothing, and the key."""
    t = np.broadcast_to(thin.dots[:, None], (len(thin.dots), thin.sequences))
    last = len(result.t) - 1
    if colour == "time":
        marker = {"colorscale": colorscale(SOURCES), "cmin": 0, "cmax": max(1, last)}
        dots = _dot_trace(at, t, np.isfinite(t), t, marker, palette)
        return [dots], [key(SOURCES, "t = 0", f"t = {last:,}", top, palette)]
    sequences = np.arange(thin.sequences)
    change = np.vstack([result.log10_change, np.full((1, result.path.shape[1]), np.nan)])[
        :, sequences
    ]
    end = limit(change.ravel())
    marker = {"colorscale": colorscale(CHANGE), "cmin": -end, "cmax": end}
    own = change[thin.dots]
    traces = [_dot_trace(at, t, np.isfinite(own), own, marker, palette)]
    norms = result.log10_norms[thin.dots][:, sequences]
    masks = {"zero": np.isneginf(norms), "infinite": np.isposinf(norms), "nan": np.isnan(norms)}
    masks = {kind: mask for kind, mask in masks.items() if mask.any()}
    for kind, mask in masks.items():
        trace = _dot_trace(at, t, mask, own, {}, palette)
        trace["name"] = f"{WORDS[kind]}: {int(mask.sum())}"
        trace["marker"]["color"] = NOTHING[kind]
        trace["hovertemplate"] = (
            f"sequence %{{customdata[0]}}, t = %{{customdata[1]}}: gradient {WORDS[kind]}"
            "<extra></extra>"
        )
        traces.append(trace)
    lowest, highest = f"×{short(10**-end)}", f"×{short(10**end)}"
    return traces, [key(CHANGE, lowest, highest, top, palette), *cells_note(masks, top, palette)]


def _dot_trace(
    at: Plane, t: Array, mask: Array, colour: Array, marker: Json, palette: Palette
) -> Json:
    rows, sequences = np.nonzero(mask)
    states = t[rows, sequences]
    with np.errstate(over="ignore"):
        factor = 10.0 ** np.asarray(colour[rows, sequences], float)
    by_time = colour is t
    hover = "" if by_time else ", ×%{customdata[2]:.3g} a step back"
    columns = [sequences, states] if by_time else [sequences, states, factor]
    outline = {"color": palette.muted, "width": 0.5}
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "states",
        "x": at.x[states, sequences],
        "y": at.y[states, sequences],
        "customdata": np.column_stack(columns),
        "marker": {"size": 5, "line": outline, "color": colour[rows, sequences], **marker},
        "hovertemplate": f"sequence %{{customdata[0]}}, t = %{{customdata[1]}}{hover}"
        "<br>(%{x:.3g}, %{y:.3g})<extra></extra>",
    }
