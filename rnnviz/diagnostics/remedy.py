"""Which one control would change the verdict?"""

from dataclasses import dataclass

import numpy as np

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
    value: str | float | None = None

    def apply(self, config: RunConfig) -> RunConfig:
        """The config with that control changed, kept within its range."""
        before = getattr(config, self.control)
        if self.multiply is None:
            return config.replace(**{self.control: self.value})
        low, high = bounds(type(config).model_fields[self.control])
        after = min(max(before * self.multiply, low), high)
        rounded = round(after) if isinstance(before, int) else round(after, 2)
        return config.replace(**{self.control: rounded})


def scale_gain(by: float) -> Remedy:
    """Multiply the recurrent weights: the remedy where nothing saturates."""
    verb = "Raise" if by > 1 else "Lower"
    return Remedy("gain", f"{verb} the gain: multiply it by {by:.3g}.", multiply=by)


def for_vanishing(record: Record, factor: float, rms_slope: float) -> Remedy:
    """Less input where inputs flatten the units, a steeper cell for a sigmoid, else more gain."""
    layer, seen = record.network.layers[-1], record.layers[-1]
    if layer.cell.title == "sigmoid":
        return Remedy("cell", "Choose tanh: a sigmoid's slope is a quarter at most.", value="tanh")
    below = record.layers[-2].h[1:] if len(record.layers) > 1 else record.x
    driven = np.std(below @ layer.params["W_ih"].T)
    recurrent = np.std(seen.h[:-1] @ layer.params["W_hh"].T)
    bounded = isinstance(layer.cell, Vanilla) and np.isfinite(layer.cell.span).all()
    if bounded and rms_slope < FLAT and driven > recurrent:
        return Remedy(
            "input_scale", "Lower the input scale to a fifth: the inputs flatten the units.", 0.2
        )
    return scale_gain(min(1 / factor, 10.0))


def for_dead(record: Record) -> Remedy:
    """Recurrent weights where there are none, else units that cannot all be off."""
    params = record.network.layers[-1].params
    if not params["W_hh"].any():
        return Remedy("gain", "Set the gain to 1: the recurrent weights are 0.", value=1.0)
    if not record.dy.any():
        return Remedy(
            "loss_at", "Take the loss at every step: at the last it is flat.", value="all"
        )
    if params["b_ih"].any():
        return Remedy("bias", "Set the biases to zero: they push the units flat.", value="zero")
    return Remedy(
        "init", "Start W_hh at the identity: the units are off or flat.", value="identity"
    )
