"""Training off the script thread: the only module that starts work there.

A job is a child process (``worker.py``) and a thread that reads what it sends; a page only ever
polls. The server trains one job less than it has cores at once, and the others queue.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Final, Literal, cast

import numpy as np

from dashboard.worker import Frame, pack, receive, send, unpack
from rnnviz.arrays import frozen
from rnnviz.config import TrainConfig
from rnnviz.network import Network
from rnnviz.run import untrained
from rnnviz.train import COLUMNS, History, TrainStep

__all__ = ["PLACES", "Places", "Snapshot", "State", "TrainJob", "start"]

State = Literal["queued", "running", "stopped", "finished", "failed", "diverged"]

STOP_WITHIN: Final = 0.3
"""Seconds that a step may take to end by itself before its process is killed."""
PATIENCE: Final = 600.0
"""Seconds without a poll after which nobody is thought to watch."""
PATIENCE_IN_QUEUE: Final = 90.0
"""The same while others wait: more than the minute between the polls of a hidden tab."""
ROOT: Final = Path(__file__).parents[1]
COMMAND: Final = (sys.executable, "-m", "dashboard.worker")
ONE_THREAD: Final = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """What a job has shown so far: every step's numbers, and the latest weights sent."""

    state: State
    position: int
    """Place in the queue, 1 for the next to start; 0 for a job that is not queued."""
    history: History
    step: TrainStep | None
    """The latest step whose network has arrived; None before the first."""
    sentence: str = ""
    """Why it failed or diverged; empty otherwise."""
    steps_per_second: float = 0.0
    seconds_left: float | None = None
    """None unless the job runs and its speed is known."""


class Places:
    """Room for ``count`` jobs at once; the others wait in the order they came."""

    def __init__(
        self, count: int, patience: float = PATIENCE, patience_in_queue: float = PATIENCE_IN_QUEUE
    ) -> None:
        self.count = count
        self._patience = patience
        self._patience_in_queue = patience_in_queue
        self._lock = threading.Lock()
        self._jobs: list[TrainJob] = []

    def add(self, job: "TrainJob") -> None:
        """Let a job start, at once or when its turn comes."""
        with self._lock:
            self._jobs.append(job)
        self.tidy()

    def tidy(self) -> None:
        """Forget jobs that have ended, end those nobody watches, start those whose turn it is."""
        with self._lock:
            self._end_unwatched()
            running, queued = self._in("running"), self._in("queued")
            self._jobs = [*running, *queued]
            free = self.count - len(running)
            for job in queued[:free]:
                job.begin()
            for position, job in enumerate(queued[free:], 1):
                job.wait(position)

    def _end_unwatched(self) -> None:
        patience = self._patience_in_queue if self._in("queued") else self._patience
        for job in self._jobs:
            if job.unwatched_for() > patience:
                job.ask_to_stop()

    def _in(self, state: State) -> "list[TrainJob]":
        return [job for job in self._jobs if job.state == state]


PLACES: Final = Places(max(1, (os.cpu_count() or 2) - 1))
"""The whole server's."""


