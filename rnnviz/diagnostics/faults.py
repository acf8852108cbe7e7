"""Where do the numbers first break: a zero, an infinity, a NaN?"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from rnnviz.arrays import Array
from rnnviz.diagnostics.gradient_flow import GradientFlow
from rnnviz.record import Record

_SAFE = {8: 290.0, 4: 30.0}
"""Orders of magnitude of a norm, by bytes a number, within which no precision ends."""


@dataclass(frozen=True)
class Fault:
    """The first number that broke, in the order of computing: forward in time, then back."""

    kind: Literal["zero", "underflow", "infinity", "NaN"]
    """A zero is exact; an underflow is a number too small for the precision."""
    where: Literal["states", "loss", "gradient"]
    t: int
    """Index of the state (for the loss: of the state whose step it judges)."""
    lag: int
    """How far back from the loss that state lies."""
    precision: str

    @property
    def sentence(self) -> str:
        """What broke, and from where on."""
        if self.where == "gradient":
            return f"The gradient is {self._word} from lag {self.lag} back."
        subject = "The loss is" if self.where == "loss" else "The states are"
        return f"{subject} {self._word} at t = {self.t}."

    @property
    def _word(self) -> str:
        return {
            "zero": "exactly 0",
            "underflow": f"0 in {self.precision}, too small for it,",
            "infinity": f"infinite in {self.precision}",
            "NaN": "not a number",
        }[self.kind]

    def to_frame(self) -> pd.DataFrame:
        """One row."""
        return pd.DataFrame([vars(self)])


def first_fault(record: Record, flow: GradientFlow) -> Fault | None:
    """The first zero gradient, infinity or NaN of a pass, or None where all is well.

    A gradient counts as zero at a state where every entry of every sequence is.

    Parameters
    ----------
    record : Record
    flow : the gradient that was followed, from ``gradient_flow``
    """
    precision = str(record.x.dtype)

    def fault(kind: str, where: str, t: int) -> Fault:
        return Fault(kind, where, t, flow.loss_state - t, precision)  # type: ignore[arg-type]

    for layer in record.layers:
        if (t := _first(~np.isfinite(layer.s))) is not None:
            return fault(_kind_of(layer.s[t]), "states", t)
    if (t := _first(~np.isfinite(record.loss_t)[:, None])) is not None:
        return fault(_kind_of(record.loss_t[t : t + 1]), "loss", t + 1)
    by_lag = flow.log10_norm[flow.loss_state :: -1]
    if np.all(np.abs(by_lag) < _SAFE[record.x.itemsize]):
        return None
    values = flow.derivative.value()[flow.loss_state :: -1]
    finite: Array = np.all(np.isfinite(values), axis=(1, 2))
    flowing: Array = np.any(values, axis=(1, 2))
    broken = ~(finite & flowing)
    if (lag := _first(broken[:, None])) is None:
        return None
    t = flow.loss_state - lag
    if values[lag].any():
        return fault(_kind_of(values[lag]), "gradient", t)
    exact = np.isneginf(flow.log10_norm[t])
    return fault("zero" if exact else "underflow", "gradient", t)


def _first(where: Array) -> int | None:
    steps = np.flatnonzero(where.reshape(len(where), -1).any(axis=1))
    return int(steps[0]) if len(steps) else None


def _kind_of(values: Array) -> str:
    return "infinity" if np.isinf(values).any() else "NaN"
