"""How large is the gradient during training, and how often is it clipped?"""

import numpy as np
import plotly.graph_objects as go

from rnnviz.arrays import Array
from rnnviz.figures.frame import Words, framed
from rnnviz.figures.lines import Curve
from rnnviz.figures.text import count
from rnnviz.figures.theme import PALETTES, Palette, Theme
from rnnviz.figures.training import HEIGHT, Level, column, faults, panel
from rnnviz.train import History

QUESTION = "How large is the gradient during training, and how often is it clipped?"
HOW_TO_READ = (
    "The Euclidean norm of all weights' gradients together, at each training step, on a log "
    "axis: before clipping, and after it. Where the two lines part, the gradient was longer "
    "than the dashed line and was shortened to it, with its direction kept.\n\n"
    "Single high peaks are exploding gradients; a line that sinks for good is a gradient that "
    "vanishes, or a network that has learnt."
)


def gradient_norm(
    history: History, *, clip: float = 0.0, theme: Theme = "light", caption: str = ""
) -> go.Figure:
    """The gradient's norm over training steps, before and after clipping, on a log axis.

    Parameters
    ----------
    history : History
    clip : the config's clip norm, drawn as a line; 0 for none
    """
    palette = PALETTES[theme]
    curves = _curves(history, clip, palette)
    levels = [Level(clip, f"clipped to {clip:.3g}", palette.bound)] if clip > 0 else []
    data, layout = panel(curves, levels, "|∂L/∂θ|", palette)
    words = Words(QUESTION, SUBTITLE, HOW_TO_READ, alt(history, curves[0]), "gradient-norm")
    return framed(data, layout, words, height=HEIGHT, theme=theme, caption=caption)


SUBTITLE = "|∂L/∂θ| over all weights θ, of each batch's loss; training runs from left to right."


def alt(history: History, before: Curve) -> str:
    """What the picture shows, for those who do not see it."""
    if not len(before.y):
        return "An empty picture: no training step yet."
    return (
        f"The gradient's norm over {count(len(before.y), 'training step')} goes from "
        f"{before.y[0]:.3g} to {before.y[-1]:.3g}; it was clipped at {_clipped(history).sum():,} "
        f"of them{faults(before)}."
    )


def _curves(history: History, clip: float, palette: Palette) -> list[Curve]:
    step, norm = column(history, "step"), column(history, "grad_norm")
    curves = [Curve(step, norm, "before clipping" if clip > 0 else "norm", palette.measured)]
    if _clipped(history).any():
        after = column(history, "clipped_norm")
        curves.append(Curve(step, after, "after clipping", palette.other))
    return curves


def _clipped(history: History) -> Array:
    return np.asarray(column(history, "clipped_norm") < column(history, "grad_norm"))
