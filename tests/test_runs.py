"""Runs: a visitor finds them again, sees nobody else's, and they are bounded in memory."""

import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from training_jobs import ENDLESS, begun, config, same_history, state_is, until, whole

from dashboard import jobs
from dashboard.jobs import Snapshot, TrainJob
from dashboard.places import Places
from dashboard.runs import STORE, Runs, Store
from rnnviz.train import History, train

Open = Callable[..., Store]


@pytest.fixture
def open_store() -> Iterator[Open]:
    """Stores with room for two jobs, whose jobs are stopped in the end."""
    stores = []

    def make(places: Places | None = None, **bounds) -> Store:
        stores.append(Store(places or Places(2), **bounds))
        return stores[-1]

    yield make
    for store in stores:
        for runs in list(store._runs.values()):
            for job in runs.jobs:
                job.stop()


def loaded(runs: Runs, megabytes: float = 1) -> TrainJob:
    """A run of this size that has not started: it costs no training."""
    rows = np.zeros((int(megabytes * 2**20 / 8 / 15), 15))
    step = next(train(config()))
    history = History(tuple(map(str, range(15))), rows)
    job = jobs.prepare(config(), None, runs._places, runs.watch)
    job._seen._take_over(history)
    job._snapshot = Snapshot("stopped", 0, history, step)
    runs._add(job)
    return job


def test_a_page_that_is_loaded_again_finds_the_run_where_it_is(open_store: Open) -> None:
    store = open_store()
    job = store.of("ada").start(config(iterations=ENDLESS))
    before = len(begun(job).history.rows)
    (found,) = store.of("ada").jobs
    assert found is job
    until(lambda: len(found.poll().history.rows) > before)


def test_two_visitors_never_see_each_others_runs(open_store: Open) -> None:
    store = open_store()
    ada = store.of("ada").start(config())
    assert store.of("bob").jobs == ()
    bob = store.of("bob").start(config(seed=1))
    assert store.of("ada").jobs == (ada,)
    assert store.of("bob").jobs == (bob,)


def test_the_servers_store_is_one() -> None:
    assert Runs.of("somebody") is STORE.of("somebody")
    assert Runs.of("somebody") is not Runs.of("somebody else")


def test_several_runs_of_a_visitor_are_kept_and_queue(open_store: Open) -> None:
    runs = open_store(Places(1)).of("ada")
    three = [runs.start(config(seed=seed, iterations=ENDLESS)) for seed in range(3)]
    assert runs.jobs == tuple(three)
    assert [job.poll().position for job in three] == [0, 1, 2]


def test_a_run_can_be_started_for_a_few_steps(open_store: Open) -> None:
    job = open_store().of("ada").start(config(), steps=3)
    assert same_history(state_is(job, "paused").history, whole(3))


def test_no_run_is_kept_of_a_start_that_is_refused(open_store: Open) -> None:
    runs = open_store().of("ada")
    with pytest.raises(ValueError, match="steps must be at least 1, got 0"):
        runs.start(config(), steps=0)
    assert runs.jobs == ()


def test_the_same_config_again_is_the_same_run(open_store: Open) -> None:
    runs = open_store().of("ada")
    first, again = (runs.start(config(), steps=2) for _ in range(2))
    rows = [state_is(job, "paused").history.rows for job in (first, again)]
    assert np.array_equal(*rows, equal_nan=True)


def test_a_run_from_a_moment_is_one_more_run(open_store: Open) -> None:
    runs = open_store().of("ada")
    job = runs.start(config())
    shown = state_is(job, "finished")
    begun_again = runs.start_from(job, shown.history.moments[2])
    assert runs.jobs == (job, begun_again)
    begun_again.resume()
    assert same_history(state_is(begun_again, "finished").history, whole(31))


def test_of_too_many_runs_the_oldest_that_ended_goes(open_store: Open) -> None:
    runs = Runs(open_store(), Places(1), kept=3)
    paused = jobs.prepare(config(), None, Places(1), runs.watch)
    runs._add(paused)
    first, second, third = (loaded(runs) for _ in range(3))
    assert runs.jobs == (paused, second, third)
    assert first.state == "stopped"


def test_what_trains_or_waits_is_not_dropped_for_another(open_store: Open) -> None:
    runs = Runs(open_store(), Places(1), kept=2)
    busy = [runs.start(config(iterations=ENDLESS)) for _ in range(2)]
    with pytest.raises(ValueError, match="at most 2 runs may train or wait, and 2 do"):
        runs.start(config())
    assert runs.jobs == tuple(busy)
    for job in busy:
        job.stop()


def test_a_visitors_runs_are_bounded_in_bytes(open_store: Open) -> None:
    runs = Runs(open_store(), Places(1), limit=5 << 20)
    for _ in range(7):
        loaded(runs, 1.5)
    runs.make_room()
    assert runs.nbytes <= 5 << 20
    assert len(runs.jobs) == 3


def test_a_run_too_large_for_its_visitor_is_kept_while_it_is_the_only_one(open_store: Open) -> None:
    runs = Runs(open_store(), Places(1), limit=1 << 20)
    loaded(runs, 0.5)
    large = loaded(runs, 3)
    runs.make_room()
    assert runs.jobs == (large,)


def test_the_runs_of_all_visitors_are_bounded_and_those_gone_longest_lose_theirs_first(
    open_store: Open,
) -> None:
    store = open_store(limit=6 << 20)
    for name in ("ada", "bob", "eve"):
        loaded(store.of(name), 2.5)
        time.sleep(0.01)
    assert store.nbytes <= 6 << 20
    assert [len(store._runs[name].jobs) for name in ("ada", "bob", "eve")] == [0, 1, 1]


def test_visitors_are_bounded_and_those_without_runs_go_first(open_store: Open) -> None:
    store = open_store(visitors=3)
    loaded(store.of("ada"))
    for number in range(10):
        store.of(f"passer-by {number}")
    assert len(store) == 3
    assert len(store.of("ada").jobs) == 1


def test_runs_of_a_visitor_long_gone_are_dropped_though_nobody_comes(open_store: Open) -> None:
    store = open_store(kept_for=1.0)
    job = store.of("ada").start(config(iterations=ENDLESS))
    begun(job)
    until(lambda: len(store) == 0)
    until(lambda: job.state == "stopped" and not job.has_process)


def test_what_ended_for_want_of_a_visitor_is_found_by_a_reload(open_store: Open) -> None:
    store = open_store(Places(1, patience=1))
    job = store.of("ada").start(config(iterations=ENDLESS))
    begun(job)
    until(lambda: job.state == "stopped")
    (found,) = store.of("ada").jobs
    shown = found.poll().history
    assert same_history(shown, whole(len(shown.rows), iterations=ENDLESS))


def test_any_look_at_one_run_keeps_all_of_a_visitors(open_store: Open) -> None:
    runs = open_store(Places(1, patience=1)).of("ada")
    first, second = (runs.start(config(iterations=ENDLESS)) for _ in range(2))
    end = time.monotonic() + 2
    while time.monotonic() < end:
        first.poll()
        time.sleep(0.05)
    assert (first.state, second.state) == ("running", "queued")


def test_a_dropped_run_is_stopped(open_store: Open) -> None:
    runs = open_store().of("ada")
    job = runs.start(config(iterations=ENDLESS))
    begun(job)
    runs.drop(job)
    assert runs.jobs == ()
    until(lambda: job.state == "stopped" and not job.has_process)
