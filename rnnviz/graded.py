"""A long product of matrices with its scales kept apart as logs: right at any length.

A product is kept as Q diag(exp(d)) R with Q orthonormal, the logs d falling, and R well
conditioned, so that scales are never added to each other: after Loh et al. (1989), Stable
matrix-multiplication algorithm for low-temperature numerical simulations of fermions. QR of a
matrix whose columns are scaled is QR of the matrix, with the scales in R: they stay logs, however
far apart.
"""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from scipy.linalg import lapack

from rnnviz.arrays import Array, Bool, Float, Int

_HEALTHY = 1e-5
"""Least to largest of a factor's diagonal: below it rounding could reach the eleventh digit."""
_MOST = 16
"""Matrices multiplied before they are made orthonormal, where their condition allows it."""
_RANGE = 400.0
"""Nats between the scales that are told apart at once when columns are chosen by size."""


@dataclass(frozen=True, slots=True)
class Graded:
    """Q diag(exp(d)) R: an exact zero has no row in it, so that its rank can be below S."""

    Q: Float[Array, "M K"]
    d: Float[Array, " K"]
    R: Float[Array, "K S"]

    @classmethod
    def one(cls, size: int, columns: Int[Array, " K"] | None = None) -> "Graded":
        """The identity, a product of nothing; or these columns of it."""
        Q = np.eye(size) if columns is None else np.eye(size)[:, columns]
        return cls(Q, np.zeros(Q.shape[1]), np.eye(Q.shape[1]))


@runtime_checkable
class Factor(Protocol):
    """A matrix, or what multiplies as one does and is never written down."""

    def __matmul__(self, other: Float[Array, "S K"], /) -> Float[Array, "S K"]:
        """The matrix times these columns."""


def absorbed(product: Graded, block: list[Factor], most: int) -> tuple[Graded, int]:
    """The product multiplied by a block, and how many matrices the next block should have."""
    found = _at_once(product, block)
    if found is not None:
        following, health = found
        return following, min(_MOST, 2 * most if health > np.sqrt(_HEALTHY) else most)
    if len(block) == 1:
        return _with_care(product, block[0]), 1
    half = len(block) // 2
    product, _ = absorbed(product, block[:half], half)
    product, _ = absorbed(product, block[half:], half)
    return product, half


def _at_once(product: Graded, block: list[Factor]) -> tuple[Graded, float] | None:
    """The product multiplied by all matrices of a block, unless that loses digits."""
    C, shift = product.Q, 0.0
    for A in block:
        C = A @ C
        largest = np.abs(C).max(initial=0.0)
        if not 0 < largest < np.inf:
            return None
        C /= largest
        shift += np.log(largest)
    size = np.sqrt(np.einsum("ij,ij->j", C, C))
    order = np.argsort(-(product.d + np.log(size)), kind="stable")
    Q, R = qr(C[:, order])
    diagonal = np.abs(np.diagonal(R))
    health = float(diagonal.min() / size.max())
    if len(diagonal) < len(order) or not health > _HEALTHY:
        return None
    return put_together(Q, R, product.d[order] + shift, product.R[order]), health


def _with_care(product: Graded, factor: Factor) -> Graded:
    """The product multiplied by one matrix, whatever its condition and wherever it is zero.

    A's columns may differ in scale as far as slopes do: A = Q1 diag(g) R1, and the rows of
    diag(g) R1 Q keep their own relative precision where columns are chosen by size and rows
    are sorted: Cox and Higham (1998), Stability of Householder QR factorization for weighted
    least squares problems. Columns that meet only zeros of Q take no part.
    """
    on: Bool[Array, " S"] = np.asarray(product.Q.any(axis=1))
    A = _columns(factor, on)
    if not np.isfinite(A).all() or np.isnan(product.d).any():
        return Graded(product.Q, np.full_like(product.d, np.nan), product.R)
    kept = A.any(axis=0)
    on[on], A = kept, A[:, kept]
    largest = np.abs(A).max(initial=np.finfo(float).tiny)
    heard = _pivoted(product.Q[on], product.d, product.R)
    of_A = _pivoted(A / largest, np.zeros(A.shape[1]), np.eye(A.shape[1]))
    mixed = _pivoted(of_A.R @ heard.Q, heard.d, heard.R)
    graded = np.exp(of_A.d)[:, None] * mixed.Q
    last = _pivoted(graded, mixed.d + np.log(largest), mixed.R)
    return Graded(of_A.Q @ last.Q, last.d, last.R)


