"""Which step's loss reaches which state?"""

from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from rnnviz.arrays import Array, Float, Int
from rnnviz.diagnostics import Itemized
from rnnviz.figures.frame import (
    AXIS_HEIGHT,
    Json,
    Words,
    every,
    framed,
    heading,
    key,
    stacked,
)
from rnnviz.figures.lines import Area
from rnnviz.figures.magnitudes import magnitudes
from rnnviz.figures.marks import WORDS, cells, cells_note, edge_marks, edge_notes, kinds
from rnnviz.figures.norms import decades, log_axis, time_ticks
from rnnviz.figures.source_bars import band_bars, scale_of, state_bars, state_heading
from rnnviz.figures.text import count, ordinal, plain, power, whole_state
from rnnviz.figures.theme import MAGNITUDE, PALETTES, SOURCES, Palette, Theme

QUESTION = "Which step's loss reaches which state?"
HOW_TO_READ = (
    "Each row of the triangle is the loss of one step, travelling back by itself; each column is "
    "a state it passes. It starts at the slanted edge, where the loss is, and goes to the left. "
    "Bright is a large gradient, dark a small one. Right of the edge there is nothing: no loss is "
    "felt by a later state.\n\n"
    "A row that goes dark at once is a loss that teaches nothing about the distant past, however "
    "large the gradient of the whole loss is there. Look down one column: does what arrives at a "
    "state come from the losses just ahead of it alone?\n\n"
    "The bars below add the rows up by groups of losses. The last row of bars is one state by "
    "itself, a bar for each loss; point at a column of the triangle to see that state. The norms "
    "are added up, not the gradients: what cancels between losses is counted here."
)
HEIGHT, BARS = 320, 110
MOST_COLUMNS, MOST_ROWS = 300, 128


@dataclass(frozen=True)
class _Shown:
    """What of the triangle is drawn."""

    result: Itemized
    rows: Int[Array, " M"]
    """Of the result: the last source is always among them."""
    states: Int[Array, " C"]
    log10: Float[Array, "M C"]
    relative: bool

    @property
    def sources(self) -> Int[Array, " M"]:
        return self.result.sources[self.rows]

    @property
    def may_flow(self) -> Array:
        """Where a loss may be felt, of the losses that there are."""
        has_loss: Array = np.any(self.result.log10_norm[self.rows] != -np.inf, axis=1)
        if not has_loss.any():
            has_loss[:] = True
        felt: Array = has_loss[:, None] & (self.states <= self.sources[:, None] + 1)
        return felt


def itemized(
    result: Itemized,
    *,
    at: int = 0,
    relative: bool = False,
    theme: Theme = "light",
    caption: str = "",
) -> go.Figure:
    """The triangle of losses by states, sums over groups of losses, and the losses at one state.

    Parameters
    ----------
    at : the state whose bars are drawn until the cursor is on another
    relative : divide each norm by what all of them add up to at the state
    """
    palette = PALETTES[theme]
    shown = _shown(result, relative)
    whole, domains = stacked([HEIGHT, BARS + AXIS_HEIGHT, BARS])
    low, high = decades(shown.log10[shown.may_flow])
    masks = kinds(np.where(shown.may_flow, shown.log10, 0))
    top = domains[0][1]
    scale = scale_of(result, relative)
    notes = [
        heading(state_heading(int(_nearest(shown.states, at)), relative), domains[2][1]),
        heading(_title(relative), top),
        key(MAGNITUDE, power(low), power(high), top, palette),
        *cells_note(masks, top, palette),
        heading(scale.title, domains[1][1]),
        key(SOURCES, f"s = {result.sources[0]}", f"{result.sources[-1]}", domains[1][1], palette),
    ]
    place = _place(shown)
    sums = Area((0.0, 1.0), (0.0, scale.top), BARS)
    notes += edge_notes(kinds(result.log10_total), _edge_words, sums, "y2")[0]
    data = [
        place | _values(shown, low, high),
        *cells(masks, place, "loss at s = %{y}, t = %{x}"),
        *band_bars(result, scale, "y2"),
        *edge_marks(result.t, result.log10_total, (0.0, scale.top), "y2", "all losses, t ="),
        state_bars(shown.log10, shown.sources, shown.states, at, low, relative, palette),
    ]
    axes = _axes(shown, domains, AXIS_HEIGHT / whole, palette)
    axes["yaxis2"] |= {"range": [0, scale.top], "title": {"text": scale.axis}}
    axes["yaxis3"] |= log_axis((low, high), "share" if relative else "norm")
    layout = {**axes, "annotations": notes, "hovermode": "closest", "barmode": "stack"}
    words = Words(QUESTION, subtitle(result, relative), HOW_TO_READ, alt(result), "itemized")
    return framed(data, layout | {"bargap": 0}, words, height=whole, theme=theme, caption=caption)


