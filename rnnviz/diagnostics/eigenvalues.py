"""What would the recurrent weights do alone?"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from rnnviz.arrays import Array
from rnnviz.network import Network


@dataclass(frozen=True)
class Eigenvalues:
    """Eigenvalues and singular values of one layer's recurrent weights, largest first."""

    values: Array
    """Complex, (H,)."""
    singular_values: Array
    """(H,)."""

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


def eigenvalues(network: Network, layer: int = -1) -> Eigenvalues:
    """Eigenvalues and singular values of ``W_hh``.

    They decide the gradient of a linear network; a bounded unit shrinks it further, by its
    slope. Pascanu, Mikolov and Bengio (2013), section 2.1.

    Raises
    ------
    ValueError
        If the weights are not finite.
    """
    W_hh = network.layers[layer].params["W_hh"]
    if not np.isfinite(W_hh).all():
        raise ValueError(
            f"W_hh must be finite, got {(~np.isfinite(W_hh)).sum()} entries that are not"
        )
    values = np.linalg.eigvals(W_hh)
    order = np.argsort(-np.abs(values), kind="stable")
    return Eigenvalues(values[order], np.linalg.svd(W_hh, compute_uv=False))
