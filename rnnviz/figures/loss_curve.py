"""Does it learn, and does it beat what ignores the past?"""

import numpy as np
import plotly.graph_objects as go

from rnnviz.figures.frame import Words, framed
from rnnviz.figures.lines import Curve
from rnnviz.figures.text import count
from rnnviz.figures.theme import PALETTES, Palette, Theme
from rnnviz.figures.training import HEIGHT, Level, column, faults, panel
from rnnviz.train import History

QUESTION = "Does it learn, and does it beat what ignores the past?"
HOW_TO_READ = (
    "The loss on each training batch, and on one held-out batch every few steps. Each step is "
    "one move of the weights; the axis is a log axis.\n\n"
    "The dashed line is what the best answer that ignores the past scores. A network that stays "
    "on it has learnt nothing from earlier steps, however small its loss looks."
)


def loss_curve(
    history: History,
    *,
    baseline: float | None = None,
    theme: Theme = "light",
    caption: str = "",
) -> go.Figure:
    """The training and the held-out loss over training steps, on a log axis.

    Parameters
    ----------
    history : History
    baseline : ``train.baseline(config)``, the loss of the answer that ignores the past
    """
    palette = PALETTES[theme]
    curves = _curves(history, palette)
    levels = [] if baseline is None else [_level(baseline, palette)]
    data, layout = panel(curves, levels, "loss L", palette)
    words = Words(QUESTION, SUBTITLE, HOW_TO_READ, alt(curves, baseline), "loss")
    return framed(data, layout, words, height=HEIGHT, theme=theme, caption=caption)


SUBTITLE = "The loss before each training step; training runs from left to right."


def alt(curves: list[Curve], baseline: float | None) -> str:
    """What the picture shows, for those who do not see it."""
    training, held_out = curves
    if not len(training.y):
        return "An empty picture: no training step yet."
    parts = [
        f"The training loss over {count(len(training.y), 'step')} goes from {training.y[0]:.3g} to "
        f"{training.y[-1]:.3g}"
    ]
    if len(held_out.y):
        parts.append(f"the held-out loss ends at {held_out.y[-1]:.3g}")
    if baseline is not None:
        parts.append(f"ignoring the past gives {baseline:.3g}")
    return "; ".join(parts) + faults(training) + "."


def _curves(history: History, palette: Palette) -> list[Curve]:
    step, held_out = column(history, "step"), column(history, "validation_loss")
    taken = ~np.isnan(held_out)
    return [
        Curve(step, column(history, "loss"), "training loss", palette.measured),
        Curve(step[taken], held_out[taken], "held-out loss", palette.other),
    ]


def _level(baseline: float, palette: Palette) -> Level:
    text = f"what you get by ignoring the past, {baseline:.3g}"
    return Level(baseline, text, palette.muted)
