"""Where are the walls in the loss?"""

import numpy as np
import plotly.graph_objects as go

from rnnviz.arrays import Array
from rnnviz.diagnostics import LossSurface
from rnnviz.figures.descent import (
    Arrow,
    Box,
    arrow_traces,
    arrows,
    axis_title,
    cut,
    drawn,
    left_out,
    plain_axis,
    step_words,
    why_none,
)
from rnnviz.figures.frame import Json, Words, compact, framed, heading, key, stacked
from rnnviz.figures.magnitudes import magnitudes
from rnnviz.figures.marks import cells, cells_note, kinds
from rnnviz.figures.text import short
from rnnviz.figures.theme import MAGNITUDE, PALETTES, Palette, Theme

QUESTION = "Where are the walls in the loss?"
HOW_TO_READ = (
    "Each point is the same network with two of its weights, or two directions of all its "
    "weights, moved to that place; the colour is its loss, bright where it is large. Thin lines "
    "join places of equal loss: where they crowd, the loss is steep.\n\n"
    "An arrow is one step of gradient descent, from the circle. At a wall the gradient is as "
    "large as the wall is steep, and a step in proportion to it is thrown far out of the "
    "picture. Clipping shortens the gradient and keeps its direction: the step stays near.\n\n"
    "The arrow stands at right angles to the thin lines only where both axes have the same scale "
    "on the screen. Where it is short, most of the step goes in other directions than these two."
)
HEIGHT = 380
_LINES = 9
"""Lines of equal loss."""
_FLOOR = 0.01
"""The share of the smallest losses that may lie below the key."""
_NEAR = 0.35
"""A label this near to a side, as a share of the width, is written away from it."""
_TOP = 0.8
"""A label above this share of the height is written below its arrow."""


def loss_surface(result: LossSurface, *, theme: Theme = "light", caption: str = "") -> go.Figure:
    """The loss over two axes, and the step of descent with and without clipping.

    Raises
    ------
    ValueError
        If the surface has not two axes.
    """
    if len(result.axes) != 2:
        raise ValueError(f"a loss surface is drawn over 2 axes, got {len(result.axes)}")
    palette = PALETTES[theme]
    height, ((_, top),) = stacked([HEIGHT])
    with np.errstate(all="ignore"):
        log10 = np.log10(result.loss.T)
    low, high = _range(log10)
    place: Json = {"x": result.values[0], "y": result.values[1]}
    box = _box(result)
    masks = kinds(log10)
    cell = "(%{x:.4g}, %{y:.4g})"
    values = magnitudes(log10, low, high, "log10 loss", f"{cell}: L = ")
    data = [place | values, *_lines(log10, place, low, high, palette)]
    data += cells(masks, place, cell)
    traces, labels = _steps(result, box, palette)
    notes = [
        heading("log<sub>10</sub> L", top),
        key(MAGNITUDE, f"≤ {short(10.0**low)}", short(10.0**high), top, palette),
        *cells_note(masks, top, palette),
        *labels,
    ]
    layout = {
        "xaxis": _axis(axis_title(result.axes[0]), box[0]),
        "yaxis": _axis(axis_title(result.axes[1]), box[1]) | {"domain": [0, top]},
        "annotations": notes,
        "hovermode": "closest",
    }
    words = Words(QUESTION, subtitle(result), HOW_TO_READ, alt(result), "loss-surface")
    return framed(data + traces, layout, words, height=height, theme=theme, caption=caption)


def subtitle(result: LossSurface) -> str:
    """What was moved, and how long the step is."""
    first, second = (plain_axis(axis) for axis in result.axes)
    return f"The loss L over {first} and {second}. {step_words(result)}{left_out(result)}"


def alt(result: LossSurface) -> str:
    """What the picture shows, for those who do not see it."""
    first, second = (plain_axis(axis) for axis in result.axes)
    finite = result.loss[np.isfinite(result.loss)]
    ends = f" from {finite.min():.3g} to {finite.max():.3g}" if len(finite) else ""
    return (
        f"Heatmap of the loss{ends} at {result.passes:,} points over {first} and {second}, with "
        f"one step of gradient descent. {step_words(result)}{left_out(result)}"
    )


def _lines(log10: Array, place: Json, low: float, high: float, palette: Palette) -> list[Json]:
    """Lines of equal loss, equal factors apart; none where the loss is flat."""
    size = (high - low) / (_LINES + 1)
    if not np.isfinite(log10).any() or size < np.finfo(np.float32).eps:
        return []
    contours = {"coloring": "none", "start": low + size, "end": high - size / 2, "size": size}
    line = {"color": palette.veil, "width": 0.8, "smoothing": 0}
    look = {"contours": contours, "line": line, "autocontour": False, "showscale": False}
    own = {"type": "contour", "name": "equal loss", "z": compact(log10), "hoverinfo": "skip"}
    return [place | own | look]


