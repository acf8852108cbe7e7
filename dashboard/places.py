"""Whose turn it is: a bounded number of jobs train at once, and the others queue.

Of one visitor's jobs, which share a watch, one runs at a time.

A paused job frees its place and keeps its process, so that it goes on at once; of too many such
processes the one paused longest ends, and its job starts another when it goes on.

A visitor who has closed their last page takes no core: their job queues, and goes on when they are
back.
"""

import os
import threading
import time
from collections.abc import Callable
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
TICK: Final = 0.5
"""Seconds between two looks at the queue, at the most."""
GONE: Final = 0.8
"""Seconds without an open page after which a visitor has left; a reload takes fewer."""
GONE_LONG: Final = 1.4
"""Seconds after which the step that their job is in is not waited for any more."""


class Watch:
    """When somebody last looked, and whether they can.

    Parameters
    ----------
    is_here : whether the visitor has a page open; not asked of one who has none to begin with, as
        then nothing is known of them
    """

    def __init__(self, is_here: Callable[[], bool] | None = None) -> None:
        self._is_here = is_here if is_here and is_here() else None
        self._here = time.monotonic()
        self.touch()

    def touch(self) -> None:
        """Somebody looks now."""
        self._seen = time.monotonic()

    @property
    def away(self) -> float:
        """Seconds since somebody looked."""
        return time.monotonic() - self._seen

    @property
    def gone(self) -> float:
        """Seconds since a page was last seen open; 0 where one is."""
        now = time.monotonic()
        if self._is_here is None or self._is_here():
            self._here = now
        return now - self._here


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

    def drop_step(self) -> None:
        """The same at once: what the step has computed is lost."""

    def park(self) -> None:
        """End the process, unless it runs; nothing is lost."""

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
        self._ticking = Ticking(self._tick, min(TICK, patience / 4, patience_in_queue / 4))

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
            idle = [*self._in("paused"), *self._in("queued")]
            with_process = [job for job in idle if job.has_process]
            for job in with_process[: max(0, len(with_process) - self._paused)]:
                job.park()

    def _tick(self) -> bool:
        self.tidy()
        return bool(self._jobs)

    def _make_way(self) -> None:
        """Have jobs nobody looks at give way to those that somebody waits for, or whoever left."""
        for job in self._in("running"):
            if job.watch.gone > GONE_LONG:
                job.drop_step()
            elif job.watch.gone > GONE:
                job.give_way()
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
            if free > 0 and job.watch not in at_work and job.watch.gone <= GONE:
                job.begin()
                free -= 1
                at_work.add(job.watch)
            else:
                position += 1
                job.wait(position)

    def _is_away(self, job: Job) -> bool:
        return job.watch.away > self._patience_in_queue or job.watch.gone > GONE

    def _in(self, state: State) -> list[Job]:
        return [job for job in self._jobs if job.state == state]


PLACES: Final = Places(max(1, (os.cpu_count() or 2) - 1))
"""The whole server's."""
