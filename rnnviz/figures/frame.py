"""What every picture has around it: words, template, margins, caption and keys to colours."""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from rnnviz.arrays import Array
from rnnviz.figures.picture import Picture
from rnnviz.figures.text import wrapped
from rnnviz.figures.theme import PALETTES, SIZE, SMALL, TEMPLATES, Palette, Scale, Theme

Json = dict[str, Any]

LEFT, RIGHT, TOP = 58, 18, 8
AXIS_HEIGHT = 38
"""Tick labels and title below the lowest row."""
LINE_HEIGHT = 1.3 * SMALL
"""Of the caption, as Plotly sets its lines."""
HEADING_HEIGHT = 24
"""Room above a row for its name and the key to its colours."""
NARROWEST = 280
"""Plot width on a phone: labels are placed so that they fit in it."""

_TAG = re.compile(r"<[^>]*>|&[a-z]+;")
_NARROW, _WIDE = frozenset("fijlrt .,:;|()'"), frozenset("mwMW%")


@dataclass(frozen=True)
class Words:
    """What stands around a picture; the figure carries it as ``layout.meta``."""

    question: str
    subtitle: str
    how_to_read: str
    alt: str
    name: str
    """Of an exported file, without an ending."""


@dataclass(frozen=True)
class Row:
    """One row of a figure: traces on a y axis of its own, and what is written on them."""

    data: list[Json]
    annotations: list[Json]
    yaxis: Json


def framed(
    data: list[Json],
    layout: Json,
    words: Words,
    *,
    height: int,
    theme: Theme,
    caption: str,
    left: int = LEFT,
    right: int = RIGHT,
) -> go.Figure:
    """One figure of ``height`` pixels of plot, with its words, its template and its caption.

    Plotly's own validation takes three quarters of the time to build a figure and would run
    whenever one is built; the tests run it on every picture instead.
    """
    lines = wrapped(caption)
    below = AXIS_HEIGHT + round(LINE_HEIGHT * len(lines)) + 4
    if lines:
        layout["annotations"] = [*layout.get("annotations", []), _caption(lines, left, theme)]
    frame = {
        "template": TEMPLATES[theme],
        "height": TOP + height + below,
        "margin": {"l": left, "r": right, "t": TOP, "b": below, "pad": 0},
        "uirevision": "rnnviz",
        "meta": asdict(words),
    }
    return Picture(data, frame | layout)


def _caption(lines: list[str], left: int, theme: Theme) -> Json:
    return {
        "text": "<br>".join(lines),
        "font": {"size": SMALL, "color": PALETTES[theme].muted},
        "x": 0,
        "xref": "paper",
        "xanchor": "left",
        "xshift": 4 - left,
        "y": 0,
        "yref": "paper",
        "yanchor": "top",
        "yshift": -AXIS_HEIGHT,
    }


def stacked(heights: Sequence[int]) -> tuple[int, list[tuple[float, float]]]:
    """Rows from top to bottom, each with room for a heading: the whole height, and each domain."""
    whole = sum(heights) + HEADING_HEIGHT * len(heights)
    domains, top = [], whole
    for height in heights:
        top -= HEADING_HEIGHT
        domains.append(((top - height) / whole, top / whole))
        top -= height
    return whole, domains


def heading(text: str, top: float) -> Json:
    """A row's name, above its left end."""
    return {
        "text": f"<b>{text}</b>",
        "x": 0,
        "xref": "paper",
        "xanchor": "left",
        "y": top,
        "yref": "paper",
        "yanchor": "bottom",
        "yshift": 1,
    }


def key(scale: Scale, low: str, high: str, top: float, palette: Palette) -> Json:
    """The key to a row's colours, above its right end: swatches with a text at both ends.

    It is as wide on a phone as on a wall, which a Plotly colour bar is not, and costs nothing.
    """
    swatches = "".join(f'<span style="color:{colour}">■</span>' for colour in scale)
    return {
        "text": f'{low} <span style="font-size:{SIZE + 2}px">{swatches}</span> {high}',
        "font": {"size": SMALL, "color": palette.muted},
        "x": 1,
        "xref": "paper",
        "xanchor": "right",
        "y": top,
        "yref": "paper",
        "yanchor": "bottom",
        "yshift": 1,
    }


def every(count: int, most: int) -> int:
    """One in how many of ``count`` to draw, so that at most ``most`` are."""
    return -(-count // most)


def halo(palette: Palette) -> str:
    """A text shadow in the colour of the paper, so that a line under a label leaves it readable."""
    return ", ".join([f"0 0 2px {palette.paper}"] * 3)


def compact(z: Array) -> Array:
    """The numbers of a heatmap in half the bytes, unless they do not fit in those."""
    largest = np.abs(z, where=np.isfinite(z), out=np.zeros(z.shape)).max(initial=0)
    return z.astype(np.float32) if largest < np.finfo(np.float32).max else z


def text_width(text: str, size: int) -> float:
    """About how many pixels wide a label is, in a plain sans-serif font."""
    widths = (0.3 if c in _NARROW else 0.84 if c in _WIDE else 0.56 for c in _TAG.sub("", text))
    return sum(widths) * size