class TrainJob:
    """One training: made by ``start``, watched by ``poll``, ended by ``stop`` or by itself."""

    def __init__(self, config: TrainConfig, after: Snapshot | None, places: Places) -> None:
        self.config = config
        self._places = places
        self._polled = time.monotonic()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._process: subprocess.Popen[bytes] | None = None
        self._like: Network | None = None
        self._lock = threading.Lock()
        self._asked = self._stopping = False
        # Until the thread starts this is written under the lock, and then by the thread alone.
        self._snapshot = Snapshot("queued", 0, _history_until(after), after.step if after else None)

    @property
    def state(self) -> State:
        """Queued, running, or how it ended."""
        return self._snapshot.state

    @property
    def pid(self) -> int | None:
        """The child process's id, once there is one."""
        return self._process.pid if self._process else None

    def poll(self) -> Snapshot:
        """What there is by now, at once; it also tells the server that somebody watches."""
        self._polled = time.monotonic()
        self._places.tidy()
        return self._snapshot

    def stop(self) -> None:
        """End within half a second, with all that was computed; nothing if it has ended."""
        self.ask_to_stop()
        if self._thread.ident is None:
            return
        self._thread.join(STOP_WITHIN)
        if self._thread.is_alive() and self._process:
            self._process.kill()
            self._thread.join(STOP_WITHIN)

    def ask_to_stop(self) -> None:
        """Have it end after the step it is in."""
        with self._lock:
            self._stopping = True
            if self.state == "queued":
                self._show(state="stopped", position=0)
            self._hang_up()

    def begin(self) -> None:
        """Start, if it is still queued."""
        with self._lock:
            if self.state == "queued":
                self._show(state="running", position=0)
                self._thread.start()

    def wait(self, position: int) -> None:
        """Stand at this place in the queue, if it is still queued."""
        with self._lock:
            if self.state == "queued":
                self._show(position=position)

    def unwatched_for(self) -> float:
        """Seconds since the last poll."""
        return time.monotonic() - self._polled

    def _run(self) -> None:
        try:
            with _spawn() as process:
                self._process = process
                self._talk(process)
        except OSError as error:
            self._end("failed", f"the training process could not be started: {error}")
        finally:
            if self.state == "running":
                self._end(*self._last_words())
            self._places.tidy()

    def _talk(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin
        assert process.stdout
        self._ask(process.stdin)
        while frame := receive(process.stdout):
            self._take(frame)
            self._places.tidy()

    def _ask(self, stdin: IO[bytes]) -> None:
        step = self._snapshot.step
        start_from = pack(step) if step else {}
        with contextlib.suppress(BrokenPipeError):  # a child that is dead says so by its exit code
            send(stdin, {"config": self.config.model_dump_json(), **start_from})
        with self._lock:
            self._asked = True
            if self._stopping:
                self._hang_up()

    def _hang_up(self) -> None:
        """End the child's stdin, which stops it; before it was asked there is nothing to keep."""
        if self._process is None or self._process.stdin is None:
            return
        if self._asked:
            self._process.stdin.close()
        else:
            self._process.kill()

    def _take(self, frame: Frame) -> None:
        step = self._snapshot.step
        if "row" in frame:
            self._like = self._like or untrained(self.config)
            step = unpack(frame, self._like)
        rows = np.concatenate([self._snapshot.history.rows, frame["rows"]])
        rate = float(frame["steps_per_second"])
        left = (self.config.iterations - len(rows)) / rate if rate else None
        history = History(frozen(rows))
        self._show(history=history, step=step, steps_per_second=rate, seconds_left=left)
        if "end" in frame:
            self._end(cast(State, str(frame["end"])), str(frame["sentence"]))

    def _last_words(self) -> tuple[State, str]:
        """How a job ended whose child did not say so itself."""
        if self._stopping:
            return "stopped", ""
        code = self._process.returncode if self._process else 0
        why = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        taken = len(self._snapshot.history.rows)
        where = f"after step {taken - 1}" if taken else "before its first step"
        return "failed", f"the training process ended unexpectedly {where} ({why})"

    def _end(self, state: State, sentence: str) -> None:
        self._show(state=state, sentence=sentence, seconds_left=None)

    def _show(self, **changes: object) -> None:
        self._snapshot = replace(self._snapshot, **changes)  # type: ignore[arg-type]


def start(config: TrainConfig, after: Snapshot | None = None, places: Places = PLACES) -> TrainJob:
    """Train in a child process: at once if there is room, else queued.

    Parameters
    ----------
    config : what to train
    after : what a stopped job of the same network last showed, to go on from there
    places : the room there is
    """
    job = TrainJob(config, after, places)
    places.add(job)
    return job


def _spawn() -> subprocess.Popen[bytes]:
    """A child at the other end of two pipes; it gets no Ctrl-C, but sees its stdin end."""
    return subprocess.Popen(
        COMMAND,
        bufsize=0,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env=os.environ | ONE_THREAD,
        start_new_session=True,
    )


def _history_until(after: Snapshot | None) -> History:
    """The numbers that belong to the weights: a killed child may have sent some beyond."""
    if after is None or after.step is None:
        return History(frozen(np.empty((0, len(COLUMNS)))))
    return History(frozen(after.history.rows[: after.step.number + 1]))
