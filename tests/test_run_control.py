"""Run control: pause, resume, single steps, changes and going back, each exact to the last bit."""

import os
import signal
import time
from collections.abc import Iterator

import numpy as np
import pytest
from training_jobs import (
    ENDLESS,
    Start,
    begun,
    config,
    ended,
    prepare_only,
    same_history,
    same_weights,
    start_at_once,
    state_is,
    until,
    whole,
)

from dashboard.jobs import TrainJob
from dashboard.places import Places
from rnnviz.train import Change, train


@pytest.fixture
def start() -> Iterator[Start]:
    yield from start_at_once()


@pytest.fixture
def prepare() -> Iterator[Start]:
    yield from prepare_only()


def kill(job: TrainJob) -> None:
    assert job.pid
    os.kill(job.pid, signal.SIGKILL)


def test_a_prepared_job_is_paused_and_has_no_process(prepare: Start) -> None:
    job = prepare()
    assert (job.poll().state, job.pid, len(job.poll().history.rows)) == ("paused", None, 0)


def test_single_steps_are_those_of_an_uninterrupted_training(prepare: Start) -> None:
    job = prepare()
    counts = []
    for count in (1, 1, 10, 1):
        job.take(count)
        shown = state_is(job, "paused")
        counts.append(len(shown.history.rows))
        assert shown.step
        assert shown.step.number == counts[-1] - 1
    assert counts == [1, 2, 12, 13]
    steps = whole(13)
    assert same_history(job.poll().history, steps)
    assert same_weights(job.poll().step, steps[-1])


def test_steps_up_to_the_last_one_finish(prepare: Start) -> None:
    job = prepare(iterations=4)
    job.take(4)
    assert ended(job).state == "finished"
    assert same_history(job.poll().history, whole(4, iterations=4))


def test_no_step_cannot_be_taken(prepare: Start) -> None:
    with pytest.raises(ValueError, match="steps must be at least 1, got 0"):
        prepare().take(0)


def test_pause_and_resume_give_what_an_uninterrupted_training_gives(start: Start) -> None:
    job = start(iterations=400)
    for _ in range(3):
        begun(job)
        job.pause()
        shown = state_is(job, "paused", "finished")
        assert shown.step
        assert len(shown.history.rows) == shown.step.number + 1
        job.resume()
    assert ended(job).state == "finished"
    steps = whole(400, iterations=400)
    assert same_history(job.poll().history, steps)
    assert same_weights(job.poll().step, steps[-1])


def test_a_paused_job_takes_no_step_and_keeps_its_process(start: Start) -> None:
    job = start(iterations=ENDLESS)
    begun(job)
    job.pause()
    before = state_is(job, "paused")
    pid = job.pid
    time.sleep(0.3)
    assert len(job.poll().history.rows) == len(before.history.rows)
    job.resume()
    until(lambda: len(job.poll().history.rows) > len(before.history.rows))
    assert job.pid == pid


def test_the_last_order_holds_however_quickly_they_follow(start: Start) -> None:
    job = start(iterations=ENDLESS)
    begun(job)
    for _ in range(20):
        job.pause()
        job.resume()
    seen = len(job.poll().history.rows)
    until(lambda: len(job.poll().history.rows) > seen + 50)
    job.pause()
    job.take(3)
    shown = state_is(job, "paused")
    assert same_history(shown.history, whole(len(shown.history.rows), iterations=ENDLESS))


def test_a_stopped_job_takes_single_steps(start: Start) -> None:
    job = start(iterations=ENDLESS)
    begun(job)
    job.stop()
    taken = len(job.poll().history.rows)
    job.take(2)
    shown = state_is(job, "paused")
    assert len(shown.history.rows) == taken + 2
    assert same_history(shown.history, whole(taken + 2, iterations=ENDLESS))


def test_a_change_on_the_way_is_that_of_train_and_is_told(prepare: Start) -> None:
    job = prepare()
    job.take(5)
    state_is(job, "paused")
    job.change(learning_rate=0.03, clip=0.2)
    job.resume()
    shown = ended(job)
    first = whole(5)
    rest = [*train(config(learning_rate=0.03, clip=0.2), first[-1])]
    assert same_history(shown.history, first + rest)
    assert same_weights(shown.step, rest[-1])
    assert shown.history.changes == (
        Change(5, "learning rate 0.001 → 0.03"),
        Change(5, "clip threshold 1 → 0.2"),
    )
    assert job.config == config(learning_rate=0.03, clip=0.2)


def test_a_change_while_it_runs_holds_from_the_step_that_is_told(start: Start) -> None:
    job = start(iterations=ENDLESS)
    begun(job)
    job.change(learning_rate=0.03)
    until(lambda: job.poll().history.changes)
    job.stop()
    shown = job.poll().history
    (change,) = shown.changes
    assert change.sentence == "learning rate 0.001 → 0.03"
    first = whole(change.step, iterations=ENDLESS)
    after = train(config(iterations=ENDLESS, learning_rate=0.03), first[-1])
    rest = [next(after) for _ in range(len(shown.rows) - change.step)]
    assert same_history(shown, first + rest)


