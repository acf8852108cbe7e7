"""Factors of a step: which of them takes the end colours."""

import numpy as np

from rnnviz.arrays import Array, Float

_FULL_COLOUR = (1.1, 1.2, 1.5, 2.0, 3.0, 5.0, 10.0, 100.0, 1e3, 1e6)
"""Factors per step that the end colours may stand for."""


def limit(change: Float[Array, " N"]) -> float:
    """log10 of the factor that takes the end colours: nine steps in ten lie within it."""
    size = np.sort(np.abs(change[np.isfinite(change)]))
    most = size[int(0.9 * (len(size) - 1))] if len(size) else 0.0
    enough = [factor for factor in _FULL_COLOUR if np.log10(factor) >= most]
    return float(np.log10(enough[0] if enough else _FULL_COLOUR[-1]))
