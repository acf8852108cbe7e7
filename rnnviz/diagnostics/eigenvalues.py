"""What would the recurrent weights do alone?"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from rnnviz.arrays import Array
from rnnviz.network import Network
from rnnviz.products import one_blas_thread


@dataclass(frozen=True)
class Eigenvalues:
    """Eigenvalues and singular values of one layer's recurrent weights, largest first."""

    values: Array
    """Complex, (H,)."""
    singular_values: Array
    """(H,)."""
    of: str = "W_hh"
    """What matrix they are of."""

    @property
    def spectral_radius(self) -> float:
        """The largest absolute eigenvalue: what repeated products grow by in the end."""
        return float(np.abs(self.values[0]))

    @property
    def largest_singular_value(self) -> float:
        """The most that a single product can stretch a vector."""
        return float(self.singular_values[0])

    def to_frame(self) -> pd.DataFrame:
        """One row an eigenvalue: real and imaginary part, absolute value, angle in radians."""
        return pd.DataFrame(
            {
                "real": self.values.real,
                "imaginary": self.values.imag,
                "absolute": np.abs(self.values),
                "angle": np.angle(self.values),
            }
        )


def eigenvalues(network: Network, layer: int | None = None) -> Eigenvalues:
    """Eigenvalues and singular values of what a step alone multiplies the state by.

    That is ``W_hh`` for a vanilla cell, and ``cell.recurrent`` for any. They decide the
    gradient of a linear network; a bounded unit shrinks it further, by its slope. Pascanu,
    Mikolov and Bengio (2013), section 2.1.

    Raises
    ------
    ValueError
        If the weights are not finite.
    """
    number = network.top if layer is None else layer
    at = network.layers[number]
    with np.errstate(all="ignore"):
        W = at.cell.recurrent(at.params)
    if not np.isfinite(W).all():
        raise ValueError(f"W_hh must be finite, got {(~np.isfinite(W)).sum()} entries that are not")
    with one_blas_thread():
        values, sigma = np.linalg.eigvals(W), np.linalg.svd(W, compute_uv=False)
    order = np.argsort(-np.abs(values), kind="stable")
    return Eigenvalues(values[order], sigma, at.cell.recurrent_name)
