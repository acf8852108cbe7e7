"""How does the loss change with one weight?"""

import numpy as np
import plotly.graph_objects as go

from rnnviz.arrays import Array
from rnnviz.diagnostics import LossSurface
from rnnviz.figures.descent import (
    Arrow,
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
from rnnviz.figures.frame import Json, Words, framed
from rnnviz.figures.labels import placed
from rnnviz.figures.lines import Area, Curve, measured, theory
from rnnviz.figures.marks import WORDS, edge_marks, edge_notes, kinds
from rnnviz.figures.norms import log_axis
from rnnviz.figures.text import count, mantissa_exponent, short
from rnnviz.figures.theme import PALETTES, Palette, Theme

QUESTION = "How does the loss change with one weight?"
HOW_TO_READ = (
    "The thick line is the loss of the same network with one weight, or one direction of all its "
    "weights, moved to each place. The thin broken line is the slope that backpropagation finds "
    "at the circle: all that gradient descent knows of the loss.\n\n"
    "The arrow is how far one step of descent moves along this axis, drawn at the height it "
    "starts from. Where the slope is steep only near the circle, the step overshoots by far; "
    "clipping shortens the gradient of all weights together and keeps its direction."
)
HEIGHT = 300
_LOG_FROM = 1000
"""A largest loss so many times the median is drawn on a log axis."""


def loss_slice(result: LossSurface, *, theme: Theme = "light", caption: str = "") -> go.Figure:
    """The loss along one axis, the slope at the step's start, and the step.

    Raises
    ------
    ValueError
        If the surface has not one axis.
    """
    if len(result.axes) != 1:
        raise ValueError(f"a loss slice is drawn over 1 axis, got {len(result.axes)}")
    palette, log = PALETTES[theme], on_log_axis(result)
    x, y = result.values[0], _heights(result.loss, log)
    area = Area((float(x[0]), float(x[-1])), _range(y), HEIGHT)
    curve = Curve(x, y, "loss", palette.measured)
    slope = _slope(result, area, log, palette)
    traces, steps, hidden = _steps(result, area, log, palette)
    notes, levels = edge_notes(kinds(y), _edge_words, area)
    hidden_at = [14.0 + 15 * n for n in range(len(hidden))]
    known = [c for c in (*steps, curve, slope) if np.isfinite(c.y).any()]
    labels = placed(known, area, "y", palette, [*levels, *hidden_at])
    yaxis = log_axis(area.y, "loss L") if log else {"title": {"text": "loss L"}, "nticks": 6}
    layout = {
        "xaxis": {
            "title": {"text": axis_title(result.axes[0])},
            "range": list(area.x),
            "nticks": 6,
            "showgrid": False,
        },
        "yaxis": yaxis | {"range": list(area.y)},
        "annotations": [*labels, *notes, *_corner(hidden, palette)],
        "hovermode": "x",
    }
    data = [_line(curve, result), theory(slope), *edge_marks(x, y, area.y, "y", "at"), *traces]
    words = Words(QUESTION, subtitle(result), HOW_TO_READ, alt(result), "loss-slice")
    return framed(data, layout, words, height=HEIGHT, theme=theme, caption=caption)


def on_log_axis(result: LossSurface) -> bool:
    """Whether the loss has too many sizes for a linear axis."""
    finite = result.loss[np.isfinite(result.loss)]
    with np.errstate(all="ignore"):
        return bool(len(finite) and finite.max() > _LOG_FROM * np.median(finite))


def subtitle(result: LossSurface) -> str:
    """What was moved, the slope, and how long the step is."""
    axis = "; log axis" if on_log_axis(result) else ""
    return (
        f"The loss L over {plain_axis(result.axes[0])}{axis}. "
        f"{step_words(result)}{left_out(result)}"
    )


def alt(result: LossSurface) -> str:
    """What the picture shows, for those who do not see it."""
    finite = result.loss[np.isfinite(result.loss)]
    ends = f" from {finite.min():.3g} to {finite.max():.3g}" if len(finite) else ""
    return (
        f"Line of the loss{ends} at {result.passes:,} points over {plain_axis(result.axes[0])}; "
        f"the slope at the start of the step is {result.step.slope[0]:.3g}. "
        f"{step_words(result)}{left_out(result)}"
    )


def _heights(loss: Array, log: bool) -> Array:
    with np.errstate(all="ignore"):
        return np.asarray(np.log10(loss)) if log else loss.astype(np.float64)


def _range(y: Array) -> tuple[float, float]:
    finite = y[np.isfinite(y)]
    if not len(finite):
        return -1.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    margin = 0.08 * (high - low) or 0.1 * abs(high) or 1.0
    return low - margin, high + margin


def _slope(result: LossSurface, area: Area, log: bool, palette: Palette) -> Curve:
    """The tangent where it is in the picture, densest at the start, for it may be steep."""
    near = np.geomspace(1e-9, 2, 241) * (area.x[1] - area.x[0])
    offset = result.step.start[0] + np.concatenate([-near[::-1], [0.0], near])
    x = result.centre[0] + offset
    y = _heights(np.maximum(result.tangent(offset), 0) if log else result.tangent(offset), log)
    low, high = area.y
    with np.errstate(all="ignore"):
        seen = (x >= area.x[0]) & (x <= area.x[1]) & (y >= low) & (y <= high)
    text = f"slope {short(float(result.step.slope[0]))} by BPTT"
    return Curve(x[seen], y[seen], text, palette.fit, "dash")


def _steps(
    result: LossSurface, area: Area, log: bool, palette: Palette
) -> tuple[list[Json], list[Curve], list[str]]:
    """The arrows with the circle, what stands at them, and words for those that cannot be seen."""
    height = float(_heights(np.array([result.step.loss]), log)[0])
    at = np.array(result.centre) + result.step.start
    traces: list[Json] = []
    curves: list[Curve] = []
    hidden: list[str] = []
    for arrow in arrows(result.step, palette):
        if not drawn(arrow, (area.x,)) or not np.isfinite(height):
            hidden.append(why_none(arrow, result.step).replace("<br>", " "))
            continue
        end, leaves = cut(at, arrow.move, (area.x,))
        traces += arrow_traces([at[0], end[0]], [height, height], arrow, palette)
        ends, text = np.sort([at[0], end[0]]), _words(arrow, leaves)
        curves.append(Curve(ends, np.array([height, height]), text, arrow.colour))
    circle = {"size": 11, "color": palette.ink, "line": {"color": palette.paper, "width": 2}}
    place = {"x": [at[0]], "y": [height], "marker": circle, "hoverinfo": "skip"}
    if np.isfinite(height):
        traces.append({"type": "scatter", "mode": "markers", "name": "start of the step"} | place)
    return traces, curves, hidden


def _words(arrow: Arrow, leaves: bool) -> str:
    beyond = ", beyond the edge" if leaves else ""
    return f"{arrow.name}: {short(float(arrow.move[0]))}{beyond}"


def _corner(lines: list[str], palette: Palette) -> list[Json]:
    corner = {"x": 0.01, "xref": "paper", "xanchor": "left", "y": 0.02, "yref": "paper"}
    look = {"yanchor": "bottom", "text": "<br>".join(lines), "bgcolor": palette.veil}
    return [corner | look] if lines else []


def _line(curve: Curve, result: LossSurface) -> Json:
    with np.errstate(all="ignore"):
        mantissa, exponent = mantissa_exponent(np.log10(result.loss))
    return measured(curve) | {
        "customdata": np.stack([mantissa, exponent], axis=1),
        "hovertemplate": (
            "%{x:.4g}: L = %{customdata[0]:.2f}×10<sup>%{customdata[1]}</sup><extra></extra>"
        ),
    }


def _edge_words(kind: str, at: Array) -> str:
    return f"{WORDS[kind]} at {count(len(at), 'point')}"
