"""From which lag on does a precision lose the gradient?"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from rnnviz.adjoint import scaled_bptt
from rnnviz.arrays import Array, Float, Int
from rnnviz.bptt import bptt
from rnnviz.diagnostics.gradient_flow import Source, derivative_from, log10_mean
from rnnviz.diagnostics.half import half_bptt
from rnnviz.network import Network
from rnnviz.record import Record

KINDS = ("zero", "subnormal", "infinite", "nan")
OFF = 2.0
"""The factor between its norm and the truth's from which on a precision is said to be wrong."""


@dataclass(frozen=True)
class Computed:
    """The gradient by lag as one precision has it, with the loss scale divided out."""

    name: str
    """The precision: ``float64``, ``float32`` or ``float16``."""
    log10_norm: Float[Array, " K"]
    """log10 of the batch mean of the Euclidean norm; -inf where every entry is exactly 0."""
    counts: dict[str, Int[Array, " K"]]
    """How many entries at each lag are exactly zero, subnormal, infinite or NaN."""
    entries: int
    """At each lag: B*S."""
    loss_scale: float

    @property
    def smallest_normal(self) -> float:
        """log10 of the smallest number that has all its digits, by the loss scale."""
        return self._log10(float(np.finfo(self.name).smallest_normal))

    @property
    def smallest_subnormal(self) -> float:
        """log10 of the smallest number that is not 0, by the loss scale."""
        info = np.finfo(self.name)
        return self._log10(float(info.smallest_normal)) + float(np.log10(float(info.eps)))

    @property
    def largest(self) -> float:
        """log10 of the largest number that is not infinite, by the loss scale."""
        return self._log10(float(np.finfo(self.name).max))

    @property
    def zero_from(self) -> int | None:
        """The first lag at which every entry is exactly 0, or None."""
        return _first(self.counts["zero"] == self.entries)

    @property
    def infinite_from(self) -> int | None:
        """The first lag at which an entry is infinite, or None."""
        return _first(self.counts["infinite"] > 0)

    @property
    def nan_from(self) -> int | None:
        """The first lag at which an entry is NaN, or None."""
        return _first(self.counts["nan"] > 0)

    def share(self, kind: str) -> Float[Array, " K"]:
        """What share of the entries is ``zero``, ``subnormal``, ``infinite`` or ``nan``."""
        return self.counts[kind] / self.entries

    def _log10(self, value: float) -> float:
        return float(np.log10(value) - np.log10(self.loss_scale))


@dataclass(frozen=True)
class Precision:
    """One run's gradient in three precisions, by lag."""

    float64: Computed
    """The truth: its scale is carried along, so that its norm may be far below any float64.

    Its counts are of the same numbers held as plain float64, without the loss scale.
    """
    float32: Computed
    float16: Computed
    source: Source
    loss_scale: float
    layer: str
    parts: tuple[str, ...]
    """What the state is made of: h, or h and c."""
    batch_size: int

    @property
    def all(self) -> tuple[Computed, Computed, Computed]:
        """From the most digits to the fewest."""
        return self.float64, self.float32, self.float16

    @property
    def lag(self) -> Int[Array, " K"]:
        """Steps back from the loss."""
        return np.arange(len(self.float64.log10_norm))

    @property
    def sentence(self) -> str:
        """Where each of the smaller precisions ends."""
        return " ".join(
            f"In {one.name} the gradient is {_end(one, self.off_from(one))}."
            for one in (self.float32, self.float16)
        )

    def off_from(self, one: Computed) -> int | None:
        """The first lag at which this norm is more than twice off the truth, or None.

        Where a gate keeps more than half, rounding to the nearest keeps the smallest subnormal
        number for ever: such a gradient is wrong without ever becoming zero.
        """
        with np.errstate(invalid="ignore"):
            off = np.abs(one.log10_norm - self.float64.log10_norm)
        return _first(off > np.log10(OFF))

    def to_frame(self) -> pd.DataFrame:
        """One row a precision and lag: log10 of the norm, and the share of each kind of entry."""
        return pd.concat(
            [
                pd.DataFrame(
                    {"precision": one.name, "lag": self.lag, "log10_norm": one.log10_norm}
                    | {kind: one.share(kind) for kind in KINDS}
                )
                for one in self.all
            ],
            ignore_index=True,
        )


