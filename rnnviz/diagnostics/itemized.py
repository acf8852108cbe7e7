"""Which step's loss sends how much gradient to which state?"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from rnnviz.arrays import Array, Float, Int
from rnnviz.products import one_blas_thread
from rnnviz.record import Record
from rnnviz.sources import Wave, waves

_LOG10_2 = np.log10(2.0)
_NONE = -(1 << 40)
"""The exponent of an exact zero, when it is compared with others."""
_FAR = 1 << 14


@dataclass(frozen=True)
class Itemized:
    """The norm of dL_s/ds_t, of the loss at each step s alone by each state t, in log10."""

    sources: Int[Array, " K"]
    """The steps whose losses travel, one a row."""
    log10_norm: Float[Array, "K N"]
    """log10 of the batch mean of the Euclidean norm; -inf where nothing flows.

    The first state that the loss at step s feels is s + 1. No later one feels it.
    """
    every: int
    """One in how many steps is a source, counted back from the last step with a loss."""
    layer: str
    parts: tuple[str, ...]
    """What the state is made of: h and c in an LSTM."""
    batch_size: int

    @property
    def t(self) -> Int[Array, " N"]:
        """Index of each state, 0 to T."""
        return np.arange(self.log10_norm.shape[1])

    @property
    def lag(self) -> Int[Array, "K N"]:
        """How far back from the first state that each loss feels; negative behind it."""
        return self.sources[:, None] + 1 - self.t

    @property
    def log10_total(self) -> Float[Array, " N"]:
        """log10 of what the norms of all the sources add up to at each state.

        Not the norm of the sum: losses that pull against each other cancel in that, and not here.
        """
        total: Array = self.log10_bands(1)[0]
        return total

    @property
    def log10_share(self) -> Float[Array, "K N"]:
        """log10 of each norm over what they all add up to at the state; NaN where that is 0."""
        with np.errstate(invalid="ignore"):
            return self.log10_norm - self.log10_total

    def log10_bands(self, count: int) -> Float[Array, "M N"]:
        """log10 of the sums of the norms over neighbouring sources, in ``count`` bands of them."""
        starts = self.band_starts(count)
        with np.errstate(all="ignore"):
            top = np.where(np.isfinite(self.log10_norm), self.log10_norm, -np.inf).max(axis=0)
            top[~np.isfinite(top)] = 0
            sums = np.add.reduceat(10.0 ** (self.log10_norm - top), starts, axis=0)
            bands: Array = np.log10(sums) + top
        return bands

    def band_starts(self, count: int) -> Int[Array, " M"]:
        """The row of the first source of each band; no more bands than sources."""
        return np.unique(np.arange(count) * len(self.sources) // count)

    def to_frame(self) -> pd.DataFrame:
        """One row a source and state that it may reach: source, t, lag, log10 of the mean norm."""
        row, t = np.nonzero(self.lag >= 0)
        source = self.sources[row]
        log10_norm = self.log10_norm[row, t]
        return pd.DataFrame(
            {"source": source, "t": t, "lag": source + 1 - t, "log10_norm": log10_norm}
        )


def itemized(record: Record, *, every: int = 1, layer: int | None = None) -> Itemized:
    """The norm of dL_s/ds_t for every source step s and every state t, in log10.

    Each step's loss travels back by itself, with its scale carried along: 1e-900 is a number. The
    derivatives, not their norms, add up to dL/ds_t. Cashman, Patterson, Mosca, Watts, Robinson
    and Chang (2018), RNNbow: visualizing learning via backpropagation gradients in RNNs, IEEE
    Computer Graphics and Applications 38(6).

    Parameters
    ----------
    record : Record
    every : one in how many steps is a source, counted back from the last step with a loss. The
        work grows with the number of sources times T: a half of all T * T pairs where every = 1
    layer : the top one by default

    Raises
    ------
    ValueError
        If the network also reads in reverse, or ``every`` is not at least 1.

    Examples
    --------
    >>> import rnnviz as rv
    >>> config = rv.RunConfig(cell="linear", init="identity", gain=0.5, steps=4, task="sine",
    ...                       loss_at="all", batch_size=1, hidden_size=3)
    >>> result = itemized(rv.run(config))
    >>> result.log10_norm.shape, result.sources.tolist()
    ((4, 5), [0, 1, 2, 3])
    >>> np.round(10 ** (result.log10_norm[3] - result.log10_norm[3, 4]), 4).tolist()
    [0.0625, 0.125, 0.25, 0.5, 1.0]
    """
    number = record.network.top if layer is None else layer
    sources, fed = chosen(record, every)
    log10 = np.full((len(sources), record.steps + 1), -np.inf)
    row = np.zeros(record.steps, np.int64)
    row[sources] = np.arange(len(sources))
    with np.errstate(all="ignore"), one_blas_thread():
        scales = _Scales()
        for wave in waves(record, fed, number):
            log10[row[wave.sources], wave.t] = scales.log10_mean(wave)
    seen, cell = record.network.names[number], record.network.layers[number].cell
    return Itemized(sources, log10, every, seen, cell.state_names, record.batch_size)


def chosen(record: Record, every: int) -> tuple[Int[Array, " K"], Int[Array, " M"]]:
    """Every n-th step back from the last with a loss, and those of them that have one."""
    if every < 1:
        raise ValueError(f"every must be at least 1, got {every}")
    fed: Array = np.any(record.dy, axis=(1, 2))
    last = int(np.flatnonzero(fed)[-1]) if fed.any() else record.steps - 1
    sources = np.arange(last % every, record.steps, every)
    return sources, sources[fed[sources]]


class _Scales:
    """What the scales of the sequences weigh in a mean, kept while they stay as they are."""

    def __init__(self) -> None:
        self.exponent = np.empty((0, 0), np.int64)

    def log10_mean(self, wave: Wave) -> Float[Array, " K"]:
        """log10 of the mean norm over the batch, whatever the scales of its sequences."""
        norm = np.sqrt(wave.squares)
        if not (norm.min() > 0 and norm.max() < np.inf):
            top, shift = _shifts(np.where(norm == 0, _NONE, wave.exponent))
            mean: Array = np.log10(np.ldexp(norm, shift).mean(axis=1)) + top * _LOG10_2
            return mean
        if not np.array_equal(wave.exponent, self.exponent):
            self.exponent = wave.exponent.copy()
            top, shift = _shifts(self.exponent)
            self.weights = np.ldexp(1 / norm.shape[1], shift)
            self.log10_top = top * _LOG10_2
        log10: Array = np.log10(np.vecdot(norm, self.weights)) + self.log10_top
        return log10


def _shifts(exponent: Int[Array, "K B"]) -> tuple[Int[Array, " K"], Int[Array, "K B"]]:
    """The largest exponent of each source, and how far the others are below it."""
    top = exponent.max(axis=1)
    return top, np.maximum(exponent - top[:, None], -_FAR).astype(np.int32)
