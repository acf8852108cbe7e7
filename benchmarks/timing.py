"""Interleaved medians: each round times every contender once, so that drift hits all alike.

CPU seconds are counted: with one thread a side they are the clock of an idle machine, and on a
busy one they are steadier.
"""

import time
from collections.abc import Sequence

import numpy as np

from benchmarks.peers import Work

SAMPLE = 0.01
"""Seconds that one sample should last: quick work is repeated within it."""


def medians(contenders: Sequence[Work], rounds: int = 9) -> list[float]:
    """Seconds that each contender takes, the median of interleaved samples."""
    repeats = [max(1, round(SAMPLE / _once(work, 1))) for work in contenders]
    samples = [
        [_once(work, repeat) for work, repeat in zip(contenders, repeats, strict=True)]
        for _ in range(rounds)
    ]
    return [float(median) for median in np.median(samples, axis=0)]


def _once(work: Work, repeats: int) -> float:
    start = time.process_time()
    for _ in range(repeats):
        work()
    return (time.process_time() - start) / repeats


def geometric_mean(ratios: Sequence[float]) -> float:
    """The mean of ratios."""
    return float(np.exp(np.mean(np.log(ratios))))
