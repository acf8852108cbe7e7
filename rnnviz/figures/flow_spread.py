"""Whose gradient reaches how far back?"""

from collections.abc import Callable, Mapping

import numpy as np
import plotly.graph_objects as go

from rnnviz.arrays import Array
from rnnviz.diagnostics import Spread
from rnnviz.figures.frame import Json, Words, framed
from rnnviz.figures.labels import placed
from rnnviz.figures.lines import Area, Curve, measured
from rnnviz.figures.marks import WORDS, edge_marks, edge_notes, kinds
from rnnviz.figures.norms import log_axis, log_range, time_ticks
from rnnviz.figures.text import count, escaped, mantissa_exponent, plain
from rnnviz.figures.theme import PALETTES, Palette, Theme, run_colour

QUESTION = "Whose gradient reaches how far back?"
HOW_TO_READ = (
    "Each colour is one network, the same on every picture of the page. The loss is at the left, "
    "and each step to the right is one step further back in time. The axis counts powers of ten, "
    "so a straight line is a constant factor per step, and the flatter line reaches farther.\n\n"
    "With several seeds the line is their median at each lag and the band goes from the smallest "
    "to the largest: where two bands overlap, the seed matters more than the network."
)
HEIGHT = 320


def flow_spread(
    runs: Mapping[str, tuple[int, Spread]], *, theme: Theme = "light", caption: str = ""
) -> go.Figure:
    """The gradient's norm by lag of several networks, with a band over the seeds.

    Parameters
    ----------
    runs : by its name, each network's number, which decides its colour, and its spread
    """
    palette = PALETTES[theme]
    curves = [
        Curve(found.lag, found.median, escaped(name), _colour(number, palette))
        for name, (number, found) in runs.items()
    ]
    edges = [edge for _, found in runs.values() for edge in (found.low, found.high)]
    y_range = log_range(np.concatenate(edges))
    most = max(len(curve.x) for curve in curves)
    area = Area((-0.5, most - 0.5), y_range, HEIGHT)
    data = [
        trace
        for curve, (_, found) in zip(curves, runs.values(), strict=True)
        for trace in _band(found, curve, y_range)
    ]
    notes: list[Json] = []
    levels: list[float] = []
    for curve in curves:
        data.append(_line(curve))
        data += edge_marks(curve.x, curve.y, y_range, "y", f"{curve.text}, lag")
        if masks := kinds(curve.y):
            told, at = edge_notes(masks, _edge_words(curve.text), area)
            free = [n for n, level in enumerate(at) if level not in levels]
            notes += [told[n] for n in free]
            levels += [at[n] for n in free]
    known = [curve for curve in curves if np.isfinite(curve.y).any()]
    layout = {
        "xaxis": {
            "title": {"text": "lag k: steps back from the loss"},
            "range": list(area.x),
            **time_ticks(most),
            "showgrid": False,
        },
        "yaxis": log_axis(y_range, "norm of the gradient"),
        "annotations": [*placed(known, area, "y", palette, levels), *notes],
        "hovermode": "x",
    }
    words = Words(QUESTION, subtitle(runs), HOW_TO_READ, alt(runs), "gradient-by-lag")
    return framed(data, layout, words, height=HEIGHT, theme=theme, caption=caption)


def subtitle(runs: Mapping[str, tuple[int, Spread]]) -> str:
    """Which derivative, of which loss, and what the bands are."""
    seeds = max(found.count for _, found in runs.values())
    band = f"; median of {seeds} seeds, band from the smallest to the largest" * (seeds > 1)
    return (
        "|∂L/∂s| of the last step's loss by each network's own state, mean over the batch"
        f"{band}; time runs from right to left."
    )


def alt(runs: Mapping[str, tuple[int, Spread]]) -> str:
    """What the picture shows, for those who do not see it."""
    told = [
        f"{name}: from {plain(float(found.median[0]))} at the loss to "
        f"{plain(float(found.median[-1]))} at lag {len(found.median) - 1}"
        for name, (_, found) in runs.items()
    ]
    return (
        f"Lines on a log scale, one for each of {count(len(runs), 'network')}. {'; '.join(told)}."
    )


def _colour(number: int, palette: Palette) -> str:
    return palette.measured if number == 0 else run_colour(number, palette)


def _line(curve: Curve) -> Json:
    mantissa, exponent = mantissa_exponent(curve.y)
    return measured(curve) | {
        "customdata": np.stack([mantissa, exponent], axis=1),
        "hovertemplate": (
            f"lag %{{x}}, {curve.text}: "
            "%{customdata[0]:.2f}×10<sup>%{customdata[1]}</sup><extra></extra>"
        ),
    }


def _band(found: Spread, curve: Curve, y_range: tuple[float, float]) -> list[Json]:
    if found.count == 1:
        return []
    low, high = (np.clip(edge, y_range[0] - 1, y_range[1] + 1) for edge in (found.low, found.high))
    edge = {"type": "scatter", "mode": "lines", "x": found.lag, "hoverinfo": "skip"}
    line = {"line": {"width": 0, "color": curve.colour}, "opacity": 1}
    fill = {"fill": "tonexty", "fillcolor": _thin(curve.colour)}
    names = (f"{curve.text}, smallest", f"{curve.text}, largest")
    return [
        edge | line | {"name": names[0], "y": low},
        edge | line | fill | {"name": names[1], "y": high},
    ]


def _thin(colour: str) -> str:
    red, green, blue = (int(colour[n : n + 2], 16) for n in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.16)"


def _edge_words(name: str) -> Callable[[str, Array], str]:
    def words(kind: str, at: Array) -> str:
        return f"{name}: {WORDS[kind]} at {count(len(at), 'lag')}"

    return words