def _columns(factor: Factor, which: Bool[Array, " S"]) -> Float[Array, "S K"]:
    if isinstance(factor, np.ndarray):
        return factor[:, which]
    return factor @ np.eye(len(which))[:, which]


def _pivoted(X: Float[Array, "M K"], d: Float[Array, " K"], R: Float[Array, "K S"]) -> Graded:
    """X diag(exp(d)) R with its columns in order of size; zeros leave it with a lower rank."""
    rows, keep = np.asarray(X.any(axis=1)), np.asarray(X.any(axis=0))
    X, d, R = X[np.ix_(rows, keep)], d[keep], R[keep]
    if not X.size:
        return Graded(np.zeros((len(rows), 0)), np.zeros(0), np.zeros((0, R.shape[1])))
    order = np.argsort(-(d + np.log(np.sqrt(np.einsum("ij,ij->j", X, X)))), kind="stable")
    Q, triangle, chosen = _by_size(X[:, order], d[order])
    whole = np.zeros((len(rows), Q.shape[1]))
    whole[rows] = Q
    order = order[chosen]
    return put_together(whole, triangle, d[order], R[order])


def _by_size(X: Float[Array, "M K"], d: Float[Array, " K"]) -> tuple[Array, Array, Array]:
    """Q and triangle with Q triangle = X, its columns chosen by size; and which was chosen when.

    So many columns at a time as the scales of a double tell apart; then what is left of the rest.
    """
    many = _apart(d)
    scale = d[:many] - d[:many].max()
    packed, chosen, tau, _, _ = lapack.dgeqp3(X[:, :many] * np.exp(scale))
    chosen -= 1
    rank = min(len(X), many)
    zero = np.flatnonzero(np.diagonal(packed) == 0)
    rank = int(zero[0]) if len(zero) else rank
    top = np.triu(packed[:rank]) * np.exp(-scale[chosen])
    left = _times(packed, tau, X[:, many:], "T")
    if rank == len(X) or many == len(d):
        below, lower, later = np.zeros((len(X) - rank, 0)), left[:0], np.arange(len(d) - many)
    else:
        below, lower, later = _by_size(left[rank:], d[many:])
    corner = np.zeros((len(X), rank + below.shape[1]))
    corner[:rank, :rank] = np.eye(rank)
    corner[rank:, rank:] = below
    triangle = np.zeros((rank + len(lower), len(d)))
    triangle[:rank] = np.hstack([top, left[:rank, later]])
    triangle[rank:, many:] = lower
    return _times(packed, tau, corner, "N"), triangle, np.append(chosen, many + later)


def _apart(d: Float[Array, " K"]) -> int:
    """How many of these falling scales fit into doubles, cut where the next lies lowest."""
    within = int((d > d[0] - _RANGE).sum())
    if within == len(d):
        return within
    first = int((d > d[0] - _RANGE / 2).sum())
    return first + int(np.argmax(d[first - 1 : within] - d[first : within + 1]))


def _times(packed: Array, tau: Array, X: Array, trans: str) -> Array:
    """Q or its transpose times X, Q as LAPACK packs it."""
    if not X.size:
        return X
    product: Array = lapack.dormqr("L", trans, packed[:, : len(tau)], tau, X, 64 * X.shape[1])[0]
    return product


def qr(X: Float[Array, "M K"]) -> tuple[Float[Array, "M L"], Float[Array, "L K"]]:
    """Orthonormal columns and an upper triangle, whose product X is."""
    packed, tau, _, _ = lapack.dgeqrf(X)
    rank = min(X.shape)
    return lapack.dorgqr(packed[:, :rank], tau)[0], np.triu(packed[:rank])


def put_together(
    Q: Float[Array, "M L"], triangle: Float[Array, "L K"], d: Float[Array, " K"], R: Array
) -> Graded:
    """Q triangle diag(exp(d)) R, with the scales of the triangle's rows taken out of it."""
    rank = len(triangle)
    diagonal = np.abs(np.diagonal(triangle))
    apart = np.where(triangle != 0, d - d[:rank, None], 0.0)
    ratio = triangle / diagonal[:, None] * np.exp(apart)
    return Graded(Q, d[:rank] + np.log(diagonal), np.triu(ratio) @ R)
