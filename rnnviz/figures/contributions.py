"""Which loss, acting through which step, makes the derivative by a parameter?"""

import numpy as np
import plotly.graph_objects as go

from rnnviz.arrays import Array, Int
from rnnviz.diagnostics import Contributions
from rnnviz.figures.frame import Json, Words, every, framed, heading, key, stacked
from rnnviz.figures.magnitudes import magnitudes
from rnnviz.figures.marks import WORDS, cells, cells_note, kinds
from rnnviz.figures.norms import decades, time_ticks
from rnnviz.figures.text import count, ordinal, plain, power
from rnnviz.figures.theme import MAGNITUDE, PALETTES, Palette, Theme

QUESTION = "Through which steps does a loss move the weights?"
HOW_TO_READ = (
    "Each row is the loss of one step; each column is a step at which the weights were used on "
    "the way to it. The colour is how much that use adds to the derivative by the weights.\n\n"
    "Bright along the slanted edge alone: the weights learn only from what was just before each "
    "loss. Light further to the left: they also learn from what was long before it. Norms are "
    "shown, so that what cancels between steps is seen here and not in the sum."
)
HEIGHT = 260
MOST_COLUMNS, MOST_ROWS = 300, 128


def contributions(result: Contributions, *, theme: Theme = "light", caption: str = "") -> go.Figure:
    """What each loss adds to a parameter's derivative at each step."""
    palette = PALETTES[theme]
    height, ((_, top),) = stacked([HEIGHT])
    rows, steps = _drawn(result)
    sources = result.sources[rows]
    acts = steps <= sources[:, None]
    log10 = result.log10_norm[np.ix_(rows, steps)]
    low, high = decades(log10[acts])
    has_loss = np.any(result.log10_norm[rows] != -np.inf, axis=1, keepdims=True)
    masks = kinds(np.where(acts & has_loss, log10, 0))
    place = _place(sources, steps)
    name = result.parameter
    notes = [
        heading(f"log<sub>10</sub> of what is added to ∂L/∂{name}", top),
        key(MAGNITUDE, power(low), power(high), top, palette),
        *cells_note(masks, top, palette),
    ]
    cell = "loss at s = %{y}, step t = %{x}"
    values = magnitudes(np.where(acts, log10, np.nan), low, high, "log10 norm", f"{cell}: ")
    data = [place | values, *cells(masks, place, cell)]
    layout = _axes(result, top, palette) | {"annotations": notes, "hovermode": "closest"}
    words = Words(QUESTION, subtitle(result), HOW_TO_READ, alt(result), "contributions")
    return framed(data, layout, words, height=height, theme=theme, caption=caption)


def subtitle(result: Contributions) -> str:
    """Which derivative, of which losses, and what was left out."""
    rows, steps = _thinned(result)
    parts = [f"|∂Lₛ/∂{result.parameter}| by the step t it acts at, summed over the batch."]
    if result.every > 1:
        parts.append(f"Every {ordinal(result.every)} step's loss was sent back.")
    if rows > 1 or steps > 1:
        parts.append(f"Every {ordinal(rows)} loss and every {ordinal(steps)} step is drawn.")
    return " ".join(parts)


def alt(result: Contributions) -> str:
    """What the picture shows, for those who do not see it."""
    log10 = result.log10_norm
    finite = np.isfinite(log10)
    at = np.unravel_index(int(np.where(finite, log10, -np.inf).argmax()), log10.shape)
    largest = (
        f"the largest is {plain(log10[at])}, of the loss at step {int(result.sources[at[0]])} "
        f"through step {int(at[1])}"
        if finite.any()
        else "none of them is a number above zero"
    )
    found = kinds(np.where(np.isneginf(log10), 0, log10))
    nothing = "".join(f"; {WORDS[kind]} at {int(m.sum()):,}" for kind, m in found.items())
    return (
        f"Triangle of {count(len(result.sources), 'row')} by "
        f"{count(log10.shape[1], 'step')}: what each adds to the derivative by "
        f"{result.parameter}; {largest}{nothing}."
    )


def _thinned(result: Contributions) -> tuple[int, int]:
    """One in how many losses and steps is drawn."""
    rows, steps = result.log10_norm.shape
    return every(rows, MOST_ROWS), every(steps, MOST_COLUMNS)


def _drawn(result: Contributions) -> tuple[Int[Array, " M"], Int[Array, " C"]]:
    rows, steps = result.log10_norm.shape
    by_row, by_step = _thinned(result)
    return np.arange((rows - 1) % by_row, rows, by_row), np.arange(0, steps, by_step)


def _place(sources: Int[Array, " M"], steps: Int[Array, " C"]) -> Json:
    dx, dy = (int(a[1] - a[0]) if len(a) > 1 else 1 for a in (steps, sources))
    return {"type": "heatmap", "x0": int(steps[0]), "dx": dx, "y0": int(sources[0]), "dy": dy}


def _axes(result: Contributions, top: float, palette: Palette) -> Json:
    steps = result.log10_norm.shape[1]
    axis = {"range": [-0.5, steps - 0.5], "showgrid": False, "tickfont": {"color": palette.muted}}
    few = {"dtick": 1} if steps <= 7 else {"nticks": 5}
    return {
        "xaxis": axis | time_ticks(steps) | {"title": {"text": "step t the weights act at"}},
        "yaxis": axis
        | few
        | {"tickformat": "d", "title": {"text": "loss at step s"}, "domain": [0, top]},
    }
