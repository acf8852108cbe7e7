"""How much can k steps stretch or shrink any gradient?"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from rnnviz.arrays import Array, Float, Int
from rnnviz.jacobians import backwards, chosen_sequences
from rnnviz.log_svd import log_singular_values
from rnnviz.products import one_blas_thread
from rnnviz.record import Record

MOST_LAGS = 60
_DEFAULT_LAGS = 12
_AFFORDABLE = 5e8
"""B * k * S^3 up to which every sequence is taken: about two seconds."""


@dataclass(frozen=True)
class JacobianSpectrum:
    """The singular values of ``ds_end/ds_{end-k}``, as natural logs, largest first."""

    lags: Int[Array, " K"]
    log_singular_values: Float[Array, "B K S"]
    """Of each sequence that was taken; -inf for exact zeros, NaN for what is not finite."""
    sequences: tuple[int, ...]
    """Which sequences of the batch were taken."""
    batch_size: int
    """How many there are."""
    end: int
    """The state that each product ends at, T by default."""
    layer: str
    parts: tuple[str, ...] = ("h",)
    """What the state is made of: h and c in an LSTM."""

    @cached_property
    def median(self) -> Float[Array, "K S"]:
        """The median over the sequences, rank by rank; of an even number the lower middle one."""
        ordered = np.sort(self.log_singular_values, axis=0)
        middle: Array = ordered[(len(ordered) - 1) // 2]
        return middle

    @property
    def rank(self) -> Int[Array, " S"]:
        """1 for the largest, to S."""
        return np.arange(1, self.log_singular_values.shape[2] + 1)

    @property
    def log10(self) -> Float[Array, "K S"]:
        """The median as log10."""
        log10: Array = self.median / np.log(10)
        return log10

    def to_frame(self) -> pd.DataFrame:
        """One row a sequence, lag and rank: the natural log of the singular value."""
        B, K, S = self.log_singular_values.shape
        return pd.DataFrame(
            {
                "sequence": np.repeat(self.sequences, K * S),
                "lag": np.tile(np.repeat(self.lags, S), B),
                "rank": np.tile(self.rank, B * K),
                "log_singular_value": self.log_singular_values.ravel(),
            }
        )


def jacobian_spectrum(
    record: Record,
    lags: Sequence[int] | Int[Array, " K"] | None = None,
    *,
    sequence: int | None = None,
    layer: int | None = None,
    end: int | None = None,
) -> JacobianSpectrum:
    """The singular values of products of one-step Jacobians, each right to its last digits.

    A gradient that travels k steps back is multiplied by the transpose of
    ``ds_end/ds_{end-k}``, so its norm changes by a factor between the smallest singular value and
    the largest. What rounding leaves of a zero that no row or column of zeros shows is a number
    of about e^-36 a step. Takes of order k S^3 operations for each sequence.

    Parameters
    ----------
    record : Record
    lags : the k, 60 at most, from 0 to ``end``; about 12 of them, evenly spaced on a log scale, by
        default
    sequence : which of the batch; all of them by default, or the first where all take too long
    layer : the top one that reads forward by default; a reverse layer's states are counted as
        it goes through them
    end : the state that the products end at: T by default

    Raises
    ------
    ValueError
        If a lag, the sequence or ``end`` does not exist, or if there are too many lags.

    Examples
    --------
    >>> import rnnviz as rv
    >>> config = rv.RunConfig(cell="linear", init="identity", gain=0.5, hidden_size=3, steps=3000,
    ...                       task="sine")
    >>> found = rv.diagnostics.jacobian_spectrum(rv.run(config), [1, 3000], sequence=0)
    >>> (found.median / np.log(0.5)).round().astype(int)
    array([[   1,    1,    1],
           [3000, 3000, 3000]])
    """
    number = record.network.top if layer is None else layer
    at, seen = record.network.layers[number], record.layers[number]
    size, last = at.cell.state_size, record.steps if end is None else end
    if not 0 <= last <= record.steps:
        raise ValueError(f"end must be from 0 to {record.steps}, got {last}")
    picked = _lags(lags, last)
    cost = float(picked[-1]) * size**3
    sequences = chosen_sequences(record.batch_size, sequence, cost, _AFFORDABLE)
    with one_blas_thread():
        logs = [
            log_singular_values(
                (J.T for J in backwards(at, seen, one, last, int(picked[-1]))), picked, size
            )
            for one in sequences
        ]
    name = record.network.names[number]
    parts = at.cell.state_names
    return JacobianSpectrum(picked, np.stack(logs), sequences, record.batch_size, last, name, parts)


def _lags(lags: Sequence[int] | Array | None, last: int) -> Int[Array, " K"]:
    if lags is None:
        wanted = np.rint(np.geomspace(1, max(1, last), _DEFAULT_LAGS)).astype(np.int64)
        return np.unique(np.minimum(wanted, last))
    picked = np.unique(np.asarray(lags, np.int64))
    if not 0 < len(picked) <= MOST_LAGS or picked[0] < 0 or picked[-1] > last:
        got = f"{len(picked)} lags" + (f" from {picked[0]} to {picked[-1]}" * bool(len(picked)))
        raise ValueError(f"lags must be 1 to {MOST_LAGS} numbers from 0 to {last}, got {got}")
    return picked
