"""A sweep in a process of its own: the same rows, whatever happens to the process."""

import os
import signal
import time

import pytest

from dashboard.places import Places
from dashboard.sweep_job import SweepJob
from rnnviz import Knob, SweepConfig, TrainConfig, sweep

BASE = TrainConfig(hidden_size=7, steps=11, batch_size=3, task="sine")
SHORT = SweepConfig(base=BASE, knobs=[Knob.linear("gain", 0.5, 1.5, 3)], seeds=[0, 1])
LONG = SweepConfig(
    base=BASE.replace(steps=60, iterations=30),
    knobs=[Knob.of("hidden_size", range(20, 60))],  # each size is a chunk of its own
    seeds=[0, 1, 2],
    measures=["trained_loss"],
)


@pytest.fixture
def begin():
    jobs = []

    def begun(config, places=None):
        job = SweepJob(config, places or Places(1))
        jobs.append(job)
        job.resume()
        return job

    yield begun
    for job in jobs:
        job.stop()


def until(job, condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition(shown := job.poll()):
        assert time.monotonic() < deadline, shown
        time.sleep(0.02)
    return shown


def test_a_sweep_in_a_process_gives_the_rows_of_the_call(begin):
    job = begin(SHORT)
    shown = until(job, lambda shown: shown.state == "finished")
    assert shown.runs == SHORT.runs
    assert job.rows().equals(sweep(SHORT))


def test_what_was_computed_is_kept_over_a_pause_a_kill_and_a_stop(begin):
    job = begin(LONG)
    first = until(job, lambda shown: shown.runs > 0).runs
    job.pause()
    assert job.poll().state == "paused"
    assert job.pid is None
    job.resume()
    more = until(job, lambda shown: shown.runs > first).runs
    os.kill(job.pid, signal.SIGKILL)
    shown = until(job, lambda shown: shown.state == "failed")
    assert shown.sentence == "the sweep's process ended unexpectedly (SIGKILL)"
    assert shown.runs >= more
    job.resume()
    until(job, lambda shown: shown.runs > more)
    job.stop()
    assert job.poll().state == "stopped"
    rows = job.rows()
    assert len(rows) > more
    assert not rows.duplicated(["hidden_size", "seed"]).any()


def test_a_second_sweep_waits_for_a_place_and_one_nobody_looks_at_gives_way(begin):
    places = Places(1, patience=60, patience_in_queue=0.2)
    first = begin(LONG, places)
    until(first, lambda shown: shown.state == "running")
    second = begin(SHORT, places)
    assert second.poll().position in (0, 1)
    assert until(second, lambda shown: shown.state == "finished").runs == SHORT.runs
    assert first.state in ("queued", "running")


def test_a_sweep_ends_when_its_visitor_has_gone(begin):
    places = Places(1, patience=0.2)
    job = begin(LONG, places)
    deadline = time.monotonic() + 20
    while job.state != "stopped":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert job.pid is None
