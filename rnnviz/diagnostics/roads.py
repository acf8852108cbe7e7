"""Which way does the gradient travel?"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from rnnviz.adjoint import Scaled, scaled_bptt
from rnnviz.arrays import Array, Float, Int
from rnnviz.cells import Adjoint, Highway, Tape
from rnnviz.diagnostics.gradient_flow import derivative_from, log10_mean
from rnnviz.network import Layer
from rnnviz.record import LayerRecord, Record
from rnnviz.stopping import breathe


@dataclass(frozen=True)
class Roads:
    """The last step's loss, by one part of the state: what came the highway alone, and the rest.

    Every norm is log10 of the batch mean of the Euclidean norm, at lag 0, 1, 2, ... from where
    the gradient enters the layer. The roads add up as vectors, and so not their norms.
    """

    part: str
    """The part of the state that the highway runs along: ``h`` or ``c``."""
    t: Int[Array, " K"]
    """Index in time of the state at each lag; it rises with the lag in a reverse layer."""
    total: Float[Array, " K"]
    """The derivative by this part as it is handed on, at lag 0 the total one."""
    highway: Float[Array, " K"]
    """The total derivative at lag 0 times the factor of each step in between, and nothing else."""
    rest: Float[Array, " K"]
    """What passed a gate, a weight or another layer at least once on its way."""
    layer: str
    batch_size: int

    @property
    def lag(self) -> Int[Array, " K"]:
        """Steps back from where the gradient enters the layer."""
        return np.arange(len(self.total))

    @property
    def share(self) -> Float[Array, " K"]:
        """The highway's norm by the total one.

        Above 1 where the other ways work against it, NaN where nothing arrives.
        """
        with np.errstate(all="ignore"):
            share: Array = 10.0 ** (self.highway - self.total)
        return share

    def to_frame(self) -> pd.DataFrame:
        """One row a lag: t, log10 of the three norms, and the highway's share."""
        return pd.DataFrame(
            {
                "lag": self.lag,
                "t": self.t,
                "log10_total": self.total,
                "log10_highway": self.highway,
                "log10_rest": self.rest,
                "highway_share": self.share,
            }
        )


def roads(record: Record, layer: int | None = None) -> Roads:
    """How much of the last step's gradient travelled the highway of a gated cell alone.

    An LSTM's cell state is handed on times the forget gate, a GRU's hidden state times the update
    gate: Hochreiter and Schmidhuber (1997), section 4 (the constant error carousel), and Gers,
    Schmidhuber and Cummins (2000). The highway at lag k is the total derivative by that part
    where the gradient enters, times the factors of the k steps between. What leaves the highway
    and comes back to it is of the rest. For an LSTM the handed derivative at lag 1 is all
    highway: the first that can come back does at lag 2. A rest below 1e-16 of the total (1e-7 in
    float32) is rounding.

    Parameters
    ----------
    record : Record
    layer : the top one that reads forward by default

    Raises
    ------
    ValueError
        If the cell has no highway.

    Examples
    --------
    Without weights, a forget gate of 1/2 is all there is:

    >>> import rnnviz as rv
    >>> config = rv.RunConfig(cell="lstm", steps=5, gain=0, input_scale=0, bias="zero")
    >>> result = roads(rv.run(config))
    >>> (10 ** (result.highway - result.highway[0])).round(12).tolist()
    [1.0, 0.5, 0.25, 0.125, 0.0625, 0.03125]
    >>> result.share.tolist()
    [1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    """
    number = record.network.top if layer is None else layer
    at, seen = record.network.layers[number], record.layers[number]
    highway = at.cell.highway(at.params, seen.tape)
    if highway is None:
        raise ValueError(f"roads takes a cell with a way past its weights, got {at.cell.title}")
    flow = scaled_bptt(record, derivative_from(record, "last")[0])[number]
    reached = np.flatnonzero(flow.mantissa.any(axis=(1, 2)))
    start = max(1, int(reached[-1])) if len(reached) else record.steps
    total = _part(at, highway.part, flow, start)
    if highway.part != "h":
        _put(total, start, _entering(at, seen, flow, start, highway.part))
    straight, other = _split(total, highway)
    states = np.arange(start, -1, -1)
    return Roads(
        part=highway.part,
        t=record.steps - states if at.reverse else states,
        total=_by_lag(total),
        highway=_by_lag(straight),
        rest=_by_lag(other),
        layer=record.network.names[number],
        batch_size=record.batch_size,
    )


def _by_lag(road: Scaled) -> Float[Array, " K"]:
    return log10_mean(road.log10_norm()[::-1])


def _split(total: Scaled, highway: Highway) -> tuple[Scaled, Scaled]:
    """What of the total came the highway alone, and the rest.

    What is new at a step is the total less what the factor leaves of the total after it: so the
    rest is exactly zero where nothing else arrives.
    """
    start = len(total.mantissa) - 1
    alone, rest = _like(total), _like(total)
    straight = _row(total, start)
    other = Scaled(np.zeros_like(straight.mantissa), straight.exponent)
    _put(alone, start, straight)
    _put(rest, start, other)
    for t in reversed(range(start)):
        breathe()
        kept = highway.kept[t]
        new = _row(total, t).plus(_row(total, t + 1).times(-kept))
        straight, other = straight.times(kept), other.times(kept).plus(new)
        _put(alone, t, straight)
        _put(rest, t, other)
    return alone, rest


def _entering(layer: Layer, seen: LayerRecord, flow: Scaled, start: int, name: str) -> Scaled:
    """The total derivative by an inner part where the gradient enters, from one step back."""
    step, tape = slice(start - 1, start), seen.tape
    one = Tape(
        tape.a[step],
        {part: state[start - 1 : start + 1] for part, state in tape.states.items()},
        {gate: values[step] for gate, values in tape.gates.items()},
        {what: kept[step] for what, kept in tape.kept.items()},
    )
    parts = {part: np.zeros_like(state) for part, state in one.states.items()}
    split = np.split(flow.mantissa[start], len(parts), axis=-1)
    for part, piece in zip(parts.values(), split, strict=True):
        part[1] = piece
    inner = {key: np.zeros_like(part) for key, part in parts.items() if key != "h"}
    da = np.empty_like(one.a)
    with np.errstate(all="ignore"):
        layer.cell.backward(layer.params, one, Adjoint(parts, da, inner))(0)
    return Scaled(inner[name][1], flow.exponent[start])


def _part(layer: Layer, name: str, flow: Scaled, start: int) -> Scaled:
    """The derivative by one part of the state, up to where the gradient enters: a copy."""
    H = layer.cell.hidden_size
    first = layer.cell.state_names.index(name) * H
    part = flow.mantissa[: start + 1, :, first : first + H].copy()
    return Scaled(part, flow.exponent[: start + 1].copy())


def _like(scaled: Scaled) -> Scaled:
    return Scaled(np.empty_like(scaled.mantissa), np.empty_like(scaled.exponent))


def _row(scaled: Scaled, t: int) -> Scaled:
    return Scaled(scaled.mantissa[t], scaled.exponent[t])


def _put(scaled: Scaled, t: int, row: Scaled) -> None:
    scaled.mantissa[t], scaled.exponent[t] = row.mantissa, row.exponent
