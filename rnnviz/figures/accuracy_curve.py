"""How often is the answer right?"""

import plotly.graph_objects as go

from rnnviz.figures.frame import Words
from rnnviz.figures.steps import Level, Line, Strip, over_steps
from rnnviz.figures.theme import PALETTES, Theme
from rnnviz.figures.training import Runs, key_to_lines, marks_of, pairs, told_changes

QUESTION = "How often is the answer right?"
HOW_TO_READ = (
    "The share of right answers where the loss asks for one: for classes the class with the "
    "largest output, for sums and products an answer near enough to be counted as right.\n\n"
    "The dashed line is what an answer that ignores the past gets. A loss can fall for long while "
    "the accuracy stays on that line, and then jump: the network has become less sure before it "
    "has become right."
)


def accuracy_curve(
    runs: Runs,
    *,
    chance: float | None = None,
    at: int | None = None,
    theme: Theme = "light",
    caption: str = "",
) -> go.Figure:
    """The share of right answers over training steps, from 0 to 100 %.

    Parameters
    ----------
    runs : a history, or several by their names
    chance : ``train.chance(config)``, the share that is right without the past, where it is known
    at : the step that the page looks at
    """
    palette = PALETTES[theme]
    lines = pairs(
        runs, ("accuracy", "validation_accuracy"), ("training batches", "held-out batch"), palette
    )
    text = f"ignoring the<br>past: {100 * (chance or 0):.3g} %"
    levels = [] if chance is None else [Level(chance, text, palette.muted)]
    percent = {"tickformat": ".0%"}
    strip = Strip(lines, "right answers", levels, log=False, span=(-0.03, 1.03), yaxis=percent)
    rows = over_steps([strip], marks_of(runs, at), palette, NOTHING)
    subtitle = "Share of right answers before each training step."
    subtitle += key_to_lines(runs, "training batches", "one held-out batch")
    words = Words(QUESTION, subtitle, HOW_TO_READ, alt(runs, lines, chance), "accuracy")
    return rows.framed(words, theme, caption)


NOTHING = "no right and wrong in this task"


def alt(runs: Runs, lines: list[Line], chance: float | None) -> str:
    """What the picture shows, for those who do not see it."""
    parts = [
        f"{line.name} from {100 * line.y[0]:.3g} % to {100 * line.y[-1]:.3g} %"
        for line in lines
        if len(line.y)
    ]
    if not parts:
        return "An empty picture: this task's answers are neither right nor wrong."
    without = "" if chance is None else f" Ignoring the past gets {100 * chance:.3g} %."
    return f"Right answers over training: {'; '.join(parts)}.{without}{told_changes(runs)}"
