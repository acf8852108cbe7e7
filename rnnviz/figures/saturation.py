"""How many units have stopped listening?"""

import numpy as np
import plotly.graph_objects as go

from rnnviz.arrays import Array, Float, Int
from rnnviz.diagnostics import Saturation
from rnnviz.figures.frame import Words, framed
from rnnviz.figures.labels import placed
from rnnviz.figures.lines import Area, Curve, measured
from rnnviz.figures.marks import WORDS, edge_marks, edge_notes, kinds
from rnnviz.figures.norms import time_ticks
from rnnviz.figures.text import count
from rnnviz.figures.theme import PALETTES, Theme

QUESTION = "How many units have stopped listening?"
HOW_TO_READ = (
    "A saturated unit sits at an end of its range, where its slope is nearly 0: it passes "
    "hardly any gradient back, whatever the weights are.\n\n"
    "The blue line is the share of units like that at each step. The other is the root mean "
    "square slope of all units: what a step keeps of the gradient's norm, on average, before "
    "the weights multiply it. A tanh at rest has slope 1, a sigmoid a quarter."
)
HEIGHT = 260


def saturation(result: Saturation, *, theme: Theme = "light", caption: str = "") -> go.Figure:
    """The share of saturated units and the root mean square slope at each step."""
    palette = PALETTES[theme]
    t = np.arange(1, len(result.share) + 1)
    slope = np.sqrt(result.mean_square_slope)
    curves = [
        Curve(t, result.share, "share of saturated units", palette.measured),
        Curve(t, slope, "root mean square slope", palette.other),
    ]
    area = Area((0.5, len(t) + 0.5), (-0.04, _top(slope)), HEIGHT)
    marks = [mark for curve in curves for mark in edge_marks(t, curve.y, area.y, "y", "t =")]
    notes, levels = edge_notes(kinds(slope + result.share), _edge_words, area)
    layout = {
        "xaxis": {
            "title": {"text": "state t, after step t − 1"},
            "range": list(area.x),
            "showgrid": False,
            **time_ticks(len(t)),
        },
        "yaxis": {"title": {"text": "share, slope"}, "range": list(area.y), "nticks": 6},
        "annotations": [*placed(curves, area, "y", palette, levels), *notes],
        "hovermode": "x",
    }
    words = Words(QUESTION, subtitle(result), HOW_TO_READ, alt(result), "saturation")
    hover = {"hovertemplate": "t = %{x}, %{fullData.name}: %{y:.3g}<extra></extra>"}
    data = [measured(curve) | hover for curve in curves] + marks
    return framed(data, layout, words, height=HEIGHT, theme=theme, caption=caption)


def subtitle(result: Saturation) -> str:
    """What counts as saturated, and over what it is taken."""
    return (
        f"Saturated: within {result.margin:.0%} of the range of an end of it. Over all units and "
        "sequences; time runs from left to right."
    )


def alt(result: Saturation) -> str:
    """What the picture shows, for those who do not see it."""
    finite = result.share[np.isfinite(result.share)]
    share = f"from {finite.min():.0%} to {finite.max():.0%}" if len(finite) else "not a number"
    return (
        f"Two lines over {count(len(result.share), 'step')}: the share of saturated units goes "
        f"{share}, and the root mean square slope over all steps is {result.rms_slope:.3g}."
    )


def _top(slope: Float[Array, " T"]) -> float:
    return max(1.0, float(np.max(slope, initial=0, where=np.isfinite(slope)))) * 1.08


def _edge_words(kind: str, at: Int[Array, " N"]) -> str:
    return f"{WORDS[kind]} at {count(len(at), 'state')}"
