"""How far back does the gradient reach at each moment of training?"""

from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from rnnviz.arrays import Array, Float, Int
from rnnviz.diagnostics.verdict import holding_limit
from rnnviz.figures.frame import (
    HEADING_HEIGHT,
    NARROWEST,
    Json,
    Words,
    every,
    framed,
    heading,
    key,
)
from rnnviz.figures.magnitudes import magnitudes
from rnnviz.figures.marks import WORDS, cells, cells_note, kinds
from rnnviz.figures.norms import decades
from rnnviz.figures.step_marks import change_words, cursor, raised, steps_axis
from rnnviz.figures.text import count, ordinal, plain, power
from rnnviz.figures.theme import MAGNITUDE, PALETTES, SMALL, Palette, Theme
from rnnviz.figures.training import marks_of, told_changes
from rnnviz.history import History

QUESTION = "How far back does the gradient reach at each moment of training?"
HOW_TO_READ = (
    "Each column is a moment of training. It begins at the bottom, at the loss of the last step, "
    "and goes up as the gradient travels back: lag k is k steps before the loss. Bright is a "
    "large gradient, dark a small one; from one colour of the key to the next it is the same "
    "factor.\n\n"
    "The colours are absolute norms: a column that is dark from the bottom up is a small loss, "
    "and one that darkens on the way up is a gradient that vanishes. The line is the half-life: "
    "the lag at which half of the gradient is gone. It has a gap where the gradient holds or "
    "grows, and leaves the picture where half of it goes farther than the sequence is long.\n\n"
    "Click a column to look at that moment, or move the slider to it."
)
HEIGHT = 320
MOST_ROWS = 128
_LINE, _CASING = "#ffffff", "#000000"
"""Over colours that are the same in both themes."""


@dataclass(frozen=True)
class _Shown:
    """What of the moments is drawn."""

    step: Int[Array, " M"]
    lag: Int[Array, " K"]
    log10: Float[Array, "K M"]
    longest: int
    """The largest lag that there is."""
    half_life: Float[Array, " M"]
    """NaN where the gradient does not shrink."""


def gradient_map(
    history: History, at: int | None = None, *, theme: Theme = "light", caption: str = ""
) -> go.Figure:
    """The gradient's norm by training step and lag: the one picture of a run.

    The x of a cell is its moment's training step.

    Parameters
    ----------
    history : History
    at : the step that the page looks at
    """
    palette = PALETTES[theme]
    if not history.moments:
        return _empty(theme, caption)
    shown = _shown(history)
    low, high = decades(shown.log10)
    place = {"type": "heatmap", "x": shown.step, "y": shown.lag}
    masks = kinds(shown.log10)
    x_range = _x_range(shown.step)
    marks = marks_of(history, at)
    notes, shapes, above = change_words(marks, x_range, NARROWEST, palette)
    whole = above + HEADING_HEIGHT + HEIGHT
    top = HEIGHT / whole
    notes += [
        heading("log<sub>10</sub> |∂L/∂s|", top) | {"bgcolor": palette.paper},
        key(MAGNITUDE, power(low), power(high), top, palette) | {"bgcolor": palette.paper},
        *cells_note(masks, top, palette),
        *_label(shown, palette),
    ]
    to_words = [shape | {"y0": top} for shape in raised(shapes, above, whole)]
    changed = [shape | {"y1": top, "layer": "above"} for shape in shapes]
    lines, step = cursor(marks, x_range, top, palette)
    layout = {
        "xaxis": steps_axis(x_range),
        "yaxis": _lag_axis(shown, top),
        "annotations": [*notes, *step],
        "shapes": [*to_words, *_cased(changed, 1.2), *_cased(lines, 2.0)],
        "hovermode": "closest",
    }
    cell = "step %{x}, lag %{y}"
    values = magnitudes(shown.log10, low, high, "log10 |∂L/∂s|", f"{cell}: |∂L/∂s| = ")
    data = [place | values, *cells(masks, place, cell)]
    data += _half_life(shown)
    words = Words(QUESTION, subtitle(shown), HOW_TO_READ, alt(history, shown), NAME)
    return framed(data, layout, words, height=whole, theme=theme, caption=caption)


NAME = "gradient-map"


def subtitle(shown: _Shown) -> str:
    """Which derivative, of which loss, and what was left out."""
    step = every(shown.longest + 1, MOST_ROWS)
    left_out = f" Every {ordinal(step)} lag is drawn." if step > 1 else ""
    return (
        "|∂L/∂sₜ| of the last step's loss in the top layer, on one held-out batch, by lag "
        f"k = T − t. Absolute norms at {count(len(shown.step), 'moment')} of training.{left_out}"
    )


