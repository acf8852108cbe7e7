"""Which gates are open, and when?"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from rnnviz.arrays import Array, Float, Int
from rnnviz.record import Record

QUANTILES = (0.1, 0.5, 0.9)


@dataclass(frozen=True)
class Gate:
    """One gate at each step, in the order of time; statistics are over units and sequences."""

    values: Float[Array, "T B H"]
    span: tuple[float, float]
    """Its range: [0, 1] for a sigmoid, [-1, 1] for a candidate."""
    mean: Float[Array, " T"]
    quantiles: Float[Array, "3 T"]
    """10, 50 and 90 %."""
    saturated: Float[Array, " T"]
    """The share that lies within the margin of an end of the range."""


@dataclass(frozen=True)
class Gates:
    """Every gate of one layer; the gates of step t - 1 stand at t, with the state they made."""

    gates: Mapping[str, Gate]
    order: Int[Array, " H"]
    """The units by the weight of their first input, which no length and no batch changes."""
    layer: str
    margin: float
    """How near to an end of its range a gate counts as saturated, as a share of the range."""

    @property
    def t(self) -> Int[Array, " T"]:
        """Index of the state that each step makes, 1 to T."""
        return np.arange(1, len(next(iter(self.gates.values())).mean) + 1)

    def to_frame(self) -> pd.DataFrame:
        """One row a gate and step: mean, 10, 50 and 90 % quantiles, and the saturated share."""
        parts = []
        for name, gate in self.gates.items():
            low, median, high = gate.quantiles
            columns = {"gate": name, "t": self.t, "mean": gate.mean}
            columns |= {"q10": low, "q50": median, "q90": high}
            parts.append(pd.DataFrame(columns | {"saturated_share": gate.saturated}))
        return pd.concat(parts, ignore_index=True)


def gates(record: Record, layer: int | None = None, margin: float = 0.05) -> Gates:
    """The values of every gate, their mean and quantiles, and how many of them are stuck.

    Karpathy, Johnson and Fei-Fei (2016), Visualizing and understanding recurrent networks,
    section 4.2, on the share of saturated gates.

    Parameters
    ----------
    record : Record
    layer : the top one that reads forward by default; a reverse layer's steps are put where they
        lie in time
    margin : how near to an end of its range a gate counts as saturated, as a share of the range

    Raises
    ------
    ValueError
        If the cell has no gates.

    Examples
    --------
    Without weights, a gate is sigma(b) at every step:

    >>> import rnnviz as rv
    >>> config = rv.RunConfig(cell="gru", steps=5, gain=0, input_scale=0, bias="zero")
    >>> gates(rv.run(config)).gates["z"].mean.tolist()
    [0.5, 0.5, 0.5, 0.5, 0.5]
    """
    number = record.network.top if layer is None else layer
    at, seen = record.network.layers[number], record.layers[number]
    if not at.cell.gate_names:
        raise ValueError(f"gates takes a cell with gates, got {at.cell.title}")
    order = np.argsort(at.params["W_ih"][: at.cell.hidden_size, 0], kind="stable")
    spans = at.cell.gate_spans
    found = {
        name: _gate(values[::-1] if at.reverse else values, spans[name], margin)
        for name, values in seen.gates.items()
    }
    return Gates(found, order, record.network.names[number], margin)


def _gate(values: Float[Array, "T B H"], span: tuple[float, float], margin: float) -> Gate:
    flat = values.reshape(len(values), -1)
    low, high = span
    edge = margin * (high - low)
    ranks = [round(q * (flat.shape[1] - 1)) for q in QUANTILES]
    with np.errstate(all="ignore"):
        stuck = ((flat <= low + edge) | (flat >= high - edge)) & np.isfinite(flat)
        quantiles = np.partition(flat, ranks, axis=1)[:, ranks].T
        return Gate(values, span, flat.mean(axis=1), quantiles, stuck.mean(axis=1))
