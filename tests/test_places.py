"""Places: who trains, who waits, who gives way, and what ends when its visitor has gone."""

import os
import time
from collections.abc import Iterator

import pytest
from load.process import cpu_seconds
from training_jobs import (
    ENDLESS,
    Start,
    begun,
    config,
    ended,
    prepare_only,
    same_history,
    start_at_once,
    state_is,
    until,
    whole,
)

from dashboard import jobs
from dashboard.jobs import TrainJob
from dashboard.places import PLACES, Places, Watch


@pytest.fixture
def start() -> Iterator[Start]:
    yield from start_at_once()


@pytest.fixture
def prepare() -> Iterator[Start]:
    yield from prepare_only()


def stand(job: TrainJob) -> tuple[str, int]:
    shown = job.poll()
    return shown.state, shown.position


def test_a_job_without_room_waits_its_turn(start: Start) -> None:
    places = Places(1)
    first, second, third = (start(places=places, iterations=ENDLESS) for _ in range(3))
    assert [stand(job) for job in (first, second, third)] == [
        ("running", 0),
        ("queued", 1),
        ("queued", 2),
    ]
    first.stop()
    begun(second)
    assert stand(third) == ("queued", 1)


def test_a_queued_job_can_be_stopped_and_leaves_the_queue(start: Start) -> None:
    places = Places(1)
    _, second, third = (start(places=places, iterations=ENDLESS) for _ in range(3))
    second.stop()
    assert stand(second) == ("stopped", 0)
    assert stand(third) == ("queued", 1)
    assert second.pid is None


def test_a_queued_job_can_be_paused_and_leaves_the_queue(start: Start) -> None:
    places = Places(1)
    _, second, third = (start(places=places, iterations=ENDLESS) for _ in range(3))
    second.pause()
    assert stand(second) == ("paused", 0)
    assert stand(third) == ("queued", 1)
    second.resume()
    assert stand(second) == ("queued", 2)


def test_a_paused_job_frees_its_place_and_queues_again_to_go_on(start: Start) -> None:
    places = Places(1)
    first, second = (start(places=places, iterations=ENDLESS) for _ in range(2))
    begun(first)
    first.pause()
    state_is(second, "running")
    assert stand(first) == ("paused", 0)
    first.resume()
    assert stand(first) == ("queued", 1)
    taken = len(first.poll().history.rows)
    second.stop()
    until(lambda: len(first.poll().history.rows) > taken)
    assert stand(first) == ("running", 0)


def test_a_place_that_gets_free_is_taken_though_nobody_polls(start: Start) -> None:
    places = Places(1)
    start(places=places, iterations=2)
    second = start(places=places, iterations=2)
    until(lambda: second.state == "finished")


def test_two_places_hold_two_jobs(start: Start) -> None:
    places = Places(2)
    three = [start(places=places, iterations=ENDLESS) for _ in range(3)]
    assert [job.poll().state for job in three] == ["running", "running", "queued"]


def test_the_server_leaves_one_core_free() -> None:
    assert max(1, (os.cpu_count() or 2) - 1) == PLACES.count


def test_of_too_many_paused_processes_the_one_paused_longest_ends(prepare: Start) -> None:
    places = Places(1, paused=1)
    first, second = (prepare(places=places, iterations=ENDLESS) for _ in range(2))
    first.take(1)
    state_is(first, "paused")
    second.take(1)
    state_is(second, "paused")
    until(lambda: not first.has_process)
    assert second.has_process
    assert [first.state, second.state] == ["paused", "paused"]


@pytest.mark.parametrize("state", ["running", "paused", "queued"])
def test_what_a_visitor_left_ends_and_keeps_what_it_has(start: Start, state: str) -> None:
    places = Places(1, patience=1)
    job = start(places=places, iterations=ENDLESS)
    begun(job)
    if state != "running":
        job.pause()
        state_is(job, "paused")
    if state == "queued":
        start(places=places, iterations=ENDLESS)
        job.resume()
    until(lambda: job.state == "stopped")
    until(lambda: not job.has_process)
    assert job.poll().step


def test_a_job_nobody_looks_at_gives_way_to_one_that_somebody_waits_for(start: Start) -> None:
    places = Places(1, patience_in_queue=0.5)
    left = start(places=places, iterations=ENDLESS)
    begun(left)
    second = start(places=places, iterations=ENDLESS)
    until(lambda: second.poll().state == "running")
    assert left.state == "queued"
    taken = len(left.poll().history.rows)
    second.stop()
    until(lambda: len(left.poll().history.rows) > taken)


def test_nobody_gives_way_to_what_nobody_waits_for(start: Start) -> None:
    places = Places(1, patience_in_queue=0.2)
    first = start(places=places, iterations=ENDLESS)
    second = start(places=places, iterations=ENDLESS)
    begun(first)
    taken = len(first.poll().history.rows)
    until(lambda: second.watch.away > 0.2)
    until(lambda: first.watch.away > 0.5)
    assert (first.state, second.state) == ("running", "queued")
    until(lambda: len(first.poll().history.rows) > taken)


class Visitor:
    """Somebody whose page is open, or not."""

    def __init__(self) -> None:
        self.is_here = True
        self.watch = Watch(lambda: self.is_here)

    def train(self, places: Places, **changes) -> TrainJob:
        job = jobs.prepare(config(**changes), None, places, self.watch)
        job.resume()
        return job


@pytest.fixture
def ada() -> Visitor:
    return Visitor()


def rests(pid: int) -> bool:
    """Whether a process takes no core."""
    before = cpu_seconds(pid)
    time.sleep(0.3)
    return cpu_seconds(pid) - before < 0.01


def test_whoever_left_takes_no_core_within_two_seconds_and_goes_on_when_back(ada: Visitor) -> None:
    job = ada.train(Places(1), iterations=ENDLESS)
    begun(job)
    pid = job.pid
    assert pid
    assert not rests(pid)
    ada.is_here = False
    left = time.monotonic()
    until(lambda: job.state == "queued")
    assert time.monotonic() - left < 2
    assert job.pid == pid
    assert rests(pid)
    taken = len(job.poll().history.rows)
    ada.is_here = True
    until(lambda: len(job.poll().history.rows) > taken)
    assert job.pid == pid
    job.stop()


def test_whoever_is_here_is_not_kept_waiting_by_those_who_left(ada: Visitor) -> None:
    places, bob = Places(1, paused=1), Visitor()
    hers, his = ada.train(places, iterations=ENDLESS), bob.train(places, iterations=ENDLESS)
    begun(hers)
    assert stand(his) == ("queued", 1)
    ada.is_here = False
    begun(his)
    bob.is_here = False
    until(lambda: his.state == "queued")
    until(lambda: hers.has_process + his.has_process == 1)
    ada.is_here = bob.is_here = True
    until(lambda: "running" in (hers.poll().state, his.poll().state))
    hers.stop()
    his.stop()


def test_a_step_that_is_dropped_is_computed_again(ada: Visitor) -> None:
    job = ada.train(Places(1), iterations=400)
    until(lambda: len(job.poll().history.rows) > 3)
    job.drop_step()
    assert job.state == "queued"
    shown = ended(job)
    assert shown.state == "finished"
    assert same_history(shown.history, whole(400, iterations=400))


def test_a_visitor_of_whom_nothing_is_known_is_here() -> None:
    assert Watch(lambda: False).gone == 0
    assert Watch().gone == 0
