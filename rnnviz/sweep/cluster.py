"""Chunks on a Dask cluster: one that is named, or one of this machine's processes.

Whoever can reach a scheduler can run code on it: it belongs into a network of one's own.
"""

import os
import time
import warnings
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from rnnviz.sweep.chunks import Chunk
from rnnviz.sweep.compute import failed, run_chunk

if TYPE_CHECKING:
    from distributed import Client, Future, as_completed

Work = Callable[[Chunk], pd.DataFrame]

AHEAD: Final = 3
"""Chunks sent for each worker: it has the next one when it is done with one."""
RETRIES: Final = 2
"""Workers that may die of a chunk, beyond the first, before it is taken apart."""
PATIENCE: Final = 20.0
"""Seconds for a scheduler to answer, and for workers to be there again."""
LOOK, COUNT = 0.005, 1.0
"""Seconds between two looks for what is finished, and between two counts of the workers."""
NOBODY: Final = "no worker was left to run it"
RECONNECT: Final = 3.0
"""Seconds for a scheduler that was there to be there again."""


def on_cluster(
    chunks: list[Chunk], scheduler: str | None, workers: int, work: Work = run_chunk
) -> Generator[tuple[Chunk, pd.DataFrame]]:
    """Each chunk with its rows, as they are finished.

    A worker that dies costs its chunk, which another takes. A chunk that workers die of is taken
    apart, and the point that they die of gets a row with that as its error; so does what is left
    when there has been no worker for long. What is left when the scheduler is gone is computed by
    ``workers`` of this machine, with a warning.
    """
    with _client(scheduler, workers) as client:
        left = yield from _run(client, chunks, work)
        is_gone = scheduler is not None and client.status != "running"
    if left and is_gone:
        warnings.warn(
            f"the scheduler {scheduler} is gone: what is left, {len(left)} of {len(chunks)} pieces,"
            " is computed on this machine",
            stacklevel=2,
        )
        yield from on_cluster(left, None, workers, work)
        return
    for chunk in left:
        yield chunk, failed(chunk, NOBODY)


def _run(
    client: "Client", chunks: list[Chunk], work: Work
) -> Generator[tuple[Chunk, pd.DataFrame], None, list[Chunk]]:
    """Each chunk as it is finished; at last those for which no worker was left."""
    from distributed import CancelledError, KilledWorker, as_completed

    waiting = iter(chunks)
    going = as_completed(raise_errors=False)
    chunk_of: dict[Any, Chunk] = {}

    def send(count: int) -> None:
        for chunk in islice(waiting, count):
            future = client.submit(work, chunk, pure=False)
            chunk_of[future.key] = chunk
            going.add(future)

    apart = []
    send(AHEAD * max(1, len(client.nthreads())))
    for future in _finished(client, going):
        chunk = chunk_of.pop(future.key)
        try:
            frame = _result(client, future)
        except (KilledWorker, CancelledError):
            apart.append(chunk)
        except Exception as error:
            yield chunk, failed(chunk, str(error) or type(error).__name__)
        else:
            yield chunk, frame
        future.release()
        send(1)
    left = [*chunk_of.values(), *waiting]
    while apart and client.status == "running":
        chunk = apart.pop()
        yield chunk, _one_by_one(client, chunk, work)
    return [*left, *apart]


def _finished(client: "Client", going: "as_completed") -> Iterator["Future[pd.DataFrame]"]:
    """What is under way, as it is finished; an end when no worker or no scheduler is there."""
    counted = there = time.monotonic()
    while not going.is_empty():
        if going.has_ready():
            yield next(going)
            there = time.monotonic()
            continue
        time.sleep(LOOK)
        now = time.monotonic()
        if client.status != "running":
            if now - max(there, counted) > RECONNECT:
                return
            continue
        if now - counted > COUNT:
            counted = now
            there = now if client.nthreads() else there
            if now - there > PATIENCE:
                return


class _Nobody(Exception):  # noqa: N818
    """There has been no worker for long."""


def _result(client: "Client", future: "Future[pd.DataFrame]") -> pd.DataFrame:
    """Its rows; what a worker took with it when it died is computed again, where there are others.

    Raises
    ------
    _Nobody
        If there are none.
    """
    there = time.monotonic()
    while True:
        try:
            return future.result(timeout=COUNT)
        except TimeoutError:
            if future.status == "error":
                raise
            there = time.monotonic() if client.nthreads() else there
            if time.monotonic() - there > PATIENCE:
                raise _Nobody(NOBODY) from None


def _one_by_one(client: "Client", chunk: Chunk, work: Work) -> pd.DataFrame:
    """The rows of a chunk that workers died of, a point at a time.

    With nothing else under way: a worker's death counts against all that was sent to it.
    """
    from distributed import KilledWorker

    frames = []
    for row in chunk.rows:
        alone = Chunk(chunk.config, chunk.number, (row,), chunk.cost)
        future = client.submit(work, alone, pure=False)
        try:
            frames.append(_result(client, future))
        except _Nobody:
            frames.append(failed(alone, NOBODY))
        except KilledWorker:
            frames.append(failed(alone, f"{RETRIES + 1} workers died of this point"))
    return pd.concat(frames)


@contextmanager
def _client(scheduler: str | None, workers: int) -> "Iterator[Client]":
    import dask
    from distributed import Client, LocalCluster

    settings = {
        "distributed.scheduler.allowed-failures": RETRIES,
        "distributed.worker.memory.terminate": False,
        "distributed.admin.tick.limit": "1h",
    }
    with dask.config.set(settings), warnings.catch_warnings():
        if scheduler is not None:
            try:
                client = Client(scheduler, timeout=PATIENCE)
            except OSError as error:
                raise ValueError(
                    f"scheduler must be the address of a Dask scheduler, got {scheduler!r}: {error}"
                ) from None
            with client:
                yield client
            return
        count = min(workers, 4 * (os.cpu_count() or 1))
        with (
            LocalCluster(
                n_workers=count,
                threads_per_worker=1,
                processes=True,
                dashboard_address="127.0.0.1:0",
                host="127.0.0.1",
                silence_logs=50,
            ) as cluster,
            Client(cluster) as client,
        ):
            try:
                yield client
            finally:
                _wait_for_all(client, count)


def _wait_for_all(client: "Client", count: int) -> None:
    """A cluster cannot be closed while it starts a worker again that died."""
    with suppress(TimeoutError):
        client.wait_for_workers(count, timeout=PATIENCE)
