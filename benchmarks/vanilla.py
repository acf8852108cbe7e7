"""Forward and BPTT of a tanh layer with everything recorded, against PyTorch, float64."""

from collections.abc import Iterator
from itertools import product

import numpy as np

from benchmarks.peers import Case, Work, cell_loop, fused, ours
from benchmarks.timing import geometric_mean, medians

GRID = [Case(T, B, H) for T, B, H in product((32, 100, 300), (1, 32), (16, 64, 256))]


def table() -> Iterator[str]:
    """A line for each size: our time, and how many times longer each peer takes."""
    yield "    T   B    H   ours ms  RNNCell + retain_grad  nn.RNN, fused"
    ratios = []
    for case in GRID:
        work, network, x, target = ours(case)
        peers = [cell_loop(network, x, target), fused(network, x, target)]
        _same_gradients(work, peers[0])
        mine, loop, compiled = medians([work, *peers])
        ratios.append((loop / mine, compiled / mine))
        yield (
            f"{case.T:>5} {case.B:>3} {case.H:>4} {mine * 1e3:>9.3f} "
            f"{ratios[-1][0]:>21.1f}x {ratios[-1][1]:>13.1f}x"
        )
    loops, compileds = zip(*ratios, strict=True)
    for name, summary in (("geometric mean", geometric_mean), ("slowest", min)):
        yield f"{name:>24} {summary(loops):>21.1f}x {summary(compileds):>13.1f}x"


def _same_gradients(work: Work, loop: Work) -> None:
    record, grads = work(), loop()
    for mine, theirs in zip(record.dh[1:], grads, strict=True):
        np.testing.assert_allclose(mine, theirs.numpy(), rtol=1e-9, atol=1e-15)
