"""How many units, or gates, have stopped working?"""

from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go

from rnnviz.figures.frame import Words
from rnnviz.figures.steps import Line, Strip, over_steps
from rnnviz.figures.theme import PALETTES, Theme
from rnnviz.figures.training import marks_of, measured_line, told_changes
from rnnviz.history import History


class Count(NamedTuple):
    """What is counted, and what is said of it."""

    of: str
    columns: tuple[str, str]
    question: str
    subtitle: str
    how_to_read: str


UNITS = Count(
    "units",
    ("saturated", "dead"),
    "How many units have stopped listening?",
    "Shares of the top layer's units, over all steps and sequences of a held-out batch.",
    "A saturated unit is near an end of its range, where its slope is nearly 0 and hardly any "
    "gradient passes. A dead unit passes none at all, at any step of any sequence.\n\n"
    "A dead unit seldom comes back, because no gradient reaches its weights. Shares that rise "
    "together with the gradient's norm often mean that the learning rate is too high.",
)
GATES = Count(
    "gates",
    ("open", "closed"),
    "How many gates are stuck?",
    "Shares of the top layer's gate values, over all its gates, units, steps and sequences of a "
    "held-out batch.",
    "A gate multiplies what passes it by a number from 0 to 1. It counts as open above 0.95 and "
    "as closed below 0.05; in between it still learns easily.\n\n"
    "At either end the gate's own slope is nearly 0, so that it hardly hears what would move it. "
    "Open is no fault: a keeping gate that stays open carries the gradient far. Shares that jump "
    "within a few steps often mean that the learning rate is too high.",
)


def unit_health(
    history: History, *, at: int | None = None, theme: Theme = "light", caption: str = ""
) -> go.Figure:
    """The shares of dead and of saturated units over training steps, from 0 to 100 %.

    For a cell with gates, the shares of open and of closed ones.

    Parameters
    ----------
    history : History
    at : the step that the page looks at
    """
    palette = PALETTES[theme]
    count = UNITS if np.isnan(history.column("open")).all() else GATES
    upper, lower = count.columns
    lines = [
        measured_line(history, upper, upper, palette.other),
        measured_line(history, lower, lower, palette.whole),
    ]
    nothing = NEITHER if history.moments else "no step yet"
    percent = {"tickformat": ".0%"}
    strip = Strip(lines, f"share of {count.of}", log=False, span=(-0.03, 1.03), yaxis=percent)
    rows = over_steps([strip], marks_of(history, at), palette, nothing)
    told = alt(history, count, lines)
    words = Words(count.question, count.subtitle, count.how_to_read, told, "unit-health")
    return rows.framed(words, theme, caption)


NEITHER = "this cell has neither flat units nor gates to count"


def alt(history: History, count: Count, lines: list[Line]) -> str:
    """What the picture shows, for those who do not see it."""
    parts = [
        f"{100 * line.y[0]:.3g} % {line.name} at first and {100 * line.y[-1]:.3g} % at the end"
        for line in lines
        if len(line.y)
    ]
    if not parts:
        return f"An empty picture: nothing measured yet, or {NEITHER}."
    return f"{count.of.capitalize()} over training: {'; '.join(parts)}.{told_changes(history)}"