def subtitle(result: Itemized, relative: bool = False) -> str:
    """Which derivative, of which loss, and what was left out."""
    by = whole_state(result.parts)
    parts = [
        f"|∂Lₛ/∂{by}| in {result.layer}, of the loss at each step s alone; mean of "
        f"{count(result.batch_size, 'sequence')}; gradients travel from right to left."
    ]
    if relative:
        parts.append("Relative: each norm over what all of them add up to at its state.")
    if result.every > 1:
        parts.append(f"Every {ordinal(result.every)} step's loss was sent back.")
    rows, columns = _steps(result)
    if rows > 1 or columns > 1:
        left = [f"every {ordinal(rows)} of these losses"] if rows > 1 else []
        left += [f"every {ordinal(columns)} state"] if columns > 1 else []
        parts.append(f"The triangle draws {' and '.join(left)}.")
    silent = int(np.isneginf(result.log10_norm).all(axis=1).sum())
    if silent:
        parts.append(f"{count(silent, 'step')} of {len(result.sources):,} without a loss.")
    return " ".join(parts)


def alt(result: Itemized) -> str:
    """What the picture shows, for those who do not see it."""
    has_loss = np.flatnonzero(~np.isneginf(result.log10_norm).all(axis=1))
    row = int(has_loss[-1]) if len(has_loss) else len(result.sources) - 1
    source, norms = int(result.sources[row]), result.log10_norm[row]
    felt = np.where(result.lag >= 0, result.log10_norm, 0)[has_loss]
    nothing = [f"{WORDS[k]} at {int(m.sum()):,}" for k, m in kinds(felt).items()]
    places = f" Of the norms before each loss: {', '.join(nothing)}." if nothing else ""
    ends = f"{plain(norms[source + 1])} at t = {source + 1} and {plain(norms[0])} at t = 0"
    return (
        f"Triangle of {count(len(result.sources), 'row')}, a loss each, by {len(result.t):,} "
        f"states, with bars of their sums below. The gradient of the loss at step {source} is "
        f"{ends}.{places}"
    )


def _steps(result: Itemized) -> tuple[int, int]:
    """One in how many sources and states the triangle draws."""
    return every(len(result.sources), MOST_ROWS), every(len(result.t), MOST_COLUMNS)


def _shown(result: Itemized, relative: bool) -> _Shown:
    by_row, by_column = _steps(result)
    rows = np.arange(len(result.sources))[(len(result.sources) - 1) % by_row :: by_row]
    states = result.t[(len(result.t) - 1) % by_column :: by_column]
    log10 = result.log10_share if relative else result.log10_norm
    return _Shown(result, rows, states, log10[np.ix_(rows, states)], relative)


def _place(shown: _Shown) -> Json:
    """A column for each state and a row for each loss."""
    y, x = shown.sources, shown.states
    dx, dy = (int(a[1] - a[0]) if len(a) > 1 else 1 for a in (x, y))
    return {"type": "heatmap", "x0": int(x[0]), "dx": dx, "y0": int(y[0]), "dy": dy}


def _values(shown: _Shown, low: float, high: float) -> Json:
    log10 = np.where(shown.may_flow, shown.log10, np.nan)
    what = "share" if shown.relative else "norm"
    hover = f"loss at s = %{{y}}, state t = %{{x}}: {what} "
    return magnitudes(log10, low, high, f"log10 {what}", hover)


def _title(relative: bool) -> str:
    what = "share of its column" if relative else "|∂L<sub>s</sub>/∂s<sub>t</sub>|"
    return f"log<sub>10</sub> {what}"


def _axes(
    shown: _Shown, domains: list[tuple[float, float]], below: float, palette: Palette
) -> Json:
    result = shown.result
    steps = len(result.t) - 1
    no_grid = {"showgrid": False}
    states = {"title": {"text": "state t"}, "range": [-0.5, steps + 0.5], **time_ticks(steps + 1)}
    losses = {"title": {"text": "loss at step s"}, "range": [-0.5, steps - 0.5]}
    few = {"dtick": 1} if steps <= 7 else {"nticks": 5}
    return {
        "xaxis": states | no_grid | {"anchor": "y2"},
        "xaxis2": losses | time_ticks(steps) | no_grid | {"anchor": "y3"},
        "yaxis": losses | few | no_grid | {"tickformat": "d", "domain": list(domains[0])},
        "yaxis2": {"domain": [domains[1][0] + below, domains[1][1]], "nticks": 4},
        "yaxis3": {"domain": list(domains[2]), "anchor": "x2", "gridcolor": palette.grid},
    }


def _edge_words(kind: str, at: Array) -> str:
    return f"sum {WORDS[kind]} at {count(len(at), 'state')}"


def _nearest(states: Int[Array, " C"], at: int) -> int:
    return int(states[np.argmin(np.abs(states - at))])
