"""How far back does the network remember what it read?"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from rnnviz.arrays import Array, Float, Int
from rnnviz.tasks import Batch


@dataclass(frozen=True)
class Recall:
    """How well the answers tell what was read at each lag."""

    lag: Int[Array, " K"]
    score: Float[Array, " K"]
    """Share of right symbols, or the squared correlation; NaN where nothing varies."""
    symbols: bool
    """Whether symbols were asked for, or values."""

    def to_frame(self) -> pd.DataFrame:
        """One row a lag: ``lag``, and ``accuracy`` for symbols or ``r2`` for values."""
        return pd.DataFrame({"lag": self.lag, "accuracy" if self.symbols else "r2": self.score})


def recall(y: Float[Array, "T B O"], batch: Batch) -> Recall:
    """Each answer against what was read k steps before it, for every lag k.

    For values the squared correlation, over all steps t >= k and sequences, of the first output
    with the first input k steps before: the memory function of Jaeger (2001), Short term memory
    in echo state networks, GMD Report 152, section 2. For symbols, read as a one-hot in the
    order of the classes, the share of right ones where the label is the symbol of some step
    before; a lag at which nothing was asked scores NaN.

    Parameters
    ----------
    y : the network's outputs
    batch : what it read, and was asked

    Examples
    --------
    A network that answers what it read two steps ago:

    >>> import rnnviz as rv
    >>> config = rv.RunConfig(task="delayed_recall", lag=2, steps=9, batch_size=4)
    >>> batch = rv.draw(config)
    >>> [round(float(r2), 6) for r2 in recall(batch.target, batch).score[2:3]]
    [1.0]
    """
    steps = len(batch.x)
    symbols = bool(np.issubdtype(batch.target.dtype, np.integer))
    score = _of_symbols if symbols else _of_values
    with np.errstate(all="ignore"):
        found = np.array([score(y, batch, k) for k in range(steps)])
    return Recall(np.arange(steps), found, symbols)


def _of_values(y: Array, batch: Batch, lag: int) -> float:
    """The squared correlation, at the steps that the task asks about."""
    told = batch.x[: len(y) - lag, :, 0]
    asked = batch.asked[lag:]
    answer, told = y[lag:, :, 0][asked], told[asked]
    if not len(answer):
        return np.nan
    answer, told = answer - answer.mean(), told - told.mean()
    return float((answer @ told) ** 2 / ((answer @ answer) * (told @ told)))


def _of_symbols(y: Array, batch: Batch, lag: int) -> float:
    """The share of right ones, where the symbol shown that many steps before is asked for."""
    blank = y.shape[2] - 1
    told = batch.x[: len(y) - lag].argmax(axis=2)
    label, answer = batch.target[lag:], y[lag:].argmax(axis=2)
    asked = batch.asked[lag:] & (label != blank) & (told == label)
    return float((answer == label)[asked].mean()) if asked.any() else np.nan
