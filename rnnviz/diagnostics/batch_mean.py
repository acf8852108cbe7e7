"""Does the gradient vanish, or do the sequences of the batch only disagree?"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from rnnviz.adjoint import Scaled
from rnnviz.arrays import Array, Float, Int
from rnnviz.diagnostics.gradient_flow import Source, gradient_flow
from rnnviz.record import Record

_LOG10_2 = np.log10(2.0)
_FAR = 1 << 14
"""More powers of two than any float spans."""


@dataclass(frozen=True)
class BatchMean:
    """The norm of the batch mean of dL/ds_t, and the batch mean of its norms, in log10."""

    source: Source
    """The loss that travels back: of every step ("total") or of the last one that has any."""
    loss_state: int
    """The state that the travelling loss looks at first: lag 0."""
    norm_of_mean: Float[Array, " N"]
    """log10 of the Euclidean norm of the mean over the batch; -inf for exact zeros."""
    mean_of_norms: Float[Array, " N"]
    """log10 of the mean over the batch of the Euclidean norm, as ``gradient_flow`` has it."""
    layer: str
    parts: tuple[str, ...]
    """What the state is made of: h and c in an LSTM."""
    batch_size: int

    @property
    def t(self) -> Int[Array, " N"]:
        """Index of each state, 0 to T, as the layer goes through them."""
        return np.arange(len(self.norm_of_mean))

    @property
    def lag(self) -> Int[Array, " N"]:
        """How far back from the loss each state lies; negative behind it."""
        return self.loss_state - self.t

    @property
    def coherence(self) -> Float[Array, " N"]:
        """The first by the second: 1 where all sequences pull the same way, 0 where they cancel.

        NaN where nothing flows.
        """
        with np.errstate(all="ignore"):
            coherence: Array = 10.0 ** (self.norm_of_mean - self.mean_of_norms)
        return coherence

    @property
    def independent(self) -> float:
        """1 / sqrt(B): about what gradients of equal norm in independent directions give.

        The root mean square of it is exactly that.
        """
        return float(1 / np.sqrt(self.batch_size))

    def to_frame(self) -> pd.DataFrame:
        """One row a state: t, lag, log10 of both norms, coherence."""
        return pd.DataFrame(
            {
                "t": self.t,
                "lag": self.lag,
                "log10_norm_of_mean": self.norm_of_mean,
                "log10_mean_of_norms": self.mean_of_norms,
                "coherence": self.coherence,
            }
        )


def batch_mean(record: Record, source: Source = "last", layer: int | None = None) -> BatchMean:
    """The norm of the mean and the mean of the norms of dL/ds_t over the batch, at every state.

    What a parameter is moved by is summed over the batch, so gradients that point different ways
    cancel in it. That is no vanishing: each of them may be as large as ever.

    Parameters
    ----------
    record : Record
    source : "last" for the loss of the last step that has any, "total" for the whole loss
    layer : the top one by default; a reverse layer's states are counted as it goes through them

    Examples
    --------
    >>> import rnnviz as rv
    >>> result = batch_mean(rv.run(rv.RunConfig(steps=20, hidden_size=8, batch_size=4)))
    >>> result.coherence.shape, result.independent
    ((21,), 0.5)
    """
    flow = gradient_flow(record, source, layer)
    number = record.network.top if layer is None else layer
    return BatchMean(
        source,
        flow.loss_state,
        _log10_norm_of_mean(flow.derivative),
        flow.log10_norm,
        record.network.names[number],
        flow.parts,
        record.batch_size,
    )


def _log10_norm_of_mean(derivative: Scaled) -> Float[Array, " N"]:
    """The mean of numbers of different scales, taken at the largest scale of each state."""
    with np.errstate(all="ignore"):
        alive: Array = np.any(derivative.mantissa, axis=2)
        lowest = np.iinfo(np.int64).min // 2
        top = np.where(alive, derivative.exponent, lowest).max(axis=1)
        top = np.where(np.any(alive, axis=1), top, 0)
        shift = np.clip(derivative.exponent - top[:, None], -_FAR, 0).astype(np.int32)
        mean = np.ldexp(derivative.mantissa, shift[..., None]).mean(axis=1, dtype=np.float64)
        log10: Array = np.log10(np.sqrt(np.einsum("ts,ts->t", mean, mean))) + top * _LOG10_2
    return log10
