"""The one call: from a grid of configs to a table, here or on many machines."""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import pandas as pd

from rnnviz.config import SweepConfig
from rnnviz.products import one_blas_thread
from rnnviz.sweep.chunks import Chunk, chunks_of
from rnnviz.sweep.compute import in_order, run_chunk
from rnnviz.sweep.expected import expected_seconds
from rnnviz.sweep.store import Store

Watch = Callable[[int, int, pd.DataFrame], bool | None]
Finished = Iterator[tuple[Chunk, pd.DataFrame]]

CLUSTER_FROM: Final = 10.0
"""Seconds of work from which a local cluster is faster, though it takes some to start."""


@dataclass(frozen=True)
class SweepPlan:
    """What a sweep will take, roughly, on one core."""

    runs: int
    chunks: int
    seconds: float
    nbytes: int
    """The most that one worker takes at once."""


def plan_sweep(config: SweepConfig) -> SweepPlan:
    """What a sweep will take, before anything is computed.

    Examples
    --------
    >>> from rnnviz import Knob, SweepConfig
    >>> plan_sweep(SweepConfig(knobs=[Knob.linear("gain", 0.5, 2, 4)], seeds=[0])).runs
    4
    """
    chunks = chunks_of(config)
    seconds = expected_seconds(config)
    nbytes = max(chunk.cost.nbytes for chunk in chunks)
    return SweepPlan(config.runs, len(chunks), seconds, nbytes)


def sweep(
    config: SweepConfig,
    store: str | os.PathLike[str] | None = None,
    scheduler: str | None = None,
    workers: int | None = None,
    watch: Watch | None = None,
) -> pd.DataFrame:
    """Run every point of a grid with every seed.

    Parameters
    ----------
    config : SweepConfig
    store : a folder for finished chunks; a sweep that finds its own there goes on behind them
    scheduler : a Dask scheduler's address, ``tcp://host:port``
    workers : processes of a local cluster; by default one for each core where the work takes long
        enough to be worth it, and else none: 1 stays in this process
    watch : called after each chunk with the rows done, all rows, and the chunk's; False stops

    Returns
    -------
    DataFrame
        A row a point and seed, in the order of the grid (those that are done, if it was stopped):
        a column for each knob, ``seed``, one for each measure, and ``error``, empty or the
        sentence on why there are no numbers. Equal points give equal rows, to the bit, whatever
        the engine, the order and the number of workers.

    Raises
    ------
    ValueError
        If the store holds another sweep, or the scheduler cannot be reached.

    Examples
    --------
    >>> import rnnviz as rv
    >>> base = rv.TrainConfig(cell="linear", init="orthogonal", hidden_size=4, steps=20)
    >>> grid = rv.SweepConfig(base=base, knobs=[rv.Knob.linear("gain", 0.5, 1.5, 3)], seeds=[0])
    >>> rv.sweep(grid).factor.round(9).tolist()
    [0.5, 1.0, 1.5]
    """
    chunks = chunks_of(config)
    kept = Store(store, config) if store is not None else None
    frames, todo = _found(chunks, kept)
    done = sum(len(frame) for frame in frames)
    if watch is not None and frames and watch(done, config.runs, pd.concat(frames)) is False:
        return in_order(config.columns, frames)
    finished = _engine(todo, scheduler, workers)
    try:
        for chunk, frame in finished:
            if kept:
                kept.put(chunk, frame)
            frames.append(frame)
            done += len(frame)
            if watch is not None and watch(done, config.runs, frame) is False:
                break
    finally:
        finished.close()
    return in_order(config.columns, frames)


def _found(chunks: Iterable[Chunk], kept: Store | None) -> tuple[list[pd.DataFrame], list[Chunk]]:
    """The rows that are there, and the chunks that are not."""
    frames, todo = [], []
    for chunk in chunks:
        frame = kept.get(chunk) if kept else None
        if frame is None:
            todo.append(chunk)
        else:
            frames.append(frame)
    return frames, todo


def _engine(chunks: list[Chunk], scheduler: str | None, workers: int | None):  # type: ignore
    seconds = sum(chunk.cost.seconds for chunk in chunks)
    count = workers or (os.cpu_count() or 1 if seconds > CLUSTER_FROM else 1)
    if scheduler is None and min(count, len(chunks)) < 2:
        return _here(chunks)
    from rnnviz.sweep.cluster import on_cluster

    return on_cluster(chunks, scheduler, count)


def _here(chunks: Iterable[Chunk]) -> Finished:
    for chunk in chunks:
        with one_blas_thread():
            frame = run_chunk(chunk)
        yield chunk, frame
