"""Sweeps, in seconds of the clock: stacked against one run after another, and on a cluster."""

import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from joblib import Parallel, delayed

from rnnviz import Knob, SweepConfig, TrainConfig, run
from rnnviz.diagnostics import gradient_flow
from rnnviz.run import draw, untrained
from rnnviz.sweep.stack import Stack
from rnnviz.sweep.sweep import sweep

PROCESSES, ROUNDS = 2, 3
GRID = (Knob.linear("gain", 0.5, 1.4, 20), Knob.linear("steps", 20, 210, 20))
SMALL = TrainConfig(hidden_size=16, batch_size=1, task="sine")
POINTS = 2000

Work = Callable[[], Sequence[float]]


def table() -> Iterator[str]:
    """A grid against a loop and against joblib over it; small networks stacked; Dask's share."""
    yield "20 gains, 20 lengths, 5 seeds, H=64, B=16   ours s   a loop   joblib, two processes"
    for task in ("delayed_recall", "sunspots"):
        base = TrainConfig(hidden_size=64, task=task, lag=10)
        config = SweepConfig(base=base, knobs=GRID, seeds=range(5))
        runs = [config.at(*point) for point in config.points]
        ours, loop, pool = _medians([lambda c=config: _swept(c), *_peers(runs)])
        yield f"{task:<42} {ours:>8.2f} {loop / ours:>7.1f}x {pool / ours:>13.1f}x"
    stacked, alone = _medians(_stacks())
    yield f"100 networks of 16 units, B=1: stacked {alone / stacked:.1f}x as fast as one by one"
    yield f"Dask with {PROCESSES} processes, its start included: {_overhead() * 1e3:.2f} ms a point"


def _swept(config: SweepConfig, workers: int | None = None) -> Sequence[float]:
    return sweep(config, workers=workers).factor.tolist()


def _factor(config: TrainConfig) -> float:
    return gradient_flow(run(config), "last").factor


def _peers(runs: Sequence[TrainConfig]) -> tuple[Work, Work]:
    """What a user would write: a loop over ``rv.run``, and joblib over the same loop."""
    pool = Parallel(n_jobs=PROCESSES)
    return lambda: [_factor(run) for run in runs], lambda: pool(delayed(_factor)(r) for r in runs)


def _stacks() -> tuple[Work, Work]:
    """A hundred small networks forward and back, as one stack and as a hundred."""
    runs = [SMALL.replace(gain=float(gain), seed=1) for gain in np.linspace(0.5, 1.5, 100)]
    networks, batches = [untrained(run) for run in runs], [[draw(run)] for run in runs]
    stacks = [Stack([n], [b], "last") for n, b in zip(networks, batches, strict=True)]

    def last(stack: Stack) -> list[float]:
        return [own[0].log10_norm[0] for own in stack.run()]

    whole = Stack(networks, batches, "last")
    return lambda: last(whole), lambda: [norm for stack in stacks for norm in last(stack)]


def _overhead() -> float:
    """Seconds a point: what a cluster takes above its share of the time without one."""
    gains = Knob.linear("gain", 0.5, 1.5, POINTS // 2)
    config = SweepConfig(base=SMALL.replace(steps=20), knobs=[gains], seeds=[0, 1])
    here, there = _medians([lambda: _swept(config, 1), lambda: _swept(config, PROCESSES)])
    return (there - here / PROCESSES) / POINTS


def _medians(contenders: Sequence[Work]) -> list[float]:
    """Seconds that each takes, the median of interleaved rounds; all give the same numbers."""
    took: list[list[float]] = []
    for _ in range(ROUNDS):
        found, times = zip(*(_timed(work) for work in contenders), strict=True)
        for other in found[1:]:
            np.testing.assert_allclose(other, found[0], rtol=1e-9)
        took.append([*times])
    return [float(seconds) for seconds in np.median(took, axis=0)]


def _timed(work: Work) -> tuple[Sequence[float], float]:
    start = time.perf_counter()
    found = work()
    return found, time.perf_counter() - start