def alt(history: History, shown: _Shown) -> str:
    """What the picture shows, for those who do not see it."""
    ends = [
        f"at step {shown.step[m]:,} the norm is {plain(shown.log10[0, m])} at lag "
        f"{shown.lag[0]} and {plain(shown.log10[-1, m])} at lag {shown.lag[-1]}"
        for m in sorted({0, len(shown.step) - 1})
    ]
    nothing = [f"{WORDS[k]} at {int(m.sum()):,}" for k, m in kinds(shown.log10).items()]
    places = f" Of {shown.log10.size:,} norms: {', '.join(nothing)}." if nothing else ""
    return (
        f"Heatmap of the gradient's norm, {count(len(shown.step), 'moment')} of training by lag: "
        f"{'; '.join(ends)}.{places}{told_changes(history)}"
    )


def _shown(history: History) -> _Shown:
    moments = history.moments
    lag = np.asarray(moments[0].lag)
    some = np.arange(0, len(lag), every(len(lag), MOST_ROWS))
    longest = int(lag[-1])
    factor = np.array([moment.factor for moment in moments], float)
    vanishes = (factor > 0) & (factor < 1 / holding_limit(max(longest, 1)))
    half_life = np.array([moment.half_life or np.nan for moment in moments], float)
    return _Shown(
        np.array([moment.step for moment in moments]),
        lag[some],
        np.stack([moment.log10_norm[some] for moment in moments], axis=1).astype(float),
        longest,
        np.where(vanishes, half_life, np.nan),
    )


def _x_range(step: Int[Array, " M"]) -> tuple[float, float]:
    """Half a column beyond the first and the last moment, as Plotly draws them."""
    if len(step) == 1:
        return float(step[0]) - 0.5, float(step[0]) + 0.5
    return (
        float(step[0] - (step[1] - step[0]) / 2),
        float(step[-1] + (step[-1] - step[-2]) / 2),
    )


def _lag_axis(shown: _Shown, top: float) -> Json:
    gap = float(shown.lag[1] - shown.lag[0]) / 2 if len(shown.lag) > 1 else 0.5
    return {
        "title": {"text": "lag k: steps back from the loss"},
        "range": [float(shown.lag[0]) - gap, float(shown.lag[-1]) + gap],
        "domain": [0, top],
        "tickformat": "d",
        "showgrid": False,
        **({"dtick": 1} if shown.longest <= 7 else {"nticks": 6}),
    }


def _half_life(shown: _Shown) -> list[Json]:
    """A white line with a dark edge, which no colour of the map hides."""
    drawn = np.isfinite(shown.half_life)
    if not drawn.any():
        return []
    own = {"type": "scatter", "x": shown.step, "y": shown.half_life, "name": "half-life"}
    mode = {"mode": "lines+markers" if len(shown.step) < 30 else "lines"}
    hover = {"hovertemplate": "step %{x}: half-life %{y:.3g} steps<extra></extra>"}
    return [
        own
        | mode
        | {"line": {"color": _CASING, "width": 4.5}, "hoverinfo": "skip"}
        | {"name": "edge of the half-life", "marker": {"size": 7, "color": _CASING}},
        own
        | mode
        | hover
        | {"line": {"color": _LINE, "width": 2.5}}
        | {"marker": {"size": 5, "color": _LINE}},
    ]


def _label(shown: _Shown, palette: Palette) -> list[Json]:
    """The line's name, where it is in the picture and has most room."""
    inside = np.isfinite(shown.half_life) & (shown.half_life <= shown.lag[-1])
    if not inside.any():
        return []
    found = np.flatnonzero(inside)
    at = int(found[len(found) // 2])
    left = at < len(shown.step) / 2
    high = shown.half_life[at] > shown.lag[-1] / 2
    return [
        {
            "text": "half-life",
            "font": {"size": SMALL, "color": palette.ink},
            "bgcolor": palette.veil,
            "x": int(shown.step[at]),
            "xref": "x",
            "xanchor": "left" if left else "right",
            "y": float(shown.half_life[at]),
            "yref": "y",
            "yanchor": "top" if high else "bottom",
            "yshift": -8 if high else 8,
        }
    ]


def _cased(lines: list[Json], width: float) -> list[Json]:
    """Upright lines with an edge of the other colour, so that they are seen on dark and bright."""
    edge, inside = {"color": _CASING, "width": 2 * width}, {"color": _LINE, "width": width}
    return [line | {"line": line["line"] | own} for own in (edge, inside) for line in lines]


def _empty(theme: Theme, caption: str) -> go.Figure:
    note = {"text": "no moment yet", "x": 0.5, "y": 0.5, "xref": "paper", "yref": "paper"}
    yaxis = {"title": {"text": "lag k: steps back from the loss"}, "range": [0, 1]}
    bare = {"showticklabels": False, "showgrid": False}
    axes = {"xaxis": steps_axis((0.0, 1.0)) | bare, "yaxis": yaxis | bare}
    layout = {**axes, "annotations": [note]}
    alt_text = "An empty picture: no moment recorded yet."
    words = Words(QUESTION, "Nothing recorded yet.", HOW_TO_READ, alt_text, NAME)
    return framed([], layout, words, height=HEIGHT, theme=theme, caption=caption)
