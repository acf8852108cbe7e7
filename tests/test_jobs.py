"""Jobs: training in a child process that can be watched, stopped, killed and queued for."""

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

import rnnviz as rv
from dashboard import jobs
from dashboard.jobs import Places, Snapshot, TrainJob
from dashboard.worker import NICENESS, pack, receive, send, unpack
from rnnviz.run import untrained
from rnnviz.train import History, TrainStep, train

LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
ENDLESS = 100_000

Start = Callable[..., TrainJob]


def config(**changes) -> rv.TrainConfig:
    settings = {"task": "adding", "steps": 11, "batch_size": 3, "hidden_size": 7, "iterations": 31}
    return rv.TrainConfig(**{**settings, **changes})


@pytest.fixture
def start() -> Iterator[Start]:
    """Start jobs, each with room of its own unless told otherwise, and stop them at the end."""
    started = []

    def begin(after: Snapshot | None = None, places: Places | None = None, **changes) -> TrainJob:
        job = jobs.start(config(**changes), after, places or Places(1))
        started.append(job)
        return job

    yield begin
    for job in started:
        job.stop()


def until(what: Callable[[], object], seconds: float = 60) -> None:
    """Wait, for so long at most, until it is true."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def ended(job: TrainJob) -> Snapshot:
    until(lambda: job.poll().state not in ("queued", "running"))
    return job.poll()


def begun(job: TrainJob) -> Snapshot:
    until(lambda: job.poll().step)
    return job.poll()


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def same_weights(step: TrainStep | None, other: TrainStep) -> bool:
    assert step
    pairs = zip(step.network.params.items(), other.network.params.items(), strict=True)
    return all(name == key and np.array_equal(W, V) for (name, W), (key, V) in pairs)


def test_a_job_shows_every_number_and_the_last_weights_of_train(start: Start) -> None:
    shown = ended(start())
    *_, last = train(config())
    assert shown.state == "finished"
    assert np.array_equal(shown.history.rows, History.collect(train(config())).rows, equal_nan=True)
    assert same_weights(shown.step, last)
    assert (shown.sentence, shown.seconds_left, shown.position) == ("", None, 0)


def test_a_running_job_says_how_fast_it_is_and_how_long_it_takes(start: Start) -> None:
    shown = begun(start(iterations=ENDLESS))
    assert shown.state == "running"
    assert shown.steps_per_second
    assert shown.steps_per_second > 1
    taken = len(shown.history.rows)
    assert shown.seconds_left == pytest.approx((ENDLESS - taken) / shown.steps_per_second)


def test_stop_takes_less_than_half_a_second_and_keeps_all(start: Start) -> None:
    job = start(iterations=ENDLESS)
    begun(job)
    asked = time.monotonic()
    job.stop()
    assert time.monotonic() - asked < 0.5
    shown = job.poll()
    assert shown.state == "stopped"
    assert shown.step
    assert len(shown.history.rows) == shown.step.number + 1
    steps = [*islice(train(config(iterations=ENDLESS)), shown.step.number + 1)]
    assert shown.history.rows[:, 1].tolist() == [step.loss for step in steps]
    assert same_weights(shown.step, steps[-1])


def test_stop_does_not_wait_for_a_long_step(start: Start) -> None:
    job = start(steps=10_000, hidden_size=256, batch_size=2, iterations=ENDLESS)
    begun(job)
    asked = time.monotonic()
    job.stop()
    assert time.monotonic() - asked < 0.5
    shown = job.poll()
    assert shown.state == "stopped"
    assert shown.step
    assert len(shown.history.rows) == shown.step.number + 1


def test_stop_before_the_first_step_leaves_an_empty_history(start: Start) -> None:
    job = start()
    job.stop()
    assert job.poll().state == "stopped"
    assert job.poll().history.rows.shape == (0, 5)


def test_stopping_what_has_ended_changes_nothing(start: Start) -> None:
    job = start(iterations=2)
    assert ended(job).state == "finished"
    job.stop()
    assert job.poll().state == "finished"


def test_a_stopped_job_goes_on_as_if_it_had_not_stopped(start: Start) -> None:
    job = start(iterations=ENDLESS)
    begun(job)
    job.stop()
    stopped = job.poll()
    total = len(stopped.history.rows) + 25
    shown = ended(start(after=stopped, iterations=total))
    whole = [*islice(train(config(iterations=ENDLESS)), total)]
    assert shown.state == "finished"
    assert shown.history.rows[:, 1].tolist() == [step.loss for step in whole]
    assert same_weights(shown.step, whole[-1])


def test_a_killed_child_is_a_failed_job_with_a_sentence(start: Start) -> None:
    job = start(iterations=ENDLESS)
    before = begun(job)
    assert job.pid
    os.kill(job.pid, signal.SIGKILL)
    shown = ended(job)
    taken = len(shown.history.rows)
    assert shown.state == "failed"
    assert shown.sentence == (
        f"the training process ended unexpectedly after step {taken - 1} (SIGKILL)"
    )
    assert taken >= len(before.history.rows)
    assert shown.step


def test_what_killed_training_sent_can_be_gone_on_from(start: Start) -> None:
    job = start(iterations=ENDLESS)
    begun(job)
    assert job.pid
    os.kill(job.pid, signal.SIGKILL)
    killed = ended(job)
    assert killed.step
    shown = ended(start(after=killed, iterations=killed.step.number + 9))
    assert shown.history.rows[:, 0].tolist() == [*range(killed.step.number + 9)]


def test_divergence_is_told_in_the_words_of_train(start: Start) -> None:
    changes = {"cell": "relu", "gain": 10.0, "steps": 1_000}
    shown = ended(start(**changes))
    (step,) = train(config(**changes))
    assert shown.state == "diverged"
    assert shown.sentence == step.fault
    assert same_weights(shown.step, step)


def test_what_train_refuses_is_told_in_its_words(start: Start) -> None:
    shown = ended(start(task="delayed_recall", lag=11))
    assert shown.state == "failed"
    assert shown.sentence == ("lag must be in [0, 10] for delayed_recall with 11 steps, got 11")


def test_a_job_without_room_waits_its_turn(start: Start) -> None:
    places = Places(1)
    first, second, third = (start(places=places, iterations=ENDLESS) for _ in range(3))
    states = [(job.poll().state, job.poll().position) for job in (first, second, third)]
    assert states == [("running", 0), ("queued", 1), ("queued", 2)]
    first.stop()
    begun(second)
    assert (third.poll().state, third.poll().position) == ("queued", 1)


def test_a_queued_job_can_be_stopped_and_leaves_the_queue(start: Start) -> None:
    places = Places(1)
    _, second, third = (start(places=places, iterations=ENDLESS) for _ in range(3))
    second.stop()
    assert (second.poll().state, second.poll().position) == ("stopped", 0)
    assert (third.poll().state, third.poll().position) == ("queued", 1)
    assert second.pid is None


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
    cores = os.cpu_count() or 2
    assert max(1, cores - 1) == jobs.PLACES.count


def test_a_job_nobody_watches_is_ended_and_keeps_what_it_has(start: Start) -> None:
    job = start(places=Places(1, patience=2), iterations=ENDLESS)
    begun(job)
    until(lambda: job.state == "stopped")
    assert job.poll().step


def test_nobody_waits_long_behind_a_job_that_nobody_watches(start: Start) -> None:
    places = Places(1, patience_in_queue=0.5)
    left = start(places=places, iterations=ENDLESS)
    begun(left)
    second = start(places=places, iterations=ENDLESS)
    until(lambda: second.poll().state == "running")
    assert left.state == "stopped"


@LINUX
def test_the_child_gives_way_to_the_server(start: Start) -> None:
    job = start(iterations=ENDLESS)
    begun(job)
    assert job.pid
    own = os.getpriority(os.PRIO_PROCESS, 0)
    assert os.getpriority(os.PRIO_PROCESS, job.pid) == min(own + NICENESS, 19)


@LINUX
@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_child_outlives_the_server(by: signal.Signals) -> None:
    script = (
        "import time, rnnviz as rv\n"
        "from dashboard import jobs\n"
        f"job = jobs.start(rv.TrainConfig(hidden_size=7, iterations={ENDLESS}))\n"
        "while job.poll().step is None: time.sleep(0.01)\n"
        "print(job.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    command = [sys.executable, "-c", script]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=quiet, cwd=jobs.ROOT) as server:
        assert server.stdout
        child = int(server.stdout.readline())
        assert is_alive(child)
        server.send_signal(by)
    until(lambda: not is_alive(child), seconds=3)


def test_jobs_import_no_streamlit() -> None:
    script = "import sys, dashboard.jobs; sys.exit('streamlit' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", script], cwd=jobs.ROOT, check=False).returncode == 0
    )


def test_a_step_comes_back_from_a_frame_as_it_was() -> None:
    step = next(train(config()))
    stream = io.BytesIO()
    send(stream, pack(step))
    stream.seek(0)
    frame = receive(stream)
    assert frame
    back = unpack(frame, untrained(config()))
    assert back.row == step.row
    assert back.fault is None
    assert same_weights(back, step)
    assert [array.tolist() for array in back.memory] == [array.tolist() for array in step.memory]


@pytest.mark.parametrize("kept", [0, 3, 8, 50])
def test_a_stream_that_ends_inside_a_frame_ends_there(kept: int) -> None:
    stream = io.BytesIO()
    send(stream, {"rows": np.zeros((4, 5))})
    assert receive(io.BytesIO(stream.getvalue()[:kept])) is None
