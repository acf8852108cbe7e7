"""Which way does the gradient travel?"""

from collections.abc import Iterator

import numpy as np
import plotly.graph_objects as go

from rnnviz.arrays import Array
from rnnviz.diagnostics import Roads
from rnnviz.figures.frame import Json, Words, framed
from rnnviz.figures.labels import placed
from rnnviz.figures.lines import Area, Curve, measured
from rnnviz.figures.marks import WORDS, edge_marks, edge_notes, kinds
from rnnviz.figures.norms import LEAST_DECADES, log_axis, roomy, time_ticks
from rnnviz.figures.text import count, mantissa_exponent, plain
from rnnviz.figures.theme import PALETTES, Palette, Theme

QUESTION = "Which way does the gradient travel?"
HOW_TO_READ = (
    "A gated cell has two roads back through time. On the highway the gradient is only "
    "multiplied by one gate at each step: the forget gate of an LSTM, the update gate of a GRU. "
    "On every other way it passes gates and weights, at least once. The lines are how large what "
    "came by each is, at each step back from the loss; the axis counts powers of ten.\n\n"
    "Where the highway lies on the total, it decides: the cell holds its gradient as long as "
    "that gate stays near 1, and loses it by the gate's value at each step where it does not. "
    "Where the highway falls away below, what is left has come through the weights, and they "
    "decide, as in a cell without gates. The roads add up as vectors: where they work against "
    "each other, one may lie above the total."
)
HEIGHT = 300
_ROOM = 1.5
"""How far below the total the roads may widen the axis, as a share of what the total spans."""


def roads(result: Roads, *, theme: Theme = "light", caption: str = "") -> go.Figure:
    """The gradient in all, what came the highway alone, and the rest, on a log axis."""
    palette = PALETTES[theme]
    curves = list(_curves(result, palette))
    ends = float(result.t.min()), float(result.t.max())
    area = Area((ends[0] - 0.5, ends[1] + 0.5), _range(result), HEIGHT)
    masks = kinds(curves[0].y)
    notes, levels = edge_notes(masks, _edge_words, area)
    visible = [curve for curve in curves if np.isfinite(curve.y).any()]
    layout = {
        "xaxis": {
            "title": {"text": "time step t"},
            "range": list(area.x),
            **time_ticks(len(result.t)),
            "showgrid": False,
        },
        "yaxis": log_axis(area.y, f"|∂L/∂{result.part}<sub>t</sub>|"),
        "annotations": [*placed(visible, area, "y", palette, levels), *notes],
        "hovermode": "x",
    }
    data = [_line(curve, result, 3.0 if curve is curves[0] else 2.25) for curve in curves[::-1]]
    data += edge_marks(curves[0].x, curves[0].y, area.y, "y", "t =")
    words = Words(QUESTION, subtitle(result), HOW_TO_READ, alt(result), "roads")
    return framed(data, layout, words, height=HEIGHT, theme=theme, caption=caption)


def subtitle(result: Roads) -> str:
    """Which derivative, of which loss, and which way it travels."""
    part = "cₜ as it is handed on, hₜ held still" if result.part == "c" else f"{result.part}ₜ"
    way = "left to right" if len(result.t) > 1 and result.t[1] > result.t[0] else "right to left"
    return (
        f"∂L/∂{part}, of the loss at one step alone, in {result.layer}; mean of "
        f"{count(result.batch_size, 'sequence')}; the gradient travels from {way}."
    )


def alt(result: Roads) -> str:
    """What the picture shows, for those who do not see it."""
    last = result.lag[-1]
    share = result.share[-1]
    known = f", {share:.3g} times the total" if np.isfinite(share) else ""
    nothing = [
        f"{WORDS[k]} at {count(int(m.sum()), 'lag')}" for k, m in kinds(result.total).items()
    ]
    places = f" The total is {', '.join(nothing)}." if nothing else ""
    return (
        f"Three lines over time on a log scale. The gradient's norm is {plain(result.total[0])} "
        f"at lag 0 and {plain(result.total[-1])} at lag {last}; what came the highway alone is "
        f"{plain(result.highway[-1])} there{known}, and what passed gates and weights "
        f"{plain(result.rest[-1])}.{places}"
    )


def _curves(result: Roads, palette: Palette) -> Iterator[Curve]:
    """From left to right, as labels are placed."""
    order = np.argsort(result.t)
    t = result.t[order]
    yield Curve(t, result.total[order], "total", palette.measured)
    text = f"highway alone{_zeros(result.highway)}"
    yield Curve(t, result.highway[order], text, palette.other)
    text = f"through gates and weights{_zeros(result.rest)}"
    yield Curve(t, result.rest[order], text, palette.bound)


def _zeros(log10: Array) -> str:
    """Of a road, in its label: where it has nothing to draw."""
    missing = int((~np.isfinite(log10)).sum())
    return f" (0 at {count(missing, 'lag')})" if missing > 2 else ""


def _line(curve: Curve, result: Roads, width: float) -> Json:
    mantissa, exponent = mantissa_exponent(curve.y)
    dash = {"dash": "dash"} if curve.text.startswith("highway") else {}
    line = measured(curve, width=width)
    return line | {
        "line": line["line"] | dash,
        "customdata": np.stack([mantissa, exponent, result.lag[np.argsort(result.t)]], axis=1),
        "hovertemplate": (
            f"t = %{{x}}, lag %{{customdata[2]}}, {curve.text.partition(' (')[0]}: "
            "%{customdata[0]:.2f}×10<sup>%{customdata[1]}</sup><extra></extra>"
        ),
    }


def _range(result: Roads) -> tuple[float, float]:
    """All of the total, and some of the roads: a road far below leaves the picture at its edge."""
    total = result.total[np.isfinite(result.total)]
    every = np.concatenate([result.total, result.highway, result.rest])
    finite = every[np.isfinite(every)]
    if not len(finite):
        return -1.0, 1.0
    base = total if len(total) else finite
    low, high = float(base.min()), float(finite.max())
    room = _ROOM * max(high - low, LEAST_DECADES)
    low = max(float(finite.min()), low - room)
    return roomy(low, high)


def _edge_words(kind: str, at: Array) -> str:
    return f"{WORDS[kind]} at {count(len(at), 'state')}"
