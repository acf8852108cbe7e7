"""Singular values of a long product of matrices, as logs: right to the last one, at any length.

The product is kept as Q diag(exp(d)) R (``graded.py``). One-sided Jacobi then finds each singular
value of diag(exp(d)) R to a relative error that does not depend on d: Drmac and Veselic (2008),
New fast and accurate Jacobi SVD algorithm I, SIAM J. Matrix Anal. Appl. 29 (LAPACK's gejsv).
"""

from collections.abc import Iterable, Sequence

import numpy as np
from scipy.linalg import lapack

from rnnviz.arrays import Array, Float, Int
from rnnviz.graded import Factor, Graded, absorbed, put_together, qr
from rnnviz.stopping import breathe

_CORE, _MARGIN = 200.0, 60.0
"""Nats of a window whose singular values are taken, and of what is looked at around it."""


def log_singular_values(
    matrices: Iterable[Factor],
    lags: Sequence[int] | Int[Array, " K"],
    size: int,
    columns: Int[Array, " N"] | None = None,
) -> Float[Array, "K N"]:
    """Natural logs of the singular values of the products of the first k matrices, largest first.

    Parameters
    ----------
    matrices : each multiplies what comes before it from the left
    lags : the k, rising; -inf is an exact zero, and NaN what has no finite entries
    size : S
    columns : which of the product's; all S by default. Few of them take few multiplications:
        the values of all others are never known

    Examples
    --------
    >>> half = np.diag([0.5, 2.0])
    >>> log_singular_values([half] * 3000, [3000], 2) / np.log(2)
    array([[ 3000., -3000.]])
    """
    product, source, done, most = Graded.one(size, columns), iter(matrices), 0, 1
    logs = np.full((len(lags), len(product.d)), np.nan)
    with np.errstate(all="ignore"):
        for number, lag in enumerate(lags):
            while done < lag:
                breathe()
                block = [next(source) for _ in range(min(most, lag - done))]
                done += len(block)
                product, most = absorbed(product, block, most)
                if np.isnan(product.d).any():
                    return logs
            logs[number], product = _singular_values(product)
    return logs


def _singular_values(product: Graded) -> tuple[Float[Array, " S"], Graded]:
    """Their logs; and the product up to a rotation on its right, with the best R for its scales.

    R^T diag(exp(d)) is V L^T diag(exp(d)) with L^T upper triangular, and V takes no part.
    """
    size, rank = product.R.shape[1], len(product.d)
    logs = np.full(size, -np.inf)
    if rank == 0:
        return logs, product
    order = np.argsort(-product.d, kind="stable")
    d, (_, U) = product.d[order], qr(product.R[order].T)
    lower = np.tril(U.T * np.exp(np.minimum(d[:, None] - d, 0)))
    Q, triangle = qr(lower)
    R = np.zeros((rank, size))
    np.fill_diagonal(R, 1)
    product = put_together(product.Q[:, order] @ Q, triangle, d, R)
    logs[:rank] = -np.sort(-_of_graded(triangle, d))
    return logs, product


def _of_graded(triangle: Float[Array, "K K"], d: Float[Array, " K"]) -> Float[Array, " K"]:
    """Logs of the singular values of an upper triangle times diag(exp(d)), d falling or nearly.

    Values that differ by more than the margin do not feel each other, to e^-120 of themselves;
    so those of a range of scales are found in a window around it that fits into doubles.
    """
    level = d + np.log(np.abs(np.diagonal(triangle)))
    logs = np.full(len(d), np.nan)
    if not np.isfinite(level).all():
        return logs
    order = np.argsort(-level, kind="stable")
    start = 0
    while start < len(d):
        top = level[order[start]]
        stop = start + int((level[order[start:]] > top - _CORE).sum())
        seen = (level < top + _MARGIN) & (level > level[order[stop - 1]] - _MARGIN)
        window = triangle[np.ix_(seen, seen)] * np.exp(d[seen] - top)
        first = int((level[order[:start]] < top + _MARGIN).sum())
        logs[start:stop] = top + _jacobi(window)[first : first + stop - start]
        start = stop
    return logs


def _jacobi(X: Float[Array, "K K"]) -> Float[Array, " K"]:
    """Logs of the singular values by LAPACK's one-sided Jacobi method, largest first."""
    values, _, _, work, _, info = lapack.dgejsv(X, joba=0, jobu=3, jobv=3, jobr=0, jobt=0, jobp=0)
    if info:
        return np.full(len(X), np.nan)
    logs: Array = np.log(values) + np.log(work[0] / work[1])
    return logs