def precision(
    record: Record,
    source: Source = "last",
    layer: int | None = None,
    *,
    loss_scale: float = 1.0,
) -> Precision:
    """The same run in float64, float32 and emulated float16: where each loses its gradient.

    The inputs, the weights, the initial states and the derivative by the outputs are the
    record's, rounded to each precision; forward and backward pass are run again in it. float64 is
    the truth, with its scale carried along. float32 is plain. float16 is emulated: between steps
    every stored number, forward and back, is rounded to the nearest float16, and within a step
    arithmetic is float32. Subnormal numbers are kept, as NumPy keeps them; a device that flushes
    them to zero loses the gradient earlier, at the smallest normal number.

    Parameters
    ----------
    record : Record
    source : "last" for the loss of the last step that has any, "total" for the whole loss
    layer : the top one that reads forward by default
    loss_scale : multiplies the derivative by the outputs in float32 and float16, and is divided
        out of every norm and limit: Micikevicius et al. (2018), Mixed precision training, ICLR,
        section 3.2

    Raises
    ------
    ValueError
        If ``loss_scale`` is not a positive finite number.

    Examples
    --------
    A gradient of 1 that halves at each step is subnormal below 2**-14, and 0 below 2**-24:

    >>> import rnnviz as rv
    >>> W = {"W_ih": np.ones((1, 1)), "W_hh": np.full((1, 1), 0.5), "b_ih": np.zeros(1)}
    >>> network = rv.Network([rv.Layer(rv.CELLS["linear"](1, 1), W)])
    >>> target = np.full((40, 1, 1), -0.5)
    >>> last = np.arange(40)[:, None] == 39
    >>> record = rv.bptt(network, np.zeros((40, 1, 1)), rv.losses.MSE(target, last))
    >>> half = precision(record).float16
    >>> half.zero_from, np.flatnonzero(half.counts["subnormal"]).tolist()
    (25, [15, 16, 17, 18, 19, 20, 21, 22, 23, 24])
    """
    if not (0 < loss_scale < np.inf):
        raise ValueError(f"loss_scale must be positive and finite, got {loss_scale}")
    number = record.network.top if layer is None else layer
    dy, last = derivative_from(record, source)
    at = record.steps - last if record.network.layers[number].reverse else last + 1
    with np.errstate(all="ignore"):
        scaled_dy = dy.astype(np.float64) * loss_scale
        single = _run_in(record, np.float32, scaled_dy).layers[number].ds
        half = half_bptt(record, scaled_dy)[number]
        truth = _truth(record, dy, number, at)
        float32 = _plain(single[at::-1], "float32", loss_scale)
        float16 = _plain(half[at::-1], "float16", loss_scale)
    return Precision(
        truth,
        float32,
        float16,
        source=source,
        loss_scale=loss_scale,
        layer=record.network.names[number],
        parts=record.network.layers[number].cell.state_names,
        batch_size=record.batch_size,
    )


@dataclass(frozen=True)
class _Given:
    """A loss whose derivative is known beforehand."""

    dy: Array

    def value_and_grad(self, y: Array) -> tuple[Array, Array]:
        return np.zeros(len(y), y.dtype), self.dy


def _run_in(record: Record, dtype: type[np.floating], dy: Array) -> Record:
    """The same run in another precision, with this derivative by the outputs."""
    starts = [layer.s[0].astype(dtype) for layer in record.layers]
    network = _cast(record.network, dtype)
    return bptt(network, record.x.astype(dtype), _Given(dy.astype(dtype)), starts)


def _cast(network: Network, dtype: type[np.floating]) -> Network:
    return network.with_params({name: W.astype(dtype) for name, W in network.params.items()})


def _truth(record: Record, dy: Array, number: int, at: int) -> Computed:
    if record.x.dtype != np.float64:
        record = _run_in(record, np.float64, dy)
        dy = record.dy
    flow = scaled_bptt(record, dy)[number]
    norm = log10_mean(flow.log10_norm())[at::-1]
    return replace(_plain(flow.value()[at::-1], "float64", 1.0), log10_norm=norm)


def _plain(values: Float[Array, "K B S"], name: str, loss_scale: float) -> Computed:
    """The norms and the kinds of entries of plain numbers, a lag at a time."""
    tiny = float(np.finfo(name).smallest_normal)
    tests: dict[str, Callable[[Array], Array]] = {
        "zero": lambda size: size == 0,
        "subnormal": lambda size: (size > 0) & (size < tiny),
        "infinite": np.isinf,
        "nan": np.isnan,
    }
    norms = np.empty(values.shape[:2])
    counts = {kind: np.zeros(len(values), np.int64) for kind in KINDS}
    for lag, now in enumerate(values):
        size = np.abs(now.astype(np.float64))
        top = size.max(axis=1, keepdims=True)
        top[~((top > 0) & (top < np.inf))] = 1
        norms[lag] = np.log10(np.linalg.norm(size / top, axis=1)) + np.log10(top[:, 0])
        for kind, test in tests.items():
            counts[kind][lag] = np.count_nonzero(test(size))
    norm = log10_mean(norms) - np.log10(loss_scale)
    return Computed(name, norm, counts, values[0].size, loss_scale)


def _first(where: Array) -> int | None:
    lags = np.flatnonzero(where)
    return int(lags[0]) if len(lags) else None


def _end(one: Computed, off_from: int | None) -> str:
    """How a precision's gradient ends, in words."""
    ends = {
        "more than twice off the truth": off_from,
        "exactly 0": one.zero_from,
        "infinite in part": one.infinite_from,
        "not a number in part": one.nan_from,
    }
    found = [(lag, word) for word, lag in ends.items() if lag is not None]
    words = ", ".join(f"{word} from lag {lag} back" for lag, word in sorted(found))
    return words or "near the truth at every lag"
