"""What happened at which training step: changed settings, and the step that is looked at."""

from collections.abc import Sequence
from dataclasses import dataclass

from rnnviz.figures.frame import Json, text_width
from rnnviz.figures.norms import time_ticks
from rnnviz.figures.text import escaped
from rnnviz.figures.theme import SMALL, Palette

LINE = 15
MOST_LINES = 3
"""Lines of words above a picture."""


@dataclass(frozen=True)
class Marks:
    """Upright lines over training steps."""

    changes: Sequence[tuple[int, str]] = ()
    """Steps at which settings were changed, and how."""
    at: int | None = None
    """The step that the page looks at."""


def change_words(
    marks: Marks, x_range: tuple[float, float], width: int, palette: Palette
) -> tuple[list[Json], list[Json], int]:
    """Words and lines for each change, and how many pixels the words take above the rows.

    Words stand beside the top of their line, in the first line of text where they hide no other.
    A line whose words find no room keeps them for the text alternative.

    Parameters
    ----------
    width : of the rows on the narrowest page, in pixels

    Returns
    -------
    tuple
        Annotations; shapes that say in ``y1`` how many pixels below the top they end; pixels.
    """
    taken: list[list[tuple[float, float]]] = [[] for _ in range(MOST_LINES)]
    found = []
    for step, text in marks.changes:
        x = (step - x_range[0]) / (x_range[1] - x_range[0]) * width
        long = text_width(text, SMALL) + 6
        leftward = x + long > width and x > width / 2
        low, high = (x - long, x) if leftward else (x, x + long)
        row = next((n for n, row in enumerate(taken) if _free(row, low, high)), None)
        if row is not None:
            taken[row].append((low, high))
        found.append((step, text, leftward, row))
    rows = sum(bool(row) for row in taken)
    notes, shapes = [], []
    for step, text, leftward, row in found:
        shapes.append(_line(step, LINE * (rows if row is None else row), palette.muted, 1.0, "dot"))
        if row is not None:
            notes.append(_words(step, text, leftward, row, palette))
    return notes, shapes, LINE * rows


def cursor(
    marks: Marks, x_range: tuple[float, float], top: float, palette: Palette
) -> tuple[list[Json], list[Json]]:
    """A line through all rows at the step that is looked at, and its number at the foot of it.

    Inside the rows: on the axis it would hide half of another step's number.
    """
    at = marks.at
    if at is None or not x_range[0] <= at <= x_range[1]:
        return [], []
    note = {
        "text": f"{at:,}",
        "font": {"size": SMALL, "color": palette.paper},
        "bgcolor": palette.ink,
        "borderpad": 1,
        "x": at,
        "xref": "x",
        "xanchor": "center",
        "y": 0,
        "yref": "paper",
        "yanchor": "bottom",
    }
    return [_line(at, 0, palette.ink, 1.5, "solid") | {"y1": top, "layer": "above"}], [note]


def raised(shapes: list[Json], above: int, whole: int) -> list[Json]:
    """Upright lines that end at their words, which are counted in pixels from the top."""
    return [shape | {"y1": 1 - shape["y1"] / whole} for shape in shapes] if above else shapes


def steps_axis(x_range: tuple[float, float]) -> Json:
    """The axis that every picture over training steps has."""
    return {
        "title": {"text": "training step"},
        "range": list(x_range),
        "showgrid": False,
        **time_ticks(round(x_range[1] - x_range[0])),
    }


def _free(taken: Sequence[tuple[float, float]], low: float, high: float) -> bool:
    return all(high <= start or low >= end for start, end in taken)


def _line(step: int, below_top: int, colour: str, width: float, dash: str) -> Json:
    line = {"color": colour, "width": width, "dash": dash}
    ends = {"x0": step, "x1": step, "y0": 0, "y1": below_top, "yref": "paper"}
    return {"type": "line", "layer": "below", "line": line} | ends


def _words(step: int, text: str, leftward: bool, row: int, palette: Palette) -> Json:
    return {
        "text": escaped(text),
        "font": {"size": SMALL, "color": palette.muted},
        "bgcolor": palette.paper,
        "borderpad": 0,
        "x": step,
        "xref": "x",
        "xanchor": "right" if leftward else "left",
        "xshift": -3 if leftward else 3,
        "y": 1,
        "yref": "paper",
        "yanchor": "top",
        "yshift": -LINE * row,
    }
