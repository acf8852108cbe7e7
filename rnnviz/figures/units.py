"""Unit by time: the hidden states of one sequence, and the loss's derivative by each of them."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from rnnviz.adjoint import Scaled
from rnnviz.arrays import Array, Int
from rnnviz.diagnostics import GradientFlow
from rnnviz.figures.frame import Row, compact, every, heading, key
from rnnviz.figures.magnitudes import magnitudes
from rnnviz.figures.marks import cells, cells_note, kinds, kinds_of_values
from rnnviz.figures.text import ordinal, power, short
from rnnviz.figures.theme import MAGNITUDE, SIGNED, Palette, colorscale
from rnnviz.record import Record

MOST_COLUMNS = 600
"""States drawn in a heatmap: two pixels each on a wide screen."""
MOST_ROWS = 128
"""Units drawn in a heatmap: one pixel each."""
FEW = tuple(SIGNED[place] for place in (0, 2, 5, 8, 10))
"""Of the states' colours, so many that on a phone the row's name does not run into its key."""
_AXIS = {
    "title": {"text": "unit"},
    "type": "category",
    "showticklabels": False,
    "fixedrange": True,
    "showgrid": False,
}


@dataclass(frozen=True)
class Shown:
    """What of a record the rows draw: some states of one sequence, some units of one layer."""

    record: Record
    layer: int
    sequence: int
    states: Int[Array, " N"]
    units: Int[Array, " M"]

    @property
    def place(self) -> dict[str, Any]:
        """A column for each state, a row for each unit under its number."""
        first, step = int(self.states[0]), int(self.states[1] - self.states[0])
        return {"type": "heatmap", "x0": first, "dx": step, "y": self.units}

    @property
    def words(self) -> str:
        """Whose units, in which order, and what was left out."""
        which = f"Units: sequence {self.sequence + 1} of {self.record.batch_size}, "
        return f"{which}ordered by the weight of their first input.{self._left_out}"

    @property
    def hidden_size(self) -> int:
        """H of the layer that is drawn."""
        return int(self.record.layers[self.layer].h.shape[2])

    @property
    def _left_out(self) -> str:
        states = every(self.record.steps + 1, MOST_COLUMNS)
        units = every(self.hidden_size, MOST_ROWS)
        parts = [f"every {ordinal(states)} state"] if states > 1 else []
        parts += [f"every {ordinal(units)} unit"] if units > 1 else []
        return f" The heatmaps draw {' and '.join(parts)}." if parts else ""


def shown(record: Record, layer: int, sequence: int) -> Shown:
    """The states and units to draw: few enough to see, the last state always among them.

    Units are ordered by the weight of their first input, which no gain, length or batch changes.
    """
    T, hidden_size = record.steps, record.layers[layer].h.shape[2]
    step = every(T + 1, MOST_COLUMNS)
    order = np.argsort(record.network.layers[layer].params["W_ih"][:hidden_size, 0], kind="stable")
    units = order[:: every(hidden_size, MOST_ROWS)]
    return Shown(record, layer, sequence, np.arange(T % step, T + 1, step), units)


def state_row(units: Shown, top: float, palette: Palette, axis: str) -> Row:
    """Hidden states h, signed, centred at 0."""
    h = units.record.layers[units.layer].h[units.states, units.sequence][:, units.units].T
    limit = _state_limit(h)
    place = units.place | {"yaxis": axis}
    values = place | {
        "name": "h",
        "z": compact(h),
        "zmin": -limit,
        "zmax": limit,
        "colorscale": colorscale(SIGNED),
        "showscale": False,
        "hoverongaps": False,
        "hovertemplate": "t = %{x}, unit %{y}: h = %{z:.3g}<extra></extra>",
    }
    masks = kinds_of_values(h)
    marks = cells(masks, place, "t = %{x}, unit %{y}")
    own_key = key(FEW, short(-limit), short(limit), top, palette)
    notes = [heading("Hidden states h<sub>t</sub>", top), own_key, *cells_note(masks, top, palette)]
    return Row([values, *marks], notes, _AXIS)


def gradient_row(units: Shown, flow: GradientFlow, top: float, palette: Palette, axis: str) -> Row:
    """log10 of the size of dL/dh, which is a number however small it is."""
    log10 = _log10_abs(units, flow.derivative)
    low, high = _decades(log10)
    place = units.place | {"yaxis": axis}
    cell = "t = %{x}, unit %{y}"
    values = place | magnitudes(log10, low, high, "log10 |∂L/∂h|", f"{cell}: |∂L/∂h| = ")
    masks = kinds(log10)
    marks = cells(masks, place, cell)
    own_key = key(MAGNITUDE, power(low), power(high), top, palette)
    notes = [
        heading("log<sub>10</sub> |∂L/∂h<sub>t</sub>|", top),
        own_key,
        *cells_note(masks, top, palette),
    ]
    return Row([values, *marks], notes, _AXIS)


def _log10_abs(units: Shown, derivative: Scaled) -> Array:
    states, b = units.states, units.sequence
    part = derivative.mantissa[states, b][:, units.units], derivative.exponent[states, b]
    return Scaled(part[0][:, None], part[1][:, None]).log10_abs(0).T


def _state_limit(h: Array) -> float:
    """The value that takes the end colour: 1, or what 98 in 100 values stay within."""
    size = np.abs(h[np.isfinite(h)])
    if not len(size) or size.max() <= 1:
        return 1.0
    most = np.partition(size, int(0.98 * (len(size) - 1)))[int(0.98 * (len(size) - 1))]
    return float(max(most, 1.0)) if most < 1000 else float(10.0 ** np.ceil(np.log10(most)))


def _decades(log10: Array) -> tuple[float, float]:
    """Whole powers of ten that 99 in 100 of the numbers lie between."""
    finite = log10[np.isfinite(log10)]
    if not len(finite):
        return -1.0, 0.0
    few = len(finite) // 100
    low = np.floor(np.partition(finite, few)[few])
    return float(low), float(max(np.ceil(finite.max()), low + 1))
