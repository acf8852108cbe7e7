"""Labels at lines: where each is placed so that it hides no line and no other label."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rnnviz.arrays import Array
from rnnviz.figures.frame import NARROWEST, halo, text_width
from rnnviz.figures.lines import Area, Curve
from rnnviz.figures.theme import SIZE, Palette

_GRID = np.linspace(0, 1, 33)
_HALF_LINE = 9
"""Half the height of a label, in pixels, with a little air."""
_GAP = 0.015
"""Between a point and the label that begins or ends there, as a share of the width."""
_OFFSETS = np.tile([11.0, -11.0, 26.0, -26.0, 41.0, -41.0], 2)
_LEFTWARD = np.repeat([True, False], 6)
"""Every way a label can stand to its point: above or below, ending or beginning there."""


@dataclass
class _Taken:
    """Places that labels have: ends along the grid, and height."""

    low: list[float] = field(default_factory=list)
    high: list[float] = field(default_factory=list)
    y: list[float] = field(default_factory=list)


def placed(
    curves: Sequence[Curve], area: Area, axis: str, palette: Palette, edges: Sequence[float] = ()
) -> list[dict[str, Any]]:
    """An annotation for each curve's text, at the line and beside every other line if it can be.

    A place that is free on a phone's width is free on every wider one, where the same label
    takes a smaller share of the row; so the narrowest width decides.

    Parameters
    ----------
    edges : heights in pixels over the whole width that are taken already
    """
    shadow = halo(palette)
    drawn = np.array([area.pixels(curve, _GRID) for curve in curves]).reshape(-1, len(_GRID))
    taken = _Taken([0.0] * len(edges), [1.0] * len(edges), list(edges))
    return [
        _annotation(curve, *_place(own, drawn, curve.text, area.height, taken), area, axis, shadow)
        for curve, own in zip(curves, drawn, strict=True)
        if curve.text
    ]


def _place(
    own: Array, drawn: Array, text: str, height: int, taken: _Taken
) -> tuple[float, float, bool]:
    """Left or right end along the grid, height in pixels, and whether that is the left end."""
    width = text_width(text, SIZE) / NARROWEST
    visible = np.flatnonzero((own >= 0) & (own <= height))
    at = visible[::2] if len(visible) else np.array([len(_GRID) - 1])
    x, y0 = np.repeat(_GRID[at], len(_OFFSETS)), np.repeat(own[at], len(_OFFSETS))
    y0 = np.nan_to_num(y0, nan=height / 2)
    y = np.clip(y0 + np.tile(_OFFSETS, len(at)), 8, height - 8)
    leftward = np.tile(_LEFTWARD, len(at))
    x = np.where(leftward, x - _GAP, x + _GAP)
    low = np.where(leftward, x - width, x)
    cost = _cost(low, low + width, y, drawn, taken) + np.abs(y - y0) / 6
    cost += 3 * np.repeat(_crowd(own, drawn)[at], len(_OFFSETS))
    best = int(np.argmin(cost))
    taken.low.append(low[best])
    taken.high.append(low[best] + width)
    taken.y.append(y[best])
    return float(x[best]), float(y[best]), not leftward[best]


def _crowd(own: Array, drawn: Array) -> Array:
    """How many lines, itself among them, run so near that a label could be any one's."""
    return np.asarray((np.abs(drawn - own) < 2 * _HALF_LINE).sum(axis=0))


def _cost(low: Array, high: Array, y: Array, drawn: Array, taken: _Taken) -> Array:
    """How many stretches of line run through each box, and much more for a label or an edge."""
    bottom = np.minimum(drawn[:, 1:], drawn[:, :-1])
    top = np.maximum(drawn[:, 1:], drawn[:, :-1])
    level = y[:, None, None]
    crossed = ((bottom < level + _HALF_LINE) & (top > level - _HALF_LINE)).any(axis=1)
    span = (_GRID[1:] > low[:, None]) & (_GRID[:-1] < high[:, None])
    outside = np.maximum(0, -low) + np.maximum(0, high - 1)
    cost = 2.0 * (crossed & span).sum(axis=1) + 10_000 * outside
    for start, end, other in zip(taken.low, taken.high, taken.y, strict=True):
        cost += 100 * ((low < end) & (high > start) & (np.abs(y - other) < 15))
    return np.asarray(cost)


def _annotation(
    curve: Curve, x: float, y: float, from_left: bool, area: Area, axis: str, shadow: str
) -> dict[str, Any]:
    low, high = area.y
    return {
        "text": curve.text,
        "font": {"color": curve.colour, "shadow": shadow},
        "x": area.x[0] + x * (area.x[1] - area.x[0]),
        "xref": "x",
        "xanchor": "left" if from_left else "right",
        "y": low + y / area.height * (high - low),
        "yref": axis,
        "yanchor": "middle",
    }
