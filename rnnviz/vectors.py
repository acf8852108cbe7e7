"""All parameters as one vector, and how far each of them moved."""

import numpy as np

from rnnviz.arrays import Array, Float, Int, Params, frozen
from rnnviz.optim import norm


def flat(params: Params) -> Float[Array, " N"]:
    """All parameters as one vector."""
    return np.concatenate([W.ravel() for W in params.values()])


def named(theta: Float[Array, " N"], like: Params) -> Params:
    """The vector's parts as parameters named and shaped as these; it is read-only from here on."""
    frozen(theta)
    starts = [*_starts(like).tolist(), len(theta)]
    parts = zip(like.items(), starts, starts[1:], strict=False)
    return {name: theta[a:b].reshape(W.shape) for (name, W), a, b in parts}


def _starts(params: Params) -> Int[Array, " P"]:
    """Where each parameter starts in the vector of all."""
    return np.cumsum([0, *(W.size for W in params.values())])[:-1]


def update_ratios(before: Params, theta: Float[Array, " N"], after: Params) -> Float[Array, " P"]:
    """log10 of ||W_after - W|| / ||W|| for each parameter W; ``theta`` is all W as one vector.

    -inf where nothing moved, NaN where W was 0.

    Examples
    --------
    >>> before = {"W": np.array([3.0, 4.0]), "b": np.array([0.0])}
    >>> after = {"W": np.array([3.0, 4.05]), "b": np.array([1.0])}
    >>> update_ratios(before, flat(before), after).round(6).tolist()
    [-2.0, nan]
    """
    starts = _starts(before)
    with np.errstate(all="ignore"):
        moved = flat(after) - theta
        squares = [
            np.add.reduceat(np.multiply(v, v, dtype=np.float64), starts) for v in (moved, theta)
        ]
        lengths = [np.sqrt(square) for square in squares]
        for length, square, vector in zip(lengths, squares, (moved, theta), strict=True):
            for n in np.flatnonzero(~((square > _LOW) & (square < _HIGH))):
                end = starts[n + 1] if n + 1 < len(starts) else None
                length[n] = norm(vector[starts[n] : end].astype(float))
        ratio = np.log10(lengths[0]) - np.log10(lengths[1])
    return np.where(lengths[1] == 0, np.nan, ratio)


_LOW, _HIGH = 1e-290, 1e290
"""Sums of squares outside of these may have lost some to under- or overflow."""
