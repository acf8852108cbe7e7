"""What can one step do to a gradient, and does it repeat?"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from rnnviz.arrays import Array, Float, Int
from rnnviz.jacobians import block_size, chosen_sequences, jacobians
from rnnviz.log_svd import log_singular_values
from rnnviz.products import one_blas_thread
from rnnviz.record import Record
from rnnviz.stopping import breathe

_AFFORDABLE = 1e8
"""B * T * S^3 up to which every step of every sequence is taken: about two seconds."""
QUANTILES = (0.1, 0.5, 0.9)


@dataclass(frozen=True)
class JacobianSteps:
    """Norms and eigenvalues of the one-step Jacobians ``ds_{t+1}/ds_t``, as plain numbers."""

    steps: Int[Array, " N"]
    """The steps t that were taken."""
    norm: Float[Array, "N B"]
    """The largest singular value: what one step does to a gradient at most."""
    smallest: Float[Array, "N B"]
    """The smallest singular value; 0 where the Jacobian is singular by a row or column of zeros."""
    radius: Float[Array, "N B"]
    """The spectral radius: what the step would do if it were repeated for ever."""
    sequences: tuple[int, ...]
    batch_size: int
    every: int
    """One in how many steps was taken."""
    layer: str
    parts: tuple[str, ...] = ("h",)

    @property
    def condition(self) -> Float[Array, "N B"]:
        """The largest singular value over the smallest; infinite where that is 0."""
        with np.errstate(all="ignore"):
            ratio: Array = self.norm / self.smallest
        return ratio

    def quantiles(self, values: Float[Array, "N B"]) -> Float[Array, "3 N"]:
        """The 10, 50 and 90 % quantiles over the sequences: of a pair of middle ones the lower."""
        ordered = np.sort(values, axis=1)
        picks = [int(q * (ordered.shape[1] - 1)) for q in QUANTILES]
        return ordered[:, picks].T

    def to_frame(self) -> pd.DataFrame:
        """One row a step and sequence: norm, smallest singular value, condition, radius."""
        N, B = self.norm.shape
        names = "norm", "smallest", "condition", "radius"
        return pd.DataFrame(
            {"t": np.repeat(self.steps, B), "sequence": np.tile(self.sequences, N)}
            | {name: getattr(self, name).ravel() for name in names}
        )


def jacobian_steps(
    record: Record,
    *,
    sequence: int | None = None,
    layer: int | None = None,
    every: int | None = None,
) -> JacobianSteps:
    """The spectral norm, smallest singular value and spectral radius of each step's Jacobian.

    Pascanu, Mikolov and Bengio (2013), On the difficulty of training recurrent neural networks,
    section 2: norms below 1 at every step make gradients vanish; a radius above 1 does not make
    them explode, it only allows it.

    Parameters
    ----------
    record : Record
    sequence : which of the batch; all of them by default, or the first where all take too long
    layer : the top one that reads forward by default
    every : one in how many steps to take; as few as take about two seconds by default

    Raises
    ------
    ValueError
        If the sequence does not exist, or ``every`` is below 1.

    Examples
    --------
    >>> import rnnviz as rv
    >>> config = rv.RunConfig(cell="linear", init="identity", gain=0.5, hidden_size=3, steps=4)
    >>> found = rv.diagnostics.jacobian_steps(rv.run(config), sequence=0)
    >>> found.norm[:, 0], found.condition[:, 0]
    (array([0.5, 0.5, 0.5, 0.5]), array([1., 1., 1., 1.]))
    """
    number = record.network.top if layer is None else layer
    at, seen = record.network.layers[number], record.layers[number]
    cost = float(record.steps) * at.cell.state_size**3
    sequences = chosen_sequences(record.batch_size, sequence, cost, _AFFORDABLE)
    thin = max(1, int(np.ceil(cost * len(sequences) / _AFFORDABLE))) if every is None else every
    if thin < 1:
        raise ValueError(f"every must be at least 1, got {every}")
    steps = np.arange(0, record.steps, thin)
    many = block_size(at)
    found = np.empty((len(steps), len(sequences), 3))
    with one_blas_thread(), np.errstate(all="ignore"):
        for column, one in enumerate(sequences):
            for start in range(0, len(steps), many):
                breathe()
                block = jacobians(at, seen, one, steps[start : start + many])
                found[start : start + many, column] = [_measured(J) for J in block]
    norm, smallest, radius = np.moveaxis(found, 2, 0)
    name, parts = record.network.names[number], at.cell.state_names
    return JacobianSteps(
        steps, norm, smallest, radius, sequences, record.batch_size, thin, name, parts
    )


def _measured(J: Float[Array, "S S"]) -> tuple[float, float, float]:
    """Largest and smallest singular value, and spectral radius."""
    if not np.isfinite(J).all():
        return np.nan, np.nan, np.nan
    (values,) = np.exp(log_singular_values([J], [1], len(J)))
    return float(values[0]), float(values[-1]), float(np.abs(np.linalg.eigvals(J)).max())
