"""Forward and BPTT with everything recorded, against PyTorch."""

from collections.abc import Iterator
from itertools import product

import numpy as np

from benchmarks.peers import Case, Work, cell_loop, fused, ours
from benchmarks.timing import geometric_mean, medians

SIZES = list(product((32, 100, 300), (1, 32), (16, 64, 256)))
TABLES = [("tanh", "float64"), ("lstm", "float64"), ("gru", "float64"), ("lstm", "float32")]
CLOSE = {"float64": 1e-9, "float32": 2e-3}


def table() -> Iterator[str]:
    """A table for each cell: our time at each size, and how many times longer each peer takes."""
    for cell, dtype in TABLES:
        yield f"{cell}, {dtype}"
        yield "    T   B    H   ours ms  cell loop + retain_grad  fused layer"
        yield from _rows([Case(T, B, H, cell, dtype) for T, B, H in SIZES])


def _rows(cases: list[Case]) -> Iterator[str]:
    ratios = []
    for case in cases:
        work, network, x, target = ours(case)
        peers = [cell_loop(network, x, target), fused(network, x, target)]
        _same_gradients(work, peers[0], CLOSE[case.dtype])
        mine, loop, compiled = medians([work, *peers])
        ratios.append((loop / mine, compiled / mine))
        yield (
            f"{case.T:>5} {case.B:>3} {case.H:>4} {mine * 1e3:>9.3f} "
            f"{ratios[-1][0]:>23.1f}x {ratios[-1][1]:>11.1f}x"
        )
    loops, compileds = zip(*ratios, strict=True)
    for name, summary in (("geometric mean", geometric_mean), ("slowest", min)):
        yield f"{name:>24} {summary(loops):>23.1f}x {summary(compileds):>11.1f}x"


def _same_gradients(work: Work, loop: Work, rtol: float) -> None:
    record, grads = work(), loop()
    for mine, theirs in zip(record.dh[1:], grads, strict=True):
        np.testing.assert_allclose(mine, theirs.numpy(), rtol=rtol, atol=rtol * 1e-6)
