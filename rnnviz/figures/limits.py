"""Bounds as lines: each with its label, or with where it goes when it leaves the picture."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rnnviz.arrays import Array, Bool, Int
from rnnviz.diagnostics import Bounds
from rnnviz.figures.frame import NARROWEST, Json, halo, text_width
from rnnviz.figures.lines import Area, Curve
from rnnviz.figures.text import power
from rnnviz.figures.theme import SIZE, Palette


@dataclass(frozen=True)
class Limit:
    """A bound as it is drawn, and what is said of it where it leaves."""

    curve: Curve
    below: bool
    leaves: float | None
    """The lag at which it leaves for good; None for one that stays, with its text at the line."""
    farewell: str
    """What stands there instead."""


def limits(result: Bounds, lags: Int[Array, " D"], area: Area, palette: Palette) -> list[Limit]:
    """The bounds: each step's own dashed, those of the weights dotted where they are others."""
    crude = result.pascanu
    high, low = "upper bound", "lower bound"
    by = ", σ<sub>max</sub> of each step", ", σ<sub>min</sub> of each step"
    if crude and not result.whole:
        by = f", from lag {result.own + 1:,} on by the weights", ""
    steps = [(result.upper, high + by[0], high), (result.lower, low + by[1], low)]
    found = []
    for below, (log10, text, short) in enumerate(steps):
        found.append(_limit(log10, lags, area, bool(below), text, short, palette, "dash"))
        if not crude:
            continue
        loose = crude.lower if below else crude.upper
        formula = "σ<sub>min</sub> min |f′|" if below else "(γ σ<sub>max</sub>)<sup>k</sup>"
        if not np.allclose(loose, log10, atol=1e-6, equal_nan=True):
            dotted = f"dotted: {formula}"
            found.append(_limit(loose, lags, area, bool(below), formula, dotted, palette, "dot"))
    return found


def farewells(found: Sequence[Limit], area: Area, palette: Palette) -> list[Json]:
    """What is said where bounds leave at the top, and at the bottom: those of an edge together."""
    notes: list[Json] = []
    for below in (False, True):
        gone = [limit for limit in found if limit.below == below and limit.leaves is not None]
        at = [limit.leaves for limit in gone if limit.leaves is not None]
        if not at:
            continue
        notes.append(_farewell([limit.farewell for limit in gone], at, below, area, palette))
    return notes


def _farewell(lines: list[str], at: list[float], below: bool, area: Area, palette: Palette) -> Json:
    """Right of where they leave, or left of it where a phone has more room there."""
    first, last = ((lag - area.x[0]) / (area.x[1] - area.x[0]) for lag in (min(at), max(at)))
    right = NARROWEST * (1 - last) > _width(_broken(lines)) + _BESIDE or last < 0.5
    room = NARROWEST * ((1 - last) if right else first) - _BESIDE
    lines = lines if _width(lines) < room else _broken(lines)
    # A line that is nearly level would run through words that end near it.
    shift = _BESIDE if right else -min(60.0, max(_BESIDE, room - _width(lines)))
    return {
        "text": "<br>".join(lines),
        "font": {"color": palette.bound, "shadow": halo(palette)},
        "align": "left" if right else "right",
        "x": max(at) if right else min(at),
        "xref": "x",
        "xanchor": "left" if right else "right",
        "xshift": shift,
        "y": area.at(4.0 if below else area.height - 4.0),
        "yref": "y",
        "yanchor": "bottom" if below else "top",
    }


def _broken(lines: list[str]) -> list[str]:
    """Each line in two, before where it goes."""
    return [part for line in lines for part in line.replace(", to", ",\nto").split("\n")]


def _width(lines: list[str]) -> float:
    return max(text_width(line, SIZE) for line in lines)


_BESIDE = 8.0
"""Pixels between where a line leaves and the words for it."""


def taken(notes: Sequence[Json], area: Area) -> list[float]:
    """The heights in pixels that ``farewells`` have taken, line by line."""
    levels = []
    for note in notes:
        lines = note["text"].count("<br>") + 1
        rows = [12.0 + 16 * line for line in range(lines)]
        levels += rows if note["yanchor"] == "bottom" else [area.height - row for row in rows]
    return levels


def _limit(
    log10: Array,
    lags: Int[Array, " D"],
    area: Area,
    below: bool,
    text: str,
    short: str,
    palette: Palette,
    dash: str,
) -> Limit:
    gone = _outside(log10, area)
    leaves = None
    if gone[-1]:
        last_seen = np.flatnonzero(~gone)
        leaves = float(_crossing(log10, int(last_seen[-1]), area)) if len(last_seen) else 0.0
    end = log10[-1]
    farewell = f"{short}, to {power(np.round(end))}" if np.isfinite(end) else f"{short}: exactly 0"
    y = _drawn(log10[lags], gone[lags])
    return Limit(Curve(lags, y, text, palette.bound, dash), below, leaves, farewell)


def _outside(log10: Array, area: Area) -> Bool[Array, " K"]:
    with np.errstate(invalid="ignore"):
        return np.asarray((log10 > area.y[1]) | (log10 < area.y[0]))


def _crossing(log10: Array, lag: int, area: Area) -> float:
    """Where the line from this lag to the next meets the edge."""
    start, end = log10[lag], log10[lag + 1]
    if not np.isfinite(end):
        return float(lag)
    edge = area.y[1] if end > start else area.y[0]
    return float(lag + (edge - start) / (end - start))


def _drawn(log10: Array, gone: Bool[Array, " D"]) -> Array:
    """The line with one point beyond the edge, so that it reaches it, and none farther out."""
    far = gone & np.concatenate([[False], gone[:-1]])
    return np.where(far | ~np.isfinite(log10), np.nan, log10)
