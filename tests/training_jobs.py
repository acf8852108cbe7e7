"""Jobs for tests: a small config, what starts jobs and ends them all, and waiting for them."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice

import numpy as np

import rnnviz as rv
from dashboard import jobs
from dashboard.jobs import Snapshot, TrainJob
from dashboard.places import Places
from rnnviz.train import History, TrainStep, train

ENDLESS = 100_000

Start = Callable[..., TrainJob]


def config(**changes) -> rv.TrainConfig:
    settings = {"task": "adding", "steps": 11, "batch_size": 3, "hidden_size": 7, "iterations": 31}
    return rv.TrainConfig(**{**settings, **changes})


@contextmanager
def starting(begin: Start) -> Iterator[Start]:
    """What starts jobs, each with room of its own unless told otherwise, and stops them at last."""
    started = []

    def start(after: Snapshot | None = None, places: Places | None = None, **changes) -> TrainJob:
        job = begin(config(**changes), after, places or Places(1))
        started.append(job)
        return job

    yield start
    for job in started:
        job.stop()


def start_at_once() -> Iterator[Start]:
    with starting(jobs.start) as start:
        yield start


def prepare_only() -> Iterator[Start]:
    with starting(jobs.prepare) as prepare:
        yield prepare


def until(what: Callable[[], object], seconds: float = 60) -> None:
    """Wait, for so long at most, until it is true."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def state_is(job: TrainJob, *states: str) -> Snapshot:
    """What it shows once it is in one of these states."""
    until(lambda: job.poll().state in states)
    return job.poll()


def ended(job: TrainJob) -> Snapshot:
    until(lambda: job.poll().state not in ("queued", "running", "paused"))
    return job.poll()


def begun(job: TrainJob) -> Snapshot:
    until(lambda: job.poll().step)
    return job.poll()


def whole(count: int, **changes) -> list[TrainStep]:
    """The first steps of a training that nothing interrupts, in this process."""
    return [*islice(train(config(**changes)), count)]


def same_weights(step: TrainStep | None, other: TrainStep) -> bool:
    assert step
    pairs = zip(step.network.params.items(), other.network.params.items(), strict=True)
    return all(name == key and np.array_equal(W, V) for (name, W), (key, V) in pairs)


def same_history(shown: History, steps: list[TrainStep]) -> bool:
    """Whether every number and every moment is that of these steps, to the last bit."""
    expected = History.collect(steps)
    assert shown.columns == expected.columns
    assert [m.step for m in shown.moments] == [m.step for m in expected.moments]
    pairs = zip(shown.moments, expected.moments, strict=True)
    return np.array_equal(shown.rows, expected.rows, equal_nan=True) and all(
        np.array_equal(array, other.arrays()[name], equal_nan=True)
        for moment, other in pairs
        for name, array in moment.arrays().items()
    )
