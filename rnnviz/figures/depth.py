"""Which layers does the gradient reach?"""

import plotly.graph_objects as go

from rnnviz.diagnostics import Depth
from rnnviz.figures.frame import (
    LEFT,
    Json,
    Words,
    every,
    framed,
    heading,
    key,
    stacked,
    text_width,
)
from rnnviz.figures.magnitudes import magnitudes
from rnnviz.figures.marks import WORDS, cells, cells_note, kinds
from rnnviz.figures.norms import decades, time_ticks
from rnnviz.figures.text import count, ordinal, plain, power
from rnnviz.figures.theme import MAGNITUDE, PALETTES, SMALL, Palette, Theme

QUESTION = "Which layers does the gradient reach?"
HOW_TO_READ = (
    "Each row is a layer, the one that reads the input at the bottom; each column is a moment. "
    "Bright is a large gradient, dark a small one; from one colour of the key to the next it is "
    "the same factor.\n\n"
    "The gradient starts at the loss, in the top layer, and travels to the left through time and "
    "down through the layers at once. A row that darkens to the left forgets in time; rows that "
    "darken downwards lose it in depth. In a layer that reads in reverse the gradient travels to "
    "the right: its states are drawn where they lie in time."
)
ROW_HEIGHT, LEAST_HEIGHT = 44, 56
MOST_COLUMNS = 600


def depth(result: Depth, *, theme: Theme = "light", caption: str = "") -> go.Figure:
    """The gradient's norm in every layer at every state."""
    palette = PALETTES[theme]
    height, ((_, top),) = stacked([max(LEAST_HEIGHT, ROW_HEIGHT * len(result.names))])
    step = every(len(result.t), MOST_COLUMNS)
    states = result.t[(len(result.t) - 1) % step :: step]
    log10 = result.log10_norm[:, states]
    low, high = decades(log10)
    place = {"type": "heatmap", "x0": int(states[0]), "dx": step, "y": list(result.names)}
    masks = kinds(log10)
    notes = [
        heading("log<sub>10</sub> |∂L/∂s<sub>t</sub>|", top),
        key(MAGNITUDE, power(low), power(high), top, palette),
        *cells_note(masks, top, palette),
    ]
    layout = {**_axes(result, top, palette), "annotations": notes, "hovermode": "closest"}
    cell = "%{y}, t = %{x}"
    values = magnitudes(log10, low, high, "log10 |∂L/∂s|", f"{cell}: |∂L/∂s| = ")
    data = [place | values | {"ygap": 2}, *cells(masks, place, cell)]
    words = Words(QUESTION, subtitle(result), HOW_TO_READ, alt(result), "depth-by-time")
    widest = max(text_width(name, SMALL) for name in result.names)
    left = max(LEFT, int(widest) + 30)
    return framed(data, layout, words, height=height, theme=theme, caption=caption, left=left)


def subtitle(result: Depth) -> str:
    """Which derivative, of which loss, and what was left out."""
    loss = (
        f"the loss at t = {result.loss_state} alone"
        if result.source == "last"
        else "the whole loss"
    )
    step = every(len(result.t), MOST_COLUMNS)
    left_out = f" Every {ordinal(step)} state is drawn." if step > 1 else ""
    return (
        f"|∂L/∂sₜ| of {loss}, by the whole state of each layer, mean of "
        f"{count(result.batch_size, 'sequence')}.{left_out}"
    )


def alt(result: Depth) -> str:
    """What the picture shows, for those who do not see it."""
    rows = [
        f"{name} from {plain(row[result.loss_state])} at t = {result.loss_state} to "
        f"{plain(row[0])} at t = 0"
        for name, row in zip(result.names, result.log10_norm, strict=True)
    ]
    nothing = [f"{WORDS[k]} at {int(m.sum()):,}" for k, m in kinds(result.log10_norm).items()]
    places = f" Of {result.log10_norm.size:,} norms: {', '.join(nothing)}." if nothing else ""
    return f"Heatmap of the gradient's norm, a row for each layer: {'; '.join(rows)}.{places}"


def _axes(result: Depth, top: float, palette: Palette) -> Json:
    return {
        "xaxis": {
            "title": {"text": "time step t"},
            "range": [-0.5, float(result.t[-1]) + 0.5],
            **time_ticks(len(result.t)),
            "showgrid": False,
        },
        "yaxis": {
            "title": {"text": "layer"},
            "type": "category",
            "tickangle": 0,
            "domain": [0, top],
            "fixedrange": True,
            "showgrid": False,
            "tickfont": {"size": SMALL, "color": palette.muted},
        },
    }
