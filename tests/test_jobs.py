"""Jobs: training in a child process that can be watched, stopped and killed."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from training_jobs import (
    ENDLESS,
    Start,
    begun,
    config,
    ended,
    same_history,
    same_weights,
    start_at_once,
    until,
    whole,
)

from dashboard.child import ROOT
from dashboard.limits import CHILD_BYTES
from dashboard.modest import NICENESS
from rnnviz.train import train

LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


@pytest.fixture
def start() -> Iterator[Start]:
    yield from start_at_once()


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_job_shows_every_number_and_moment_and_the_last_weights_of_train(start: Start) -> None:
    shown = ended(start())
    steps = whole(31)
    assert shown.state == "finished"
    assert same_history(shown.history, steps)
    assert same_weights(shown.step, steps[-1])
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
    steps = whole(shown.step.number + 1, iterations=ENDLESS)
    assert same_history(shown.history, steps)
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
    assert len(job.poll().history.rows) == 0


def test_stopping_what_has_ended_changes_nothing(start: Start) -> None:
    job = start(iterations=2)
    assert ended(job).state == "finished"
    job.stop()
    assert job.poll().state == "finished"


def test_a_finished_job_goes_on_in_another_with_more_steps(start: Start) -> None:
    first = ended(start(iterations=20))
    shown = ended(start(after=first, iterations=45))
    assert shown.history.rows[:, 1].tolist() == [step.loss for step in whole(45, iterations=45)]
    assert shown.history.rows[:, 0].tolist() == [*range(45)]


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


def test_the_memory_a_job_takes_is_that_of_its_numbers_and_moments(start: Start) -> None:
    job = start(detail="everything")
    history = ended(job).history
    moments = sum(a.nbytes for moment in history.moments for a in moment.arrays().values())
    assert job.nbytes > history.rows.nbytes + moments
    assert job.nbytes < 4 * (history.rows.nbytes + moments)


@LINUX
def test_the_child_gives_way_to_the_server(start: Start) -> None:
    job = start(iterations=ENDLESS)
    begun(job)
    assert job.pid
    own = os.getpriority(os.PRIO_PROCESS, 0)
    assert os.getpriority(os.PRIO_PROCESS, job.pid) == min(own + NICENESS, 19)


@LINUX
@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGINT])
def test_no_child_outlives_the_server(by: signal.Signals) -> None:
    script = (
        "import signal, time, rnnviz as rv\n"
        "from dashboard import jobs\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a shell's & ignores it
        f"config = rv.TrainConfig(hidden_size=7, iterations={ENDLESS})\n"
        "paused = jobs.prepare(config)\n"
        "paused.take(1)\n"
        "while paused.poll().state != 'paused': time.sleep(0.01)\n"
        "running = jobs.start(config)\n"
        "while running.poll().step is None: time.sleep(0.01)\n"
        "print(paused.pid, running.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    command = [sys.executable, "-c", script]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=quiet, cwd=ROOT) as server:
        assert server.stdout
        children = [*map(int, server.stdout.readline().split())]
        assert [*map(is_alive, children)] == [True, True]
        server.send_signal(by)
    until(lambda: not any(map(is_alive, children)), seconds=3)


def test_jobs_import_no_streamlit() -> None:
    script = "import sys, dashboard.runs; sys.exit('streamlit' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False).returncode == 0


@LINUX
def test_the_child_has_a_bound_on_its_memory(start: Start) -> None:
    job = start(iterations=ENDLESS)
    begun(job)
    limits = Path(f"/proc/{job.pid}/limits").read_text()
    (bound,) = re.findall(r"Max address space +(\d+)", limits)
    taken = int(Path(f"/proc/{job.pid}/statm").read_text().split()[0]) * 4096
    assert CHILD_BYTES < int(bound) < taken + CHILD_BYTES + (64 << 20)
