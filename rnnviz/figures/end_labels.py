"""Labels to the right of lines, each at its line's end and none over another."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rnnviz.arrays import Array
from rnnviz.figures.frame import RIGHT, Json, text_width
from rnnviz.figures.lines import Area
from rnnviz.figures.theme import SMALL

MOST_LETTERS = 16
_LINE = 13.0
_SWATCH = 28
"""Width of the piece of line before a label, and of the air around it."""


@dataclass(frozen=True)
class End:
    """What stands at the end of a line."""

    text: str
    """One line of it, or more with ``<br>`` between them."""
    colour: str
    broken: bool
    y: Array
    """The line's heights; the label stands at the last of them that is a number."""

    @property
    def lines(self) -> list[str]:
        """The text in lines that a phone has room for beside the rows."""
        return [
            part if len(part) <= MOST_LETTERS else f"{part[: MOST_LETTERS - 1]}…"
            for part in self.text.split("<br>")
        ]


def room(texts: Sequence[str]) -> int:
    """Pixels that the margin needs for these labels."""
    lines = [line for text in texts if text for line in End(text, "", False, np.empty(0)).lines]
    widest = max((text_width(line, SMALL) for line in lines), default=0.0)
    return int(widest) + _SWATCH if widest else RIGHT


def end_labels(ends: Sequence[End], area: Area, axis: str) -> list[Json]:
    """An annotation for each end that has a text, beside the last number of its line."""
    low, high = area.y
    known = [end for end in ends if end.text and np.isfinite(end.y).any()]
    last = [float(end.y[np.isfinite(end.y)][-1]) for end in known]
    order = np.argsort(last, kind="stable")
    wanted = [(last[n] - low) / (high - low) * area.height for n in order]
    sizes = [_LINE * len(known[n].lines) for n in order]
    levels = spread(wanted, sizes, area.height)
    return [
        _annotation(known[n], area.at(level), axis) for n, level in zip(order, levels, strict=True)
    ]


def spread(wanted: Sequence[float], sizes: Sequence[float], height: int) -> list[float]:
    """These heights, lowest first, moved apart as far as labels need and kept in the row."""
    levels: list[float] = []
    free = 0.0
    for level, size in zip(wanted, sizes, strict=True):
        levels.append(max(level, free + size / 2))
        free = levels[-1] + size / 2
    free = float(height)
    for n in reversed(range(len(levels))):
        levels[n] = min(levels[n], free - sizes[n] / 2)
        free = levels[n] - sizes[n] / 2
    return levels


def _annotation(end: End, y: float, axis: str) -> Json:
    swatch = f'<span style="color:{end.colour}">{"╍" if end.broken else "━"}</span>'
    return {
        "text": f"{swatch} {'<br>'.join(end.lines)}",
        "font": {"size": SMALL},
        "x": 1,
        "xref": "paper",
        "xanchor": "left",
        "xshift": 4,
        "y": y,
        "yref": axis,
        "yanchor": "middle",
    }
