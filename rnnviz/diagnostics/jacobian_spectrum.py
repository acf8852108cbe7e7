"""How much can k steps stretch or shrink any gradient?"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from rnnviz.arrays import Array, Float, Int
from rnnviz.graded import Factor
from rnnviz.jacobians import backwards, chosen_sequences, pulls
from rnnviz.log_svd import log_singular_values
from rnnviz.network import Layer
from rnnviz.products import one_blas_thread
from rnnviz.record import LayerRecord, Record

MOST_LAGS = 60
_DEFAULT_LAGS = 12
_AFFORDABLE = 5e8
"""B * k * S^3 up to which every sequence is taken: about two seconds."""


@dataclass(frozen=True)
class JacobianSpectrum:
    """The singular values of ``ds_end/ds_{end-k}``, as natural logs, largest first.

    Or of the rows of it that belong to some units: how those feel the state k steps before.
    """

    lags: Int[Array, " K"]
    log_singular_values: Float[Array, "B K S"]
    """Of each sequence that was taken; -inf for exact zeros, NaN for what is not finite.

    S of them, or as many as units.
    """
    sequences: tuple[int, ...]
    """Which sequences of the batch were taken."""
    batch_size: int
    """How many there are."""
    end: int
    """The state that each product ends at, T by default."""
    layer: str
    parts: tuple[str, ...] = ("h",)
    """What the state is made of: h and c in an LSTM."""
    hidden_size: int = 0
    """How many units the layer has."""
    units: tuple[int, ...] | None = None
    """The units whose rows of h were taken, from 0; None for the whole state."""

    @cached_property
    def median(self) -> Float[Array, "K S"]:
        """The median over the sequences, rank by rank; of an even number the lower middle one."""
        ordered = np.sort(self.log_singular_values, axis=0)
        middle: Array = ordered[(len(ordered) - 1) // 2]
        return middle

    @property
    def rank(self) -> Int[Array, " S"]:
        """1 for the largest, to S, or to the number of units."""
        return np.arange(1, self.log_singular_values.shape[2] + 1)

    @property
    def log10(self) -> Float[Array, "K S"]:
        """The median as log10."""
        log10: Array = self.median / np.log(10)
        return log10

    def to_frame(self) -> pd.DataFrame:
        """One row a sequence, lag and rank: the natural log of the singular value.

        And of how many units it is, of how many that there are.
        """
        B, K, S = self.log_singular_values.shape
        units = self.hidden_size if self.units is None else len(self.units)
        return pd.DataFrame(
            {
                "sequence": np.repeat(self.sequences, K * S),
                "lag": np.tile(np.repeat(self.lags, S), B),
                "rank": np.tile(self.rank, B * K),
                "log_singular_value": self.log_singular_values.ravel(),
                "units": units,
                "of_units": self.hidden_size,
            }
        )


def jacobian_spectrum(
    record: Record,
    lags: Sequence[int] | Int[Array, " K"] | None = None,
    *,
    sequence: int | None = None,
    layer: int | None = None,
    end: int | None = None,
    units: int | None = None,
) -> JacobianSpectrum:
    """The singular values of products of one-step Jacobians, each right to its last digits.

    A gradient that travels k steps back is multiplied by the transpose of
    ``ds_end/ds_{end-k}``, so its norm changes by a factor between the smallest singular value and
    the largest. What rounding leaves of a zero that no row or column of zeros shows is a number
    of about e^-36 a step. Takes of order k S^3 operations for each sequence.

    Of some units only, it is the rows of that Jacobian that belong to them: an exact answer to a
    smaller question, how these units feel the state k steps before, in n/S of the operations for
    n units. The j-th value is at most the j-th of the whole.

    Parameters
    ----------
    record : Record
    lags : the k, 60 at most, from 0 to ``end``; about 12 of them, evenly spaced on a log scale, by
        default
    sequence : which of the batch; all of them by default, or the first where all take too long
    layer : the top one that reads forward by default; a reverse layer's states are counted as
        it goes through them
    end : the state that the products end at: T by default
    units : how many units' rows of h to take, evenly spaced; the whole state's by default

    Raises
    ------
    ValueError
        If a lag, the sequence, ``end`` or as many units do not exist, or if there are too many
        lags.

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
    picked, chosen = _lags(lags, last), _units(units, at.cell.hidden_size)
    steps = int(picked[-1])
    cost = float(steps) * size**2 * (size if chosen is None else len(chosen))
    sequences = chosen_sequences(record.batch_size, sequence, cost, _AFFORDABLE)
    with one_blas_thread():
        logs = [
            log_singular_values(
                _transposed(at, seen, one, last, steps, chosen), picked, size, chosen
            )
            for one in sequences
        ]
    return JacobianSpectrum(
        picked,
        np.stack(logs),
        sequences,
        record.batch_size,
        last,
        record.network.names[number],
        at.cell.state_names,
        at.cell.hidden_size,
        None if chosen is None else tuple(chosen.tolist()),
    )


def _transposed(
    layer: Layer, seen: LayerRecord, sequence: int, end: int, steps: int, units: Array | None
) -> Iterator[Factor]:
    """What a gradient is multiplied by, step by step; written down only for the whole state."""
    if units is not None:
        return pulls(layer, seen, sequence, end, steps)
    return (J.T for J in backwards(layer, seen, sequence, end, steps))


def _units(units: int | None, hidden_size: int) -> Int[Array, " N"] | None:
    """So many units, evenly spaced, the first and the last among them."""
    if units is None:
        return None
    if not 1 <= units <= hidden_size:
        raise ValueError(f"units must be from 1 to {hidden_size}, got {units}")
    return np.rint(np.linspace(0, hidden_size - 1, units)).astype(np.int64)


def _lags(lags: Sequence[int] | Array | None, last: int) -> Int[Array, " K"]:
    if lags is None:
        wanted = np.rint(np.geomspace(1, max(1, last), _DEFAULT_LAGS)).astype(np.int64)
        return np.unique(np.minimum(wanted, last))
    picked = np.unique(np.asarray(lags, np.int64))
    if not 0 < len(picked) <= MOST_LAGS or picked[0] < 0 or picked[-1] > last:
        got = f"{len(picked)} lags" + (f" from {picked[0]} to {picked[-1]}" * bool(len(picked)))
        raise ValueError(f"lags must be 1 to {MOST_LAGS} numbers from 0 to {last}, got {got}")
    return picked
