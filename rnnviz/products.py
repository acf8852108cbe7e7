"""The recurrent product: the one operation that every time loop repeats."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from scipy.linalg.blas import get_blas_funcs
from threadpoolctl import ThreadpoolController

from rnnviz.arrays import Array, Float, PerStep

CACHED = 1 << 18
"""Bytes of one array that a block of steps may take: a quarter of a core's own cache."""

Step = Callable[[int], None]
"""Does the work of step t, in buffers handed over beforehand."""


class Adder(NamedTuple):
    """BLAS's gemm, ready to add ``x @ W`` to ``out`` in place, for x and out as ``columns``.

    A time loop calls ``gemm(1.0, a, x, 1.0, out, transpose, 0, 1)`` itself: through one more
    function it would take a quarter longer at the smallest sizes.
    """

    gemm: Callable[..., object]
    a: Array
    transpose: int


def adder(W: Float[Array, "*E N M"], batch: int) -> Adder:
    """What adds ``x @ W`` in place for x of ``batch`` rows, W laid out beforehand as BLAS likes it.

    BLAS counts by columns: out.T += W.T @ x.T. It takes up to half again as long where it has to
    transpose W.T first, except for a single row of x and a W beyond the cache.

    For a stack of matrices, x has the rows of each experiment behind those of the one before, and
    every experiment is multiplied by its own matrix: in a product of its own, so that no other
    one enters its rounding.
    """
    if W.ndim > 2:
        return Adder(_each_its_own(W), W, 0)
    gemm, a, transpose = _laid_out(W, batch)
    together = _SMALL // max(1, W.size)
    if batch > together >= _FEWEST and W.shape[0] >= W.shape[1]:
        gemm = _in_pieces(gemm, together)
    return Adder(gemm, a, transpose)


def _each_its_own(W: Float[Array, "*E N M"]) -> Callable[..., object]:
    """BLAS's gemm for a stack: out += x @ W, or out = x @ W where ``beta`` is 0."""
    stack, (N, M) = W.shape[:-2], W.shape[-2:]
    W = W if 0 in W.strides else np.ascontiguousarray(W)
    product = np.empty(0, W.dtype)

    def add(*call: Any) -> None:
        nonlocal product
        _, _, x, beta, out, *_ = call
        to = out.T.reshape(*stack, -1, M)
        if product.shape != to.shape:
            product = np.empty_like(to)
        np.matmul(x.T.reshape(*stack, -1, N), W, out=to if beta == 0 else product)
        if beta:
            np.add(to, product, out=to)

    return add


def _laid_out(W: Float[Array, "N M"], batch: int) -> Adder:
    gemm = _gemm(W.dtype)
    if batch == 1 and W.size >= _WIDE:
        return Adder(gemm, np.asfortranarray(W), 1)
    return Adder(gemm, np.ascontiguousarray(W).T, 0)


_WIDE = 1 << 16
"""Entries of a matrix that a single row is multiplied by faster from its transpose."""
_SMALL = 1_000_000
"""Multiplications up to which OpenBLAS copies neither matrix first: a fifth less time a row."""
_FEWEST = 48
"""Rows that make up for one more call."""


def _in_pieces(gemm: Callable[..., object], size: int) -> Callable[..., object]:
    """The same product, so many rows of x at a time."""

    def add(alpha: float, a: Array, x: Array, beta: float, out: Array, *flags: int) -> None:
        for start in range(0, x.shape[1], size):
            piece = slice(start, start + size)
            gemm(alpha, a, x[:, piece], beta, out[:, piece], *flags)

    return add


def multiply(
    x: Float[Array, "R N"], W: Float[Array, "N M"], out: Float[Array, "R M"], keep: float = 0.0
) -> None:
    """``out = keep * out + x @ W``: where N is 1, in a quarter of the time that NumPy takes."""
    if len(x) == 0:
        return
    gemm, a, transpose = _laid_out(W, len(x))
    gemm(1.0, a, x.T, keep, out.T, transpose, 0, 1)


def column_sums(x: Float[Array, "R N"]) -> Float[Array, " N"]:
    """The sum over all rows, as a product: in a third of the time that NumPy's sum takes."""
    sums: Array = np.ones(len(x), x.dtype) @ x
    return sums


def per_row(b: Float[Array, "*E N"], count: int) -> Float[Array, "*R N"]:
    """A bias as it is, or of a stack of experiments the one that belongs to each row of theirs."""
    return b if b.ndim == 1 else np.repeat(b, count // len(b), axis=0)


def columns(arrays: PerStep) -> list[Array]:
    """Each step's array (..., N) as BLAS sees it: (N, rows), stored by columns, not copied."""
    if isinstance(arrays, np.ndarray):
        return list(arrays.reshape(len(arrays), -1, arrays.shape[-1]).swapaxes(1, 2))
    return [rows(array).T for array in arrays]


def blocks(steps: int, row: Array, fewest: int = 1) -> list[slice]:
    """Consecutive steps, cut so that the rows of a block stay in the cache of one core.

    ``row`` is one step's array. What is done for all steps at once, between the products that
    have to wait for each other, is done a block at a time: over long sequences memory is slow.
    A block has ``fewest`` steps at least, whatever the cache holds.
    """
    size = max(fewest, CACHED // max(1, row.nbytes))
    if size >= steps:
        return [slice(0, steps)]
    return [slice(start, min(start + size, steps)) for start in range(0, steps, size)]


def rows(array: Float[Array, "... N"]) -> Float[Array, "R N"]:
    """Steps and sequences one after another: what a single product can take at once."""
    return array.reshape(-1, array.shape[-1])


def through(derivative: Float[Array, "T B R"], W: Float[Array, "R C"]) -> Float[Array, "T B C"]:
    """The derivative by what W was multiplied with, in one product for all steps."""
    return (rows(derivative) @ W).reshape(*derivative.shape[:2], -1)


def one_blas_thread(multiplications: int = 1 << 62) -> AbstractContextManager[object]:
    """A context in which BLAS keeps to one thread: for matrices this small two are slower.

    ``multiplications`` is the most that one product in it takes: a small one stays on one thread
    by itself, and to ask for it takes as long as seven steps.
    """
    if multiplications <= _ALONE:
        return nullcontext()
    context: AbstractContextManager[object] = _blas().limit(limits=1)
    return context


_ALONE = 1 << 17
"""Half the multiplications from which OpenBLAS uses more threads."""


@cache
def _gemm(dtype: np.dtype[Any]) -> Callable[..., object]:
    (gemm,) = get_blas_funcs(("gemm",), dtype=dtype)
    found: Callable[..., object] = gemm
    return found


@cache
def _blas() -> ThreadpoolController:
    return ThreadpoolController().select(user_api="blas")
