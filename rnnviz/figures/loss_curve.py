"""Does it learn, and does it beat what ignores the past?"""

import plotly.graph_objects as go

from rnnviz.figures.frame import Words
from rnnviz.figures.steps import Level, Line, Strip, faults, over_steps
from rnnviz.figures.text import count
from rnnviz.figures.theme import PALETTES, Palette, Theme
from rnnviz.figures.training import Runs, key_to_lines, marks_of, named, pairs, said, told_changes

QUESTION = "Does it learn, and does it beat what ignores the past?"
HOW_TO_READ = (
    "The loss on each training batch, and on one held-out batch every few steps. Each step is "
    "one move of the weights; the axis is a log axis.\n\n"
    "One dashed line is what the best answer that ignores the past scores. A network that stays "
    "on it has learnt nothing from earlier steps, however small its loss looks. The other, where "
    "it is known, is what the best possible answer scores.\n\n"
    "An upright dotted line is a moment at which a setting was changed; the solid one is the step "
    "that the page looks at."
)


def loss_curve(
    runs: Runs,
    *,
    baseline: float | None = None,
    optimum: float | None = None,
    at: int | None = None,
    theme: Theme = "light",
    caption: str = "",
) -> go.Figure:
    """The training and the held-out loss over training steps, on a log axis.

    Parameters
    ----------
    runs : a history, or several by their names
    baseline : ``train.baseline(config)``, the loss of the answer that ignores the past
    optimum : the loss of the best possible answer, where it is known
    at : the step that the page looks at
    """
    palette = PALETTES[theme]
    lines = pairs(runs, ("loss", "validation_loss"), ("training loss", "held-out loss"), palette)
    strip = Strip(lines, "loss L", _levels(baseline, optimum, palette))
    rows = over_steps([strip], marks_of(runs, at), palette)
    words = Words(
        QUESTION, _subtitle(runs, optimum), HOW_TO_READ, alt(runs, lines, baseline, optimum), "loss"
    )
    return rows.framed(words, theme, caption)


def alt(runs: Runs, lines: list[Line], baseline: float | None, optimum: float | None) -> str:
    """What the picture shows, for those who do not see it."""
    if not any(len(line.y) for line in lines):
        return "An empty picture: no training step yet."
    each = zip(named(runs), lines[::2], lines[1::2], strict=True)
    parts = [_told(*run) for run in each]
    if baseline is not None:
        parts.append(f"Ignoring the past gives {baseline:.3g}.")
    if optimum is not None:
        parts.append(f"The best possible answer gives {optimum:.3g}.")
    return " ".join(parts) + told_changes(runs)


def _told(name: str, training: Line, held_out: Line) -> str:
    whose = f" of {name}" if name else ""
    if not len(training.y):
        return f"The training loss{whose} has no step yet."
    end = f"; the held-out loss ends at {said(held_out.y[-1])}" if len(held_out.y) else ""
    return (
        f"The training loss{whose} over {count(len(training.y), 'step')} goes from "
        f"{said(training.y[0])} to {said(training.y[-1])}{end}{faults(training)}."
    )


def _subtitle(runs: Runs, optimum: float | None) -> str:
    parts = "The loss before each training step; training runs from left to right."
    parts += key_to_lines(runs, "training batches", "one held-out batch")
    if optimum == 0:
        parts += " The best possible loss is 0, which no log axis reaches."
    return parts


def _levels(baseline: float | None, optimum: float | None, palette: Palette) -> list[Level]:
    levels = []
    if baseline is not None:
        levels.append(Level(baseline, f"ignoring the<br>past: {baseline:.3g}", palette.muted))
    if optimum is not None:
        levels.append(Level(optimum, f"best possible:<br>{optimum:.3g}", palette.fit))
    return levels