def _steps(result: LossSurface, box: Box, palette: Palette) -> tuple[list[Json], list[Json]]:
    """Arrows and circle, and what stands at them."""
    at = np.array(result.centre) + result.step.start
    traces: list[Json] = []
    notes: list[Json] = []
    hidden: list[str] = []
    for arrow in arrows(result.step, palette):
        if not drawn(arrow, box):
            hidden.append(why_none(arrow, result.step))
            continue
        end, leaves = cut(at, arrow.move, box)
        traces += arrow_traces([at[0], end[0]], [at[1], end[1]], arrow, palette)
        if arrow.name == "without clipping":
            notes.append(_at_end(arrow, end, leaves, box, palette))
        else:
            text = f"{arrow.name}:<br>{short(arrow.length)} long"
            text += ",<br>beyond the edge" if leaves else ""
            notes.append(_behind(text, arrow.move, at, box, arrow.colour, palette))
    if hidden:
        towards = -result.step.slope if len(notes) < 1 else result.step.slope
        notes.append(_behind("<br>".join(hidden), -towards, at, box, palette.ink, palette))
    return [*traces, *_marks(result, at, palette)], notes


def _marks(result: LossSurface, at: Array, palette: Palette) -> list[Json]:
    mark = {"type": "scatter", "mode": "markers"}
    line = {"color": palette.paper, "width": 2}
    circle = {"symbol": "circle", "size": 11, "color": palette.ink, "line": line}
    name = "the network" if not result.step.start.any() else "start of the step"
    hover = f"{name}, (%{{x:.4g}}, %{{y:.4g}}): L = {result.step.loss:.3g}<extra></extra>"
    found = [
        mark | {"name": name, "x": [at[0]], "y": [at[1]], "marker": circle, "hovertemplate": hover}
    ]
    if result.step.start.any():
        cross = circle | {"symbol": "cross"}
        where = {"x": [result.centre[0]], "y": [result.centre[1]], "marker": cross}
        hover = "the network, (%{x:.4g}, %{y:.4g})<extra></extra>"
        found.append(mark | where | {"name": "the network", "hovertemplate": hover})
    return found


def _at_end(arrow: Arrow, end: Array, leaves: bool, box: Box, palette: Palette) -> Json:
    """At the head of an arrow, beside its line and inside the picture."""
    across, up = _shares(end, box)
    spans = np.array([high - low for low, high in box])
    steep = abs(arrow.move[1] / spans[1]) > abs(arrow.move[0] / spans[0])
    text = f"{arrow.name}:<br>{short(arrow.length)} long" + (
        ",<br>beyond the edge" if leaves else ""
    )
    if steep:
        x, y = ("left" if across < 0.5 else "right"), ("top" if up > 0.5 else "bottom")
        shift = {"xshift": 12 if x == "left" else -12}
    else:
        below = up > _TOP or (arrow.move[1] <= 0 and up > 1 - _TOP)
        x, y = ("right" if across > 0.5 else "left"), ("top" if below else "bottom")
        shift = {"yshift": -10 if y == "top" else 10}
    return _note(text, end, x, y, arrow.colour, palette) | shift


def _behind(text: str, move: Array, at: Array, box: Box, colour: str, palette: Palette) -> Json:
    """At the start of an arrow, on the side that it does not go to."""
    across, _ = _shares(at, box)
    x = "left" if across < _NEAR else "right" if across > 1 - _NEAR else ""
    x = x or ("right" if move[0] > 0 else "left")
    y = "top" if move[1] > 0 else "bottom"
    shift = {"xshift": -10 if x == "right" else 10, "yshift": -10 if y == "top" else 10}
    return _note(text, at, x, y, colour, palette) | shift


def _note(text: str, at: Array, x: str, y: str, colour: str, palette: Palette) -> Json:
    place = {"x": at[0], "y": at[1], "xanchor": x, "yanchor": y, "bgcolor": palette.veil}
    return place | {"text": text, "align": x, "font": {"color": colour}}


def _shares(at: Array, box: Box) -> tuple[float, float]:
    across, up = (float((v - low) / (high - low)) for v, (low, high) in zip(at, box, strict=True))
    return across, up


def _axis(title: str, ends: tuple[float, float]) -> Json:
    return {"title": {"text": title}, "range": list(ends), "nticks": 6, "showgrid": False}


def _box(result: LossSurface) -> Box:
    """The grid, and half a cell around it."""
    halves = [(values[1] - values[0]) / 2 for values in result.values]
    return tuple(
        (float(values[0] - half), float(values[-1] + half))
        for values, half in zip(result.values, halves, strict=True)
    )


def _range(log10: Array) -> tuple[float, float]:
    """Between which nearly all of the finite losses lie."""
    finite = np.sort(log10[np.isfinite(log10)])
    if not len(finite):
        return -1.0, 0.0
    low, high = float(finite[int(_FLOOR * len(finite))]), float(finite[-1])
    return low, max(high, low + 1e-6)
