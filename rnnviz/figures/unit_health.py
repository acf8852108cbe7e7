"""How many units have stopped working?"""

import plotly.graph_objects as go

from rnnviz.figures.frame import Words
from rnnviz.figures.steps import Line, Strip, over_steps
from rnnviz.figures.theme import PALETTES, Theme
from rnnviz.figures.training import marks_of, measured_line, told_changes
from rnnviz.history import History

QUESTION = "How many units have stopped listening?"
HOW_TO_READ = (
    "A saturated unit is near an end of its range, where its slope is nearly 0 and hardly any "
    "gradient passes. A dead unit passes none at all, at any step of any sequence.\n\n"
    "A dead unit seldom comes back, because no gradient reaches its weights. Shares that rise "
    "together with the gradient's norm often mean that the learning rate is too high."
)


def unit_health(
    history: History, *, at: int | None = None, theme: Theme = "light", caption: str = ""
) -> go.Figure:
    """The shares of dead and of saturated units over training steps, from 0 to 100 %.

    Parameters
    ----------
    history : History
    at : the step that the page looks at
    """
    palette = PALETTES[theme]
    lines = [
        measured_line(history, "saturated", "saturated", palette.other),
        measured_line(history, "dead", "dead", palette.whole),
    ]
    nothing = GATED if history.moments else "no step yet"
    percent = {"tickformat": ".0%"}
    strip = Strip(lines, "share of units", log=False, span=(-0.03, 1.03), yaxis=percent)
    rows = over_steps([strip], marks_of(history, at), palette, nothing)
    words = Words(QUESTION, SUBTITLE, HOW_TO_READ, alt(history, lines), "unit-health")
    return rows.framed(words, theme, caption)


GATED = "not told of a cell with gates"
SUBTITLE = "Shares of the top layer's units, over all steps and sequences of a held-out batch."


def alt(history: History, lines: list[Line]) -> str:
    """What the picture shows, for those who do not see it."""
    parts = [
        f"{100 * line.y[0]:.3g} % {line.name} at first and {100 * line.y[-1]:.3g} % at the end"
        for line in lines
        if len(line.y)
    ]
    if not parts:
        return "An empty picture: nothing measured yet, or the cell has gates."
    return f"Units over training: {'; '.join(parts)}.{told_changes(history)}"
