"""Sweeps, in seconds of the clock: stacked against one run after another, and on a cluster."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
import pandas as pd
from distributed import LocalCluster
from joblib import Parallel, delayed

from rnnviz import Knob, SweepConfig, TrainConfig, run
from rnnviz.arrays import Array
from rnnviz.diagnostics import gradient_flow
from rnnviz.run import draw, untrained
from rnnviz.sweep.chunks import Chunk, chunks_of
from rnnviz.sweep.cluster import on_cluster
from rnnviz.sweep.compute import run_chunk
from rnnviz.sweep.stack import Stack
from rnnviz.sweep.sweep import sweep

PROCESSES, ROUNDS = 2, 3
GRID = (Knob.linear("gain", 0.5, 1.4, 20), Knob.linear("steps", 20, 210, 20))
BASE = TrainConfig(hidden_size=64, lag=10)
SMALL = TrainConfig(hidden_size=16, batch_size=1, task="sine")
POINTS = 2000

Work = Callable[[], Sequence[float]]


def table() -> Iterator[str]:
    """A grid against a loop and against joblib over it; small networks stacked; Dask's share."""
    grid = "20 gains, 20 lengths, 5 seeds, H=64, B=16"
    yield f"{grid:<42} ours s  the loop  joblib, two processes"
    for task, lengths in (("delayed_recall", "begin alike"), ("sunspots", "are drawn anew")):
        config = SweepConfig(base=BASE.replace(task=task), knobs=GRID, seeds=range(5))
        took = _rounds([partial(_swept, config), *_peers(config)])
        name = f"{task}: lengths {lengths}"
        yield f"{name:<42} {np.median(took[0]):>6.1f}  {_ratio(took, 1)}  {_ratio(took, 2)}"
    stacked = _ratio(_rounds(_stacks()), 1)
    yield f"100 networks of 16 units, B=1, stacked against one by one: {stacked}"
    cold = [_overhead() * 1e3 for _ in range(ROUNDS)]
    yield f"Dask, two processes and their start: {np.median(cold):.2f} ms a point{_ends(cold)}"
    with LocalCluster(n_workers=PROCESSES, threads_per_worker=1, dashboard_address=None) as there:
        warm = [_overhead(there.scheduler_address) * 1e3 for _ in range(ROUNDS + 1)][1:]
    yield f"Dask, two processes that run already: {np.median(warm):.2f} ms a point{_ends(warm)}"


def _ratio(took: Array, other: int) -> str:
    ratios = took[other] / took[0]
    return f"{np.median(took[other]) / np.median(took[0]):>5.1f}x{_ends(ratios)}"


def _ends(values: Sequence[float] | Array) -> str:
    return f" [{min(values):.2f} to {max(values):.2f}]"


def _swept(config: SweepConfig) -> Sequence[float]:
    return sweep(config).factor.tolist()


def _factor(config: TrainConfig) -> float:
    return gradient_flow(run(config), "last").factor


def _peers(config: SweepConfig) -> tuple[Work, Work]:
    """What a user would write: a loop over ``rv.run``, and joblib over the same loop."""
    runs = [config.at(*point) for point in config.points]
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


def _overhead(scheduler: str | None = None) -> float:
    """Seconds a point that Dask takes above its chunks' own time.

    The start and the end of a local cluster count, unless a scheduler is named.
    """
    gains = Knob.linear("gain", 0.5, 1.5, POINTS)
    chunks = chunks_of(SweepConfig(base=SMALL.replace(steps=20), knobs=[gains], seeds=[0]))
    start = time.perf_counter()
    frames = [frame for _, frame in on_cluster(chunks, scheduler, PROCESSES, _timed_chunk)]
    whole = time.perf_counter() - start
    rows = pd.concat(frames)
    assert len(rows) == POINTS
    own = rows.groupby("process").took.sum()
    return (whole - float(own.max())) / POINTS


def _timed_chunk(chunk: Chunk) -> pd.DataFrame:
    """The rows of a chunk, with each row's share of the chunk's time, and who took it."""
    start = time.perf_counter()
    frame = run_chunk(chunk)
    seconds = time.perf_counter() - start
    return frame.assign(took=seconds / len(frame), process=os.getpid())


def _rounds(contenders: Sequence[Work]) -> Array:
    """Seconds of each contender in each interleaved round; all give the same numbers."""
    took = []
    for _ in range(ROUNDS):
        found, seconds = zip(*(_timed(work) for work in contenders), strict=True)
        for other in found[1:]:
            np.testing.assert_allclose(other, found[0], rtol=1e-9)
        took.append(seconds)
    return np.transpose(took)


def _timed(work: Work) -> tuple[Sequence[float], float]:
    start = time.perf_counter()
    found = work()
    return found, time.perf_counter() - start