def test_a_change_that_is_taken_back_before_the_next_step_is_none(prepare: Start) -> None:
    job = prepare()
    job.take(3)
    state_is(job, "paused")
    job.change(clip=0.5)
    job.change(clip=1.0)
    job.resume()
    assert ended(job).history.changes == ()


def test_a_change_of_a_stopped_job_holds_when_it_goes_on(start: Start) -> None:
    job = start(iterations=ENDLESS)
    begun(job)
    job.stop()
    taken = len(job.poll().history.rows)
    job.change(learning_rate=0.5)
    job.take(1)
    shown = state_is(job, "paused")
    assert shown.history.changes == (Change(taken, "learning rate 0.001 → 0.5"),)
    assert shown.history.column("learning_rate").tolist()[-2:] == [0.001, 0.5]


def test_a_change_before_the_first_step_is_no_change_of_the_run(prepare: Start) -> None:
    job = prepare()
    job.change(learning_rate=0.5)
    job.take(2)
    shown = state_is(job, "paused")
    assert shown.history.changes == ()
    assert same_history(shown.history, whole(2, learning_rate=0.5))


def test_only_rate_and_clipping_can_be_changed_on_the_way(prepare: Start) -> None:
    job = prepare()
    with pytest.raises(ValueError, match="only learning_rate and clip can be changed"):
        job.change(hidden_size=9)
    with pytest.raises(ValueError, match=r"learning_rate must be in \[0, 10\], got 11"):
        job.change(learning_rate=11)
    assert job.config == config()


def test_a_run_goes_on_from_any_of_its_moments(start: Start) -> None:
    job = start()
    shown = ended(job)
    moment = shown.history.moments[3]
    again = job.start_from(moment)
    assert again.poll().state == "paused"
    assert len(again.poll().history.rows) == moment.step
    again.resume()
    assert same_history(ended(again).history, whole(31))
    assert len(job.poll().history.rows) == 31


def test_a_run_from_a_moment_keeps_the_settings_and_changes_of_then(prepare: Start) -> None:
    job = prepare()
    job.take(4)
    state_is(job, "paused")
    job.change(learning_rate=0.03)
    job.resume()
    shown = ended(job)
    early = job.start_from(next(m for m in shown.history.moments if m.step == 2))
    late = job.start_from(next(m for m in shown.history.moments if m.step > 4))
    assert early.config == config()
    assert late.config == config(learning_rate=0.03)
    late.resume()
    again = ended(late)
    assert again.history.changes == shown.history.changes
    assert np.array_equal(again.history.rows, shown.history.rows, equal_nan=True)


def test_a_parked_job_goes_on_in_another_process_as_if_nothing_were(prepare: Start) -> None:
    places = Places(1, paused=0)
    job = prepare(places=places)
    job.take(6)
    state_is(job, "paused")
    until(lambda: not job.has_process)
    job.resume()
    assert same_history(ended(job).history, whole(31))


def test_a_paused_job_whose_process_is_killed_loses_nothing(prepare: Start) -> None:
    job = prepare()
    job.take(6)
    state_is(job, "paused")
    kill(job)
    until(lambda: not job.has_process)
    assert job.poll().state == "paused"
    job.resume()
    assert same_history(ended(job).history, whole(31))


def test_a_killed_job_goes_on_where_its_weights_are(start: Start) -> None:
    job = start(iterations=ENDLESS)
    begun(job)
    kill(job)
    failed = ended(job)
    assert failed.state == "failed"
    job.take(5)
    shown = state_is(job, "paused")
    assert failed.step
    assert shown.sentence == ""
    assert len(shown.history.rows) == failed.step.number + 6
    assert same_history(shown.history, whole(len(shown.history.rows), iterations=ENDLESS))


def test_a_paused_job_stops_at_once_with_all_it_has(prepare: Start) -> None:
    job = prepare()
    job.take(6)
    state_is(job, "paused")
    job.stop()
    assert job.poll().state == "stopped"
    assert same_history(job.poll().history, whole(6))


def test_what_finished_does_not_go_on(start: Start) -> None:
    job = start(iterations=2)
    ended(job)
    job.resume()
    job.take(3)
    job.pause()
    assert (job.poll().state, len(job.poll().history.rows)) == ("finished", 2)


def test_a_stop_rule_finishes_with_its_sentence(start: Start) -> None:
    shown = ended(start(target_loss=900.0))
    (step,) = train(config(target_loss=900.0))
    assert shown.state == "finished"
    assert shown.sentence == step.reached
    assert shown.sentence


def test_the_time_limit_counts_steps_and_not_pauses(prepare: Start) -> None:
    job = prepare(iterations=ENDLESS, time_limit=1.0)
    job.take(1)
    state_is(job, "paused")
    time.sleep(1.2)
    job.take(1)
    assert state_is(job, "paused", "finished").state == "paused"
    job.resume()
    shown = ended(job)
    assert shown.state == "finished"
    assert "1 s" in shown.sentence
    assert len(shown.history.rows) > 2


def test_a_percentile_of_past_norms_survives_a_pause(prepare: Start) -> None:
    job = prepare(clip_by="percentile")
    job.take(9)
    state_is(job, "paused")
    job.stop()
    job.resume()
    assert same_history(ended(job).history, whole(31, clip_by="percentile"))
