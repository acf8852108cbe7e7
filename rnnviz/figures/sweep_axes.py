"""How a sweep's knobs and measures are laid out: places along an axis, ticks, and colours."""

import math
from dataclasses import dataclass

import numpy as np

from rnnviz.arrays import Array, Float
from rnnviz.config import MEASURES
from rnnviz.figures.frame import Json, every
from rnnviz.figures.text import escaped, power, short
from rnnviz.figures.theme import CHANGE, MAGNITUDE, Scale
from rnnviz.sweep import SweepTable
from rnnviz.sweep.table import Axis

LOG10 = ("factor", "half_life", "reach", "loss", "trained_loss")
"""Measures that are drawn as their log10."""
CENTRED = ("factor", "exponent")
"""Measures of which the middle colour, or a level, says that the gradient holds."""
NAMES = {
    "waiting": "not computed yet",
    "failed": "failed",
    "nan": "not a number",
    "zero": "exactly 0",
    "infinite": "infinite",
}
"""What there may be of a cell other than a number, in words."""
_NEVER = {"half_life": "never halved", "reach": "more than 1 % left all the way"}
_DIVERGED = {"loss": "infinite", "trained_loss": "diverged"}
_LEAST = math.log10(1.02)
_MOST_LETTERS = 14


@dataclass(frozen=True, eq=False)
class Laid:
    """An axis on which each of a knob's values has room around it."""

    axis: Axis

    @property
    def at(self) -> Float[Array, " N"]:
        """Where the values are drawn: log10 of those on a log scale."""
        return self.place(self.axis.positions)

    def place(self, positions: Float[Array, " M"]) -> Float[Array, " M"]:
        """Where any positions are drawn."""
        if self.axis.scale != "log":
            return positions
        with np.errstate(all="ignore"):
            return np.asarray(np.where(positions > 0, np.log10(positions), np.nan))

    @property
    def edges(self) -> Float[Array, " M"]:
        """Where each value's room begins, and the last one's ends."""
        at = self.at
        if len(at) == 1:
            return np.array([at[0] - 0.5, at[0] + 0.5])
        middles = (at[1:] + at[:-1]) / 2
        return np.array([2 * at[0] - middles[0], *middles, 2 * at[-1] - middles[-1]])

    @property
    def ends(self) -> tuple[float, float]:
        """Where the first value's room begins and the last one's ends."""
        return float(self.edges[0]), float(self.edges[-1])

    @property
    def ticks(self) -> list[str]:
        """Each value in a few letters."""
        values, labels = self.axis.knob.values, self.axis.labels
        pairs = zip(values, labels, strict=True)
        return [cut(label) if isinstance(v, str) else short(float(v)) for v, label in pairs]

    def drawn(self, most: int) -> Json:
        """The axis as Plotly takes it, with at most ``most`` ticks, each at one of the values."""
        step = every(len(self.at), most)
        return {
            "title": {"text": escaped(self.axis.title)},
            "range": list(self.ends),
            "tickvals": self.at[::step].tolist(),
            "ticktext": self.ticks[::step],
            "showgrid": False,
        }


def cut(label: str) -> str:
    """A label that has room at a tick."""
    return escaped(label if len(label) <= _MOST_LETTERS else f"{label[: _MOST_LETTERS - 1]}…")


def shown(values: Float[Array, "..."], measure: str) -> Float[Array, "..."]:
    """What is drawn of a measure: its log10, or itself."""
    if measure not in LOG10:
        return values
    with np.errstate(all="ignore"):
        return np.log10(values)


def scale_of(values: Float[Array, "..."], measure: str) -> tuple[Scale, float, float]:
    """Colours, and the drawn values at which they begin and end: the middle one is at holding."""
    finite = values[np.isfinite(values)]
    if measure in CENTRED:
        half = max(_LEAST, float(np.quantile(np.abs(finite), 0.95)) if len(finite) else 0.0)
        return CHANGE, -half, half
    if measure == "success":
        return MAGNITUDE, 0.0, 1.0
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
    return MAGNITUDE, low, max(high, low + 1e-6)


def end_texts(measure: str, low: float, high: float) -> tuple[str, str]:
    """What stands at the two ends of the colours."""
    if measure == "success":
        return "0 %", "100 %"
    if measure == "factor":
        return f"×{10.0**low:.2g}", f"×{10.0**high:.2g}"
    if measure in LOG10:
        ends = low, high
        return tuple(short(10.0**e) if abs(e) < 300 else power(round(e)) for e in ends)  # type: ignore[return-value]
    return short(low), short(high)


def named(state: str, measure: str) -> str:
    """A kind of nothing in words, as this measure has it."""
    if state == "infinite":
        return (_NEVER | _DIVERGED).get(measure, NAMES[state])
    return NAMES[state]


def spoken(value: float, measure: str) -> str:
    """A number as a hover says it."""
    if np.isnan(value):
        return "not a number"
    if np.isinf(value):
        return named("infinite", measure)
    if measure == "success":
        return f"{100 * value:.0f} %"
    return f"×{value:.3g}" if measure == "factor" else f"{value:.3g}"


def told(table: SweepTable, at: tuple[int, ...], measure: str, grids: dict[str, Array]) -> str:
    """What a cell's hover says: the settings, the median, the seeds' spread, and what failed.

    Parameters
    ----------
    grids : ``middle``, ``low``, ``high`` and ``state`` of this measure
    """
    lines = [
        f"{escaped(knob.title)}: {escaped(knob.labels[n])}"
        for knob, n in zip(table.config.knobs, at, strict=True)
    ]
    state, done = grids["state"][at], int(table.done[at])
    if state in ("waiting", "failed"):
        lines.append(f"<b>{NAMES[state]}</b>")
    else:
        middle = spoken(float(grids["middle"][at]), measure)
        lines.append(f"{MEASURES[measure]}: <b>{middle}</b>")
    numbers = done - int(table.failed[at])
    if numbers > 1:
        low, high = (spoken(float(grids[end][at]), measure) for end in ("low", "high"))
        ends = f"from {low} to {high}" if measure != "success" else "the share of those that did"
        lines.append(f"{numbers} seeds: {ends}")
    if table.errors[at]:
        words = escaped(table.errors[at])
        lines.append(f"{int(table.failed[at])} failed: {'<br>'.join(_folded(words))}")
    return "<br>".join(lines)


def _folded(text: str, width: int = 48) -> list[str]:
    lines = [""]
    for word in text.split(" "):
        if len(lines[-1]) + len(word) > width:
            lines.append("")
        lines[-1] += f"{word} "
    return [line.strip() for line in lines]


def grids_of(table: SweepTable, measure: str) -> dict[str, Array]:
    """The grids of a measure by name: ``middle``, ``low``, ``high`` and ``state``."""
    return {
        "middle": table.grid(measure),
        "low": table.low(measure),
        "high": table.high(measure),
        "state": table.states(measure),
    }


def counted(states: Array, measure: str) -> str:
    """How many cells have no number, by what they have instead, as a sentence's end."""
    found = [(kind, int((states == kind).sum())) for kind in NAMES]
    parts = [f"{named(kind, measure)} at {many:,}" for kind, many in found if many]
    return f" Of {states.size:,} points: {', '.join(parts)}." if parts else ""
