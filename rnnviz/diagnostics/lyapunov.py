"""At what rate do nearby states part or meet, and gradients grow or shrink?"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from rnnviz.adjoint import pull_back
from rnnviz.arrays import Array, Float
from rnnviz.record import Record


@dataclass(frozen=True)
class Lyapunov:
    """Lyapunov exponents of one layer, in nats per step, largest first."""

    exponents: Float[Array, " K"]
    """Batch mean of each sequence's exponents; -inf where nothing is left of a direction."""
    by_sequence: Float[Array, "B K"]

    @property
    def largest(self) -> float:
        """The largest: positive where near states part, and gradients explode."""
        return float(self.exponents[0])

    def to_frame(self) -> pd.DataFrame:
        """One row an exponent: its rank and its batch mean, in nats per step."""
        return pd.DataFrame(
            {"rank": np.arange(1, len(self.exponents) + 1), "exponent": self.exponents}
        )


def lyapunov(record: Record, count: int | None = None, layer: int | None = None) -> Lyapunov:
    """The largest exponents, from the one-step Jacobians along the record's own states.

    Engelken, Wolf and Abbott (2023), Lyapunov spectra of chaotic recurrent neural networks,
    appendix on the algorithm: an orthonormal frame is carried through the product of Jacobians
    and made orthonormal again at each step; the logs of the stretches are averaged. Ours is
    carried by the transposed Jacobians, which have the same exponents, so that the code whose
    gradients are checked is the code that is measured.

    Parameters
    ----------
    record : Record
    count : how many exponents; all S by default
    layer : the top one by default

    Examples
    --------
    >>> import rnnviz as rv
    >>> config = rv.RunConfig(cell="linear", init="orthogonal", gain=0.5, hidden_size=4, steps=9)
    >>> bool(np.allclose(rv.diagnostics.lyapunov(rv.run(config)).exponents, np.log(0.5)))
    True
    """
    number = record.network.top if layer is None else layer
    at, seen = record.network.layers[number], record.layers[number]
    size = at.cell.state_size
    K = size if count is None else min(count, size)
    rng = np.random.default_rng(0)
    frame = np.linalg.qr(rng.normal(size=(record.batch_size, size, K)))[0]
    last = np.ascontiguousarray(np.moveaxis(frame, 2, 0), seen.s.dtype)
    total = np.zeros((record.batch_size, K))
    with np.errstate(all="ignore"):
        for vectors in pull_back(at, seen, last):
            total += _make_orthonormal(vectors)
    by_sequence = -np.sort(-total / record.steps, axis=1)
    return Lyapunov(by_sequence.mean(axis=0), by_sequence)


def _make_orthonormal(vectors: Float[Array, "K B S"]) -> Float[Array, "B K"]:
    """Make each sequence's vectors orthonormal in place; the log of how far each was stretched."""
    if len(vectors) == 1:
        stretch = np.sqrt(np.einsum("kbs,kbs->bk", vectors, vectors))
        np.divide(vectors, stretch.T[..., None], out=vectors, where=stretch.T[..., None] > 0)
        return _log(stretch)
    if not np.isfinite(vectors).all():
        return np.full(vectors.shape[1::-1], np.nan)
    q, r = np.linalg.qr(np.moveaxis(vectors, 0, 2))
    vectors[:] = np.moveaxis(q, 2, 0)
    return _log(np.abs(np.diagonal(r, axis1=1, axis2=2)))


def _log(stretch: Float[Array, "B K"]) -> Float[Array, "B K"]:
    log: Array = np.log(stretch)
    return log
