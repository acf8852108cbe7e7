"""Zeros, infinities and NaNs, which no axis and no colour scale can show: marks with a word."""

from collections.abc import Callable

import numpy as np

from rnnviz.arrays import Array, Bool, Float, Int
from rnnviz.figures.frame import Json, every
from rnnviz.figures.lines import Area
from rnnviz.figures.theme import NOTHING, Palette

MOST_MARKS = 600
"""Marks drawn in a row; the words count all of them."""

WORDS = {"zero": "exactly 0", "infinite": "infinite", "nan": "NaN"}
_SYMBOLS = {"zero": "triangle-down", "infinite": "triangle-up", "nan": "x"}


def kinds(log10: Float[Array, "..."]) -> dict[str, Bool[Array, "..."]]:
    """Where a log10 is that of an exact zero, an infinity or a NaN; only those that occur."""
    if np.isfinite(log10).all():
        return {}
    masks = {"zero": np.isneginf(log10), "infinite": np.isposinf(log10), "nan": np.isnan(log10)}
    return {kind: mask for kind, mask in masks.items() if mask.any()}


def kinds_of_values(values: Float[Array, "..."]) -> dict[str, Bool[Array, "..."]]:
    """Where a plain number is an infinity or a NaN; only those that occur."""
    return kinds(np.abs(values))


def edge_marks(
    x: Array, log10: Float[Array, " N"], y_range: tuple[float, float], axis: str, label: str
) -> list[Json]:
    """Marks at the lower edge for zeros and at the upper edge for infinities and NaNs."""
    low, high = y_range
    traces = []
    for kind, mask in kinds(log10).items():
        at = x[mask]
        shown = at[:: every(len(at), MOST_MARKS)]
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": f"{WORDS[kind]}: {len(at)}",
                "x": shown,
                "y": np.full(len(shown), low if kind == "zero" else high),
                "yaxis": axis,
                "marker": {"symbol": _SYMBOLS[kind], "size": 8, "color": NOTHING[kind]},
                "cliponaxis": False,
                "hovertemplate": f"{label} %{{x}}: {WORDS[kind]}<extra></extra>",
            }
        )
    return traces


def edge_notes(
    masks: dict[str, Bool[Array, " N"]],
    words: Callable[[str, Int[Array, " M"]], str],
    area: Area,
    axis: str = "y",
) -> tuple[list[Json], list[float]]:
    """The words beside the marks at the edges, and how many pixels high each stands.

    Parameters
    ----------
    words : what to say of a kind of nothing at these indices
    """
    notes: list[Json] = []
    levels: list[float] = []
    for kind, mask in masks.items():
        at = np.flatnonzero(mask)
        above = sum(level > area.height / 2 for level in levels)
        level = 16.0 if kind == "zero" else area.height - 16.0 - 15.0 * above
        left = at[0] + at[-1] < len(mask)
        notes.append(
            {
                "text": f"{square(kind)} {words(kind, at)}",
                "x": 0.01 if left else 0.99,
                "xref": "paper",
                "xanchor": "left" if left else "right",
                "y": area.at(level),
                "yref": axis,
                "yanchor": "middle",
            }
        )
        levels.append(level)
    return notes, levels


def cells(masks: dict[str, Bool[Array, "R C"]], place: Json, hover: str) -> list[Json]:
    """A heatmap for each kind over the one that leaves these cells empty, in the kind's colour."""
    return [
        place
        | {
            "type": "heatmap",
            "name": f"{WORDS[kind]}: {int(mask.sum())}",
            "z": np.where(mask, np.float32(1), np.float32(np.nan)),
            "zmin": 0,
            "zmax": 1,
            "colorscale": [[0, NOTHING[kind]], [1, NOTHING[kind]]],
            "showscale": False,
            "hoverongaps": False,
            "hovertemplate": f"{hover}<br>{WORDS[kind]}<extra></extra>",
        }
        for kind, mask in masks.items()
    ]


def square(kind: str) -> str:
    """A square of the kind's colour, to stand before its word."""
    return f'<span style="color:{NOTHING[kind]}">■</span>'


def cells_note(masks: dict[str, Bool[Array, "R C"]], top: float, palette: Palette) -> list[Json]:
    """The words for coloured cells, each behind a square of its colour, in a corner of the row."""
    parts = [
        f"{square(kind)} {WORDS[kind]}: {int(mask.sum()):,} of {mask.size:,}"
        for kind, mask in masks.items()
    ]
    place = {"x": 0, "xref": "paper", "xanchor": "left", "xshift": 4, "bgcolor": palette.veil}
    corner = {"y": top, "yref": "paper", "yanchor": "top", "yshift": -4}
    return [place | corner | {"text": "<br>".join(parts)}] if parts else []
