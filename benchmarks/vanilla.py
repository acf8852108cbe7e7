"""Forward and BPTT of a tanh layer with everything recorded, against PyTorch, float64."""

from collections.abc import Iterator
from itertools import product

import numpy as np

from benchmarks.peers import Case, cell_loop, fused, ours
from benchmarks.timing import geometric_mean, medians

GRID = [Case(T, B, H) for T, B, H in product((32, 100, 300), (1, 32), (16, 64, 256))]


def table() -> Iterator[str]:
    """A line for each size: our time, and how many times longer each peer takes."""
    yield f"{'T':>5} {'B':>3} {'H':>4} {'ours ms':>9} {'RNNCell + retain_grad':>22} {'nn.RNN, fused':>14}"
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
    yield f"{'geometric mean':>24} {geometric_mean(loops):>21.1f}x {geometric_mean(compileds):>13.1f}x"
    yield f"{'slowest':>24} {min(loops):>21.1f}x {min(compileds):>13.1f}x"


def _same_gradients(work, loop) -> None:
    record, grads = work(), loop()
    for mine, theirs in zip(record.dh[1:], grads, strict=True):
        np.testing.assert_allclose(mine, theirs.numpy(), rtol=1e-9, atol=1e-15)
