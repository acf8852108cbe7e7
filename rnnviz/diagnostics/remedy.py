"""Which one control would change the verdict?"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnnviz.arrays import Array
from rnnviz.cells import Cell
from rnnviz.cells.lru import LRU
from rnnviz.cells.vanilla import Vanilla
from rnnviz.config import RunConfig
from rnnviz.fields import bounds
from rnnviz.record import Record

FLAT = 0.8
"""Below this root mean square slope, flat units are named as a cause."""


@dataclass(frozen=True)
class Remedy:
    """One change to one control of the config."""

    control: str
    """The config field to change."""
    text: str
    multiply: float | None = None
    value: str | int | float | None = None

    def after(self, config: RunConfig) -> Any:
        """What the control is changed to, within its range."""
        if self.multiply is None:
            return self.value
        before = getattr(config, self.control)
        low, high = bounds(type(config).model_fields[self.control])
        high = min(high, config.longest) if self.control == "steps" else high
        after = min(max(before * self.multiply, low), high)
        return round(after) if isinstance(before, int) else float(f"{after:.3g}")

    def apply(self, config: RunConfig) -> RunConfig:
        """The config with that control changed."""
        return config.replace(**{self.control: self.after(config)})


def for_vanishing(
    record: Record, factor: float, radius: float, rms_slope: float
) -> Iterator[Remedy]:
    """What keeps opened, or less of what flattens the units; else more recurrent weight.

    Where the task prescribes the network, only its length is left.
    """
    cell = record.network.layers[record.network.top].cell
    bounded = isinstance(cell, Vanilla) and np.isfinite(cell.span).all()
    steepest = 0.25 if cell.title == "sigmoid" else 1.0
    yield from _open_what_keeps(cell)
    if bounded and rms_slope < FLAT * steepest:
        yield from _less_of_what_flattens(record, radius)
    if cell.title == "sigmoid":
        yield Remedy("cell", "Choose tanh: a sigmoid's slope is a quarter at most.", value="tanh")
    yield scale_gain(min(1 / factor, 10.0))
    yield Remedy("init", "Start W_hh orthogonal: no direction shrinks more.", value="orthogonal")
    yield Remedy("cell", "Choose a linear cell, whose units are never flat.", value="linear")
    yield Remedy("cell", "Choose an LSTM, whose cell state is handed on.", value="lstm")
    yield Remedy("steps", "Lower the length to a quarter: the beginning is nearer.", multiply=0.25)


def _open_what_keeps(cell: Cell) -> Iterator[Remedy]:
    """For cells with a gate that keeps, a constant that does, or eigenvalues on a ring."""
    if cell.keeps and cell.hidden_size == 1:  # chrono would draw its one time by luck
        text = "Take 16 units: they differ in what they keep."
        yield Remedy("hidden_size", text, value=16)
    text = "Start the gate that keeps open, for lags up to T max (chrono)."
    yield Remedy("gate_bias", text, value="chrono")
    if isinstance(cell, LRU) and cell.ring_max < 0.999:
        yield Remedy("ring_max", "Put the ring's outer edge at 0.999.", value=0.999)
    if isinstance(cell, LRU) and cell.ring_min < 0.99 <= cell.ring_max:
        yield Remedy("ring_min", "Put the ring's inner edge at 0.99.", value=0.99)
    yield Remedy("alpha", "Lower the leak to a fifth: a step replaces less.", multiply=0.2)
    yield Remedy("step_size", "Lower the step size to a fifth.", multiply=0.2)


def for_growing(factor: float, radius: float) -> Iterator[Remedy]:
    """Less recurrent weight: by the measured factor, or by the radius where nothing is finite."""
    yield Remedy("step_size", "Lower the step size to a fifth.", multiply=0.2)
    yield scale_gain(1 / factor if np.isfinite(factor) else 1 / max(radius, 2.0))
    yield Remedy("init", "Start W_hh orthogonal: no direction grows more.", value="orthogonal")


def for_dead(record: Record) -> Iterator[Remedy]:
    """Recurrent weights where there are none, else units that cannot all be off."""
    params = record.network.layers[record.network.top].params
    if record.h.shape[2] == 1:
        yield Remedy("hidden_size", "Take 16 units: a single one is easily shut off.", value=16)
    if not recurrent_weights(record).any():
        yield Remedy("gain", "Set the gain to 1: the recurrent weights are 0.", value=1.0)
        yield Remedy("init", "Start W_hh orthogonal: as drawn it is 0.", value="orthogonal")
    if not record.dy.any():
        yield Remedy("loss_at", "Take the loss at every step: at the last it is flat.", value="all")
    if "b_ih" in params and params["b_ih"].any():
        yield Remedy("bias", "Set the biases to zero: they push the units flat.", value="zero")
    yield Remedy("cell", "Choose tanh: these units are off or flat.", value="tanh")
    yield Remedy("gain", "Set the gain to 1: the units are flat.", value=1.0)


def for_holding() -> Iterator[Remedy]:
    """A harder question, since there is nothing to mend."""
    yield Remedy("steps", "Double the length, to see how far it holds.", multiply=2.0)
    yield Remedy("gain", "Raise the gain by a tenth, to see where it stops holding.", multiply=1.1)
    yield Remedy("gain", "Halve the gain, to see where it stops holding.", multiply=0.5)


def recurrent_weights(record: Record) -> Array:
    """What the top layer's state is multiplied with at each step."""
    layer = record.network.layers[record.network.top]
    return layer.cell.recurrent(layer.params)


def scale_gain(by: float) -> Remedy:
    """Multiply the recurrent weights: the remedy where nothing saturates."""
    verb = "Raise" if by > 1 else "Lower"
    return Remedy("gain", f"{verb} the gain: multiply it by {by:.3g}.", multiply=by)


def _less_of_what_flattens(record: Record, radius: float) -> Iterator[Remedy]:
    """The largest part of the pre-activations is what pushes the units to an end of their range."""
    layer, seen = record.network.layers[record.network.top], record.top
    below = seen.x
    bias = layer.params["b_ih"] + layer.params.get("b_hh", 0)
    with np.errstate(all="ignore"):
        parts = {
            "input": np.mean((below @ layer.params["W_ih"].T) ** 2),
            "bias": np.mean(bias**2),
            "recurrence": np.mean((seen.h[:-1] @ layer.params["W_hh"].T) ** 2),
        }
    largest = max(parts, key=lambda part: parts[part])
    if largest == "input":
        text = "Lower the input scale to a fifth: the inputs flatten the units."
        yield Remedy("input_scale", text, multiply=0.2)
    elif largest == "bias":
        yield Remedy("bias", "Set the biases to zero: they flatten the units.", value="zero")
    elif layer.cell.title != "sigmoid":
        by = 1 / max(radius, 1.25)
        text = f"Lower the gain: multiply it by {by:.3g}. The units flatten each other."
        yield Remedy("gain", text, multiply=by)
