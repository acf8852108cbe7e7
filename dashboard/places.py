"""Whose turn it is: a bounded number of jobs train at once, and the others queue.

Of one visitor's jobs, which share a watch, one runs at a time.

A paused job frees its place and keeps its process, so that it goes on at once; of too many such
processes the one paused longest ends, and its job starts another when it goes on.
"""

import os
import threading
import time
from typing import Final, Literal, Protocol

from dashboard.limits import PAUSED_PROCESSES
from dashboard.ticking import Ticking

State = Literal[
    "queued", "running", "paused", "stopped", "interrupted", "finished", "failed", "diverged"
]

PATIENCE: Final = 600.0
"""Seconds without a poll after which a visitor is thought to have gone for good."""
PATIENCE_IN_QUEUE: Final = 90.0
"""Seconds after which others go first: more than the minute between a hidden tab's polls."""


class Watch:
    """When somebody last looked."""

    def __init__(self) -> None:
        self.touch()

    def touch(self) -> None:
        """Somebody looks now."""
        self._seen = time.monotonic()

    @property
    def away(self) -> float:
        """Seconds since somebody looked."""
        return time.monotonic() - self._seen


class Job(Protocol):
    """What the queue asks of a job; each of these returns at once."""

    watch: Watch

    @property
    def state(self) -> State:
        """Whether it waits, runs, pauses or how it ended."""

    @property
    def has_process(self) -> bool:
        """Whether a process is there that can go on."""

    def begin(self) -> None:
        """Its turn has come."""

    def wait(self, position: int) -> None:
        """Stand at this place in the queue."""

    def give_way(self) -> None:
        """Pause after this step, and queue again."""

    def park(self) -> None:
        """End the process, if it is paused; nothing is lost."""

    def ask_to_stop(self) -> None:
        """End after this step."""


class Places:
    """Room for ``count`` jobs at once, and for ``paused`` processes beside them."""

    def __init__(
        self,
        count: int,
        patience: float = PATIENCE,
        patience_in_queue: float = PATIENCE_IN_QUEUE,
        paused: int = PAUSED_PROCESSES,
    ) -> None:
        self.count = count
        self._patience = patience
        self._patience_in_queue = patience_in_queue
        self._paused = paused
        self._lock = threading.Lock()
        self._jobs: list[Job] = []
        self._ticking = Ticking(self._tick, min(5, patience / 4, patience_in_queue / 4))

    def add(self, job: Job) -> None:
        """Put a job at the end of the queue: it starts at once or when its turn comes."""
        with self._lock:
            self._jobs = [other for other in self._jobs if other is not job] + [job]
        self.tidy()
        self._ticking.begin()

    def tidy(self) -> None:
        """Forget jobs that have ended, end those of visitors gone, start those whose turn it is."""
        with self._lock:
            for job in self._jobs:
                if job.watch.away > self._patience:
                    job.ask_to_stop()
            self._jobs = [*self._in("paused"), *self._in("running"), *self._in("queued")]
            self._make_way()
            self._fill()
            with_process = [job for job in self._in("paused") if job.has_process]
            for job in with_process[: max(0, len(with_process) - self._paused)]:
                job.park()

    def _tick(self) -> bool:
        self.tidy()
        return bool(self._jobs)

    def _make_way(self) -> None:
        """Have jobs nobody looks at give way to those that somebody waits for."""
        waiting = {job.watch for job in self._in("queued") if not self._is_away(job)}
        running = [job for job in self._in("running") if self._is_away(job)]
        others = waiting - {job.watch for job in self._in("running")}
        for job, _ in zip(running, others, strict=False):
            job.give_way()

    def _fill(self) -> None:
        """Begin the first of each visitor for whom there is room, and number the others."""
        running = self._in("running")
        free, at_work = self.count - len(running), {job.watch for job in running}
        position = 0
        for job in sorted(self._in("queued"), key=self._is_away):
            if free > 0 and job.watch not in at_work:
                job.begin()
                free -= 1
                at_work.add(job.watch)
            else:
                position += 1
                job.wait(position)

    def _is_away(self, job: Job) -> bool:
        return job.watch.away > self._patience_in_queue

    def _in(self, state: State) -> list[Job]:
        return [job for job in self._jobs if job.state == state]


PLACES: Final = Places(max(1, (os.cpu_count() or 2) - 1))
"""The whole server's."""
