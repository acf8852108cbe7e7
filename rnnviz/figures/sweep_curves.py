"""The lines of a sweep: one for each value of the second knob, and the levels beside them."""

from dataclasses import dataclass

import numpy as np

from rnnviz.arrays import Array, Float
from rnnviz.figures.frame import every
from rnnviz.figures.lines import Curve
from rnnviz.figures.sweep_axes import Laid
from rnnviz.figures.text import escaped
from rnnviz.figures.theme import RUNS, Palette, run_colour
from rnnviz.sweep import SweepTable

MOST_LINES = len(RUNS)
POINTS = "points"
"""How a level is drawn where the axis has names: a short dash at each of them."""


@dataclass(frozen=True, eq=False)
class Line:
    """One value of the other knobs."""

    rest: tuple[int, ...]
    text: str
    colour: str
    middle: Float[Array, " N"]
    low: Float[Array, " N"]
    high: Float[Array, " N"]
    state: Array


def lines_of(table: SweepTable, grids: dict[str, Array], palette: Palette) -> list[Line]:
    """At most as many lines as there are colours, evenly taken."""
    others = table.config.knobs[1:]
    if not others:
        return [_line((), "", palette.measured, grids)]
    step = every(table.shape[1], MOST_LINES)
    rest = (0,) * (len(others) - 1)
    return [
        _line((j, *rest), escaped(others[0].labels[j]), run_colour(n, palette), grids)
        for n, j in enumerate(range(0, table.shape[1], step))
    ]


def _line(rest: tuple[int, ...], text: str, colour: str, grids: dict[str, Array]) -> Line:
    along: tuple[slice | int, ...] = (slice(None), *rest)
    own = {name: grid[along] for name, grid in grids.items()}
    return Line(rest, text, colour, own["middle"], own["low"], own["high"], own["state"])


def levels_of(
    table: SweepTable, measure: str, across: Laid, lines: list[Line], palette: Palette
) -> list[Curve]:
    """Theory, the level at which the gradient holds, and half-life = T where it is one line."""
    ends = np.array(across.ends)
    found = []
    if measure == "factor":
        found.append(Curve(ends, np.ones(2), "holds", palette.ink, "dot"))
        for line in lines:
            found += _theory(table, line, across, palette)
    if measure == "exponent":
        found.append(Curve(ends, np.zeros(2), "holds", palette.ink, "dot"))
    one = "steps" not in [knob.name for knob in table.config.knobs[1:]]
    if measure in ("factor", "half_life") and one:
        along: tuple[slice | int, ...] = (slice(None), *lines[0].rest)
        level = table.half_life_is_T()[along]
        y = level if measure == "factor" else np.log(0.5) / np.log(level)
        text = "half-life = T" if measure == "factor" else "T"
        found.append(Curve(across.at, y, text, palette.bound, "dashdot"))
    return found


def _theory(table: SweepTable, line: Line, across: Laid, palette: Palette) -> list[Curve]:
    """What theory predicts along a line; over names, where each has its own law, in one."""
    known = table.prediction(*line.rest)
    if not known:
        return []
    colour = line.colour if line.text else palette.radius
    text = "" if line.text else known[0].label
    if across.axis.scale == "category":
        x, y = (np.concatenate([getattr(law, name) for law in known]) for name in ("x", "y"))
        there = np.isfinite(y)
        return [Curve(across.place(x[there]), y[there], text, colour, POINTS)]
    return [Curve(across.place(law.x), law.y, text, colour, "dash") for law in known]
