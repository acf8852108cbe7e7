"""How far does each step move each weight matrix?"""

import numpy as np
import plotly.graph_objects as go

from rnnviz.figures.frame import Words
from rnnviz.figures.steps import Level, Line, Strip, over_steps
from rnnviz.figures.text import count
from rnnviz.figures.theme import PALETTES, Theme, run_colour
from rnnviz.figures.training import marks_of, told_changes
from rnnviz.history import History

QUESTION = "How far does each step move each weight matrix?"
HOW_TO_READ = (
    "The length of a step's update of a parameter over the length of the parameter itself, on a "
    "log axis.\n\n"
    "The dashed line at one part in a thousand is a rule of thumb of Andrej Karpathy's, and no "
    "law: far above it the learning rate may be too high, far below it too low. Biases, which "
    "start at or near 0, often move by more than that of themselves.\n\n"
    "Lines that lie decades apart say that one rate cannot suit all parameters: what lies below "
    "hardly learns while what lies above is shaken."
)
GUIDE = 1e-3
MOST_LINES = 8
_PREFIX = "ratio."


def update_ratios(
    history: History, *, at: int | None = None, theme: Theme = "light", caption: str = ""
) -> go.Figure:
    """Update over weight, per parameter, over training steps.

    Parameters
    ----------
    history : History
    at : the step that the page looks at
    """
    palette, names = PALETTES[theme], _names(history)
    lines = [
        _line(history, name, run_colour(number, palette))
        for number, name in enumerate(names[:MOST_LINES])
    ]
    guide = Level(GUIDE, "rule of thumb:<br>1 in 1,000", palette.muted)
    rows = over_steps([Strip(lines, "|ΔW| / |W|", [guide])], marks_of(history, at), palette)
    words = Words(
        QUESTION, subtitle(names), HOW_TO_READ, alt(history, lines), "update-to-weight-ratio"
    )
    return rows.framed(words, theme, caption)


def subtitle(names: list[str]) -> str:
    """What is drawn, and what was left out."""
    left_out = names[MOST_LINES:]
    told = f" Not drawn: {', '.join(left_out)}." if left_out else ""
    return f"Euclidean norm of each step's update over that of the parameter before it.{told}"


def alt(history: History, lines: list[Line]) -> str:
    """What the picture shows, for those who do not see it."""
    middles = [
        f"{line.name} {np.median(line.y[np.isfinite(line.y)]):.2e}"
        for line in lines
        if np.isfinite(line.y).any()
    ]
    if not middles:
        return "An empty picture: no training step yet."
    return (
        f"Update over weight in {count(len(lines), 'line')}; medians over training: "
        f"{', '.join(middles)}; the rule of thumb is 1e-3.{told_changes(history)}"
    )


def _names(history: History) -> list[str]:
    """Parameters, matrices first and the largest of them before the others."""
    names = [name.removeprefix(_PREFIX) for name in history.columns if name.startswith(_PREFIX)]
    sizes = _sizes(history)
    return sorted(names, key=lambda name: (".W" not in name, -sizes.get(name, 0)))


def _sizes(history: History) -> dict[str, int]:
    if not history.moments:
        return {}
    return {name: W.size for name, W in history.moments[0].network.params.items()}


def _line(history: History, name: str, colour: str) -> Line:
    """The ratio itself, which the history has in log10."""
    with np.errstate(over="ignore"):
        ratio = 10.0 ** history.column(_PREFIX + name)
    return Line(history.column("step"), ratio, name, colour, gaps=True)
