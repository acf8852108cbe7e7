"""How do the recurrent weights move past the edge between shrinking and growing?"""

import plotly.graph_objects as go

from rnnviz.figures.frame import Words
from rnnviz.figures.steps import Level, Line, Strip, over_steps
from rnnviz.figures.theme import PALETTES, Theme
from rnnviz.figures.training import marks_of, measured_line, told_changes
from rnnviz.history import History

QUESTION = "Do the recurrent weights cross the line between shrinking and growing?"
HOW_TO_READ = (
    "The spectral radius is the largest absolute eigenvalue of the recurrent weights: what their "
    "repeated product grows by in the end. The largest singular value is the most that one product "
    "can stretch a vector; below 1 every gradient must vanish.\n\n"
    "Between the two lines anything can happen for a while. Neither decides alone: flat units "
    "shrink each step further, and so a gradient can vanish with both lines above 1."
)


def radius_curve(
    history: History, *, at: int | None = None, theme: Theme = "light", caption: str = ""
) -> go.Figure:
    """Spectral radius and largest singular value of the recurrent weights over training steps.

    Parameters
    ----------
    history : History
    at : the step that the page looks at
    """
    palette = PALETTES[theme]
    lines = [
        measured_line(history, "largest_singular_value", "largest σ", palette.bound),
        measured_line(history, "spectral_radius", "spectral radius", palette.measured),
    ]
    strip = Strip(lines, "|λ|, σ", [Level(1.0, "1: holds", palette.fit)], log=_wide(lines))
    rows = over_steps([strip], marks_of(history, at), palette)
    words = Words(QUESTION, SUBTITLE, HOW_TO_READ, alt(history, lines), "spectral-radius")
    return rows.framed(words, theme, caption)


SUBTITLE = "Of the top layer's recurrent weights, without units, gates or inputs."


def alt(history: History, lines: list[Line]) -> str:
    """What the picture shows, for those who do not see it."""
    parts = [
        f"the {line.name} goes from {line.y[0]:.3g} to {line.y[-1]:.3g}"
        for line in lines[::-1]
        if len(line.y)
    ]
    if not parts:
        return "An empty picture: nothing measured yet."
    return f"Over training, {' and '.join(parts)}.{told_changes(history)}"


def _wide(lines: list[Line]) -> bool:
    """Whether the values need a log axis."""
    return any(len(line.y) and line.y.max() > 10 * line.y.min() > 0 for line in lines)
