"""What pictures over training steps share: lines, colours and marks of one run or of several."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from rnnviz.arrays import Array, Bool, Float
from rnnviz.figures.step_marks import Marks
from rnnviz.figures.steps import Line
from rnnviz.figures.theme import Palette, run_colour
from rnnviz.history import History

Runs = History | Mapping[str, History]
"""One run, or several by their names."""


def named(runs: Runs) -> dict[str, History]:
    """Runs by their names; one alone has none."""
    return {"": runs} if isinstance(runs, History) else dict(runs)


def measured_line(
    history: History, column: str, name: str, colour: str, dash: str = "", label: str | None = None
) -> Line:
    """A column of a history, at the steps at which it was measured."""
    taken = _taken(history, column)
    x, y = history.column("step")[taken], history.column(column)[taken]
    return Line(x, y, name, colour, dash, label)


def pairs(
    runs: Runs, columns: tuple[str, str], names: tuple[str, str], palette: Palette
) -> list[Line]:
    """For each run two columns: the first thick, the second thin and dotted in its colour.

    One run alone has its lines labelled by what they are, several by the runs' names.
    """
    return [
        line for run in named(runs).items() for line in _pair(*run, runs, columns, names, palette)
    ]


def _pair(
    run: str,
    history: History,
    runs: Runs,
    columns: tuple[str, str],
    names: tuple[str, str],
    palette: Palette,
) -> Iterator[Line]:
    colour = colour_of(run, runs, palette)
    first, second = (f"{run}, {name}" if run else name for name in names)
    thick = measured_line(history, columns[0], first, colour, label=run or None)
    yield replace(thick, faint=bool(run))
    own = colour if run else palette.other
    yield measured_line(history, columns[1], second, own, "dot", "" if run else None)


def colour_of(run: str, runs: Runs, palette: Palette) -> str:
    """The same for the same run on every picture of the page."""
    names = list(named(runs))
    return run_colour(names.index(run), palette) if run else palette.measured


def key_to_lines(runs: Runs, thick: str, thin: str) -> str:
    """What the two lines of each of several runs are; nothing for one run alone."""
    return "" if isinstance(runs, History) else f" Thick: {thick}. Thin, dotted: {thin}."


def marks_of(runs: Runs, at: int | None) -> Marks:
    """When the settings of a run were changed, in the order of the steps."""
    changes = [
        (change.step, f"{name}: {change.sentence}" if name else change.sentence)
        for name, history in named(runs).items()
        for change in history.changes
    ]
    return Marks(sorted(changes), at)


def told_changes(runs: Runs) -> str:
    """The changes in words, for those who do not see their lines."""
    changes = marks_of(runs, None).changes
    told = "; ".join(f"{text} at step {step:,}" for step, text in changes)
    return f" Changed: {told}." if told else ""


def said(value: float) -> str:
    """A number in three digits, or the word for what is none."""
    return f"{value:.3g}".replace("nan", "NaN").replace("inf", "infinite")


def _taken(history: History, column: str) -> Bool[Array, " N"]:
    """Where a column was measured: a NaN in one of every step is a fault and stays."""
    if column in ("loss", "grad_norm", "clipped_norm"):
        return np.ones(len(history.rows), bool)
    values: Float[Array, " N"] = history.column(column)
    return np.asarray(~np.isnan(values))
