"""How large is the gradient during training, and how often is it clipped?"""

from dataclasses import replace

import numpy as np
import plotly.graph_objects as go

from rnnviz.arrays import Array
from rnnviz.figures.frame import Words
from rnnviz.figures.steps import Line, Strip, faults, over_steps
from rnnviz.figures.text import count
from rnnviz.figures.theme import PALETTES, Palette, Theme
from rnnviz.figures.training import (
    Runs,
    colour_of,
    key_to_lines,
    marks_of,
    measured_line,
    named,
    said,
    told_changes,
)
from rnnviz.history import History

QUESTION = "How large is the gradient during training, and how often is it clipped?"
HOW_TO_READ = (
    "The Euclidean norm of all weights' gradients together, at each training step, on a log "
    "axis: before clipping, and after it. Where the two lines part, the gradient was clipped. "
    "Clipped by its norm it is shortened to the threshold with its direction kept; clipped by "
    "value each of its components is cut, and its direction changes.\n\n"
    "Single high peaks are exploding gradients; a line that sinks for good is a gradient that "
    "vanishes, or a network that has learnt."
)


def gradient_norm(
    runs: Runs,
    *,
    clip_by: str = "norm",
    at: int | None = None,
    theme: Theme = "light",
    caption: str = "",
) -> go.Figure:
    """The gradient's norm over training steps, before and after clipping, on a log axis.

    Parameters
    ----------
    runs : a history, or several by their names
    clip_by : the config's: the threshold of "value" is no norm, and no line is drawn at it
    at : the step that the page looks at
    """
    palette = PALETTES[theme]
    lines = [line for run in named(runs) for line in _lines(run, runs, palette)]
    if isinstance(runs, History) and clip_by != "value":
        lines += _threshold(runs, palette)
    rows = over_steps([Strip(lines, "|∂L/∂θ|")], marks_of(runs, at), palette)
    words = Words(QUESTION, subtitle(runs), HOW_TO_READ, alt(runs), "gradient-norm")
    return rows.framed(words, theme, caption)


def subtitle(runs: Runs) -> str:
    """Which derivative, of which loss, and how many steps were clipped."""
    shares = [
        f"{f'{name}: ' if name else 'clipped at '}{100 * history.clipped_share:.3g} % of "
        f"{count(len(history.rows), 'step')}"
        for name, history in named(runs).items()
        if len(history.rows)
    ]
    told = f" Clipped at {'; '.join(shares)}." if len(named(runs)) > 1 else ""
    told = f" It was {shares[0]}." if shares and not told else told
    key = key_to_lines(runs, "before clipping", "after it")
    return f"|∂L/∂θ| over all weights θ, of each batch's loss.{told}{key}"


def alt(runs: Runs) -> str:
    """What the picture shows, for those who do not see it."""
    told = [_told(name, history) for name, history in named(runs).items() if len(history.rows)]
    if not told:
        return "An empty picture: no training step yet."
    return " ".join(told) + told_changes(runs)


def _told(name: str, history: History) -> str:
    before = measured_line(history, "grad_norm", "", "")
    return (
        f"The gradient's norm{f' of {name}' if name else ''} over "
        f"{count(len(before.y), 'training step')} goes from {said(before.y[0])} to "
        f"{said(before.y[-1])}; it was clipped at {_clipped(history).sum():,} of them"
        f"{faults(before)}."
    )


def _lines(run: str, runs: Runs, palette: Palette) -> list[Line]:
    """Before clipping, and after it where any step was clipped."""
    history, colour = named(runs)[run], colour_of(run, runs, palette)
    whole = f"{run}, before clipping" if run else "before clipping"
    lines = [measured_line(history, "grad_norm", whole, colour, label=run or None)]
    if _clipped(history).any():
        after = f"{run}, after clipping" if run else "after clipping"
        dash, own = ("dot", colour) if run else ("", palette.other)
        label = "" if run else None
        lines.append(measured_line(history, "clipped_norm", after, own, dash, label))
    elif not run:
        lines = [replace(lines[0], name="norm")]
    return lines


def _threshold(history: History, palette: Palette) -> list[Line]:
    """What was clipped to at each step, in stairs; nothing where no step had a threshold."""
    threshold = history.column("threshold")
    there = np.isfinite(threshold) & (threshold > 0)
    if not there.any():
        return []
    line = measured_line(history, "step", "threshold", palette.bound, "dash")
    y = np.where(there, threshold, np.nan)
    return [replace(line, y=y, gaps=True, shape="hvh")]


def _clipped(history: History) -> Array:
    return np.asarray(history.column("clipped_norm") < history.column("grad_norm"))
