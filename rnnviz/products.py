"""The recurrent product: the one operation that every time loop repeats."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import cache

import numpy as np
from scipy.linalg.blas import get_blas_funcs
from threadpoolctl import ThreadpoolController

from rnnviz.arrays import Array, Float, PerStep

CACHED = 1 << 18
"""Bytes of one array that a block of steps may take: a quarter of a core's own cache."""

Step = Callable[[int], None]
"""Does the work of step t, in buffers handed over beforehand."""


def accumulate(xs: PerStep, W: Float[Array, "N M"], into: PerStep) -> Step:
    """A step that adds ``xs[t] @ W`` to ``into[t]`` in place.

    Every view is made here, once, so that a step is a single BLAS call which allocates
    nothing. ``xs[t]`` is (..., N) and ``into[t]`` (..., M), both C-contiguous.
    """
    (gemm,) = get_blas_funcs(("gemm",), (W,))
    # BLAS counts by columns: into[t].T += W.T @ xs[t].T, and whichever of W and W.T is
    # stored by columns is passed as it is, since f2py would copy the other.
    a, transpose = (W, 1) if W.flags.f_contiguous else (W.T, 0)
    x, out = _columns(xs), _columns(into)

    def step(t: int) -> None:
        gemm(1.0, a, x[t], 1.0, out[t], transpose, 0, 1)

    return step


def _columns(arrays: PerStep) -> list[Array]:
    if isinstance(arrays, np.ndarray):
        return list(arrays.reshape(len(arrays), -1, arrays.shape[-1]).swapaxes(1, 2))
    return [rows(array).T for array in arrays]


def blocks(steps: int, row: Array) -> list[slice]:
    """Consecutive steps, cut so that the rows of a block stay in the cache of one core.

    ``row`` is one step's array. What is done for all steps at once, between the products that
    have to wait for each other, is done a block at a time: over long sequences memory is slow.
    """
    size = max(1, CACHED // max(1, row.nbytes))
    return [slice(start, min(start + size, steps)) for start in range(0, steps, size)]


def rows(array: Float[Array, "... N"]) -> Float[Array, "R N"]:
    """Steps and sequences one after another: what a single product can take at once."""
    return array.reshape(-1, array.shape[-1])


def through(derivative: Float[Array, "T B R"], W: Float[Array, "R C"]) -> Float[Array, "T B C"]:
    """The derivative by what W was multiplied with, in one product for all steps."""
    return (rows(derivative) @ W).reshape(*derivative.shape[:2], -1)


def one_blas_thread() -> AbstractContextManager[object]:
    """A context in which BLAS keeps to one thread: for matrices this small two are slower."""
    context: AbstractContextManager[object] = _blas().limit(limits=1)
    return context


@cache
def _blas() -> ThreadpoolController:
    return ThreadpoolController().select(user_api="blas")
