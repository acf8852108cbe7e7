"""Each visitor's runs, kept by the server: a page that is loaded again finds them as they are.

A visitor is known by a token, and whoever has no such token sees none of them. What is kept is
bounded, by visitor and for all together; what trains, or is about to, is never dropped for it.
Each run has a file, by which it is found again though the server was ended in between.
"""

import math
import threading
from collections.abc import Callable
from functools import partial
from typing import Final

from dashboard import kept
from dashboard.jobs import Snapshot, TrainJob, check_steps, prepare
from dashboard.kept import Shelf
from dashboard.limits import ALL_RUNS_LIMIT, RUNS_KEPT, RUNS_LIMIT, VISITORS
from dashboard.places import PLACES, Places, State, Watch
from dashboard.ticking import Ticking
from rnnviz.config import TrainConfig
from rnnviz.train import Moment

KEPT_FOR: Final = 3600.0
"""Seconds without a poll after which a visitor's runs are dropped."""
BUSY: Final = ("queued", "running")

IsHere = Callable[[str], bool]
"""Whether the visitor who has a token has a page open."""


class Runs:
    """One visitor's runs, oldest first."""

    def __init__(
        self,
        store: "Store",
        places: Places,
        kept: int = RUNS_KEPT,
        limit: int = RUNS_LIMIT,
        shelf: Shelf | None = None,
        watch: Watch | None = None,
    ) -> None:
        self.watch = watch or Watch()
        self.unread: tuple[str, ...] = ()
        """A sentence for each file of theirs that is damaged."""
        self._store, self._places = store, places
        self._kept, self._limit, self._shelf = kept, limit, shelf
        self._lock = threading.RLock()
        self._jobs: list[TrainJob] = []
        self._is_restored = shelf is None

    @staticmethod
    def of(token: str, is_here: IsHere | None = None) -> "Runs":
        """The runs of the visitor who has this token; none for a new one.

        ``is_here`` tells whether a visitor has a page open: only while one is, their runs train.
        """
        return STORE.of(token, is_here)

    @property
    def jobs(self) -> tuple[TrainJob, ...]:
        """All there are, the newest last."""
        return tuple(self._jobs)

    @property
    def nbytes(self) -> int:
        """What they keep in memory."""
        return sum(job.nbytes for job in self.jobs)

    def start(
        self, config: TrainConfig, after: Snapshot | None = None, steps: float = math.inf
    ) -> TrainJob:
        """A new run, at once or when its turn comes, that pauses after so many steps.

        The same config again is the same weights; another ``seed`` is other ones.

        Raises
        ------
        ValueError
            If as many runs as may be kept train or wait, or ``steps`` is not positive.
        """
        check_steps(steps)
        job = prepare(config, after, self._places, self.watch)
        self._add(job, "interrupted")
        job.take(steps)
        return job

    def start_from(self, job: TrainJob, moment: Moment) -> TrainJob:
        """Another run from a moment of one of these, paused there: the old one stays as it is.

        Raises
        ------
        ValueError
            If as many runs as may be kept train or wait.
        """
        begun = job.start_from(moment)
        self._add(begun, "paused")
        return begun

    def restore(self) -> None:
        """Find the runs that another server left; once."""
        with self._lock:
            if self._is_restored or self._shelf is None:
                return
            self._is_restored = True
            for path in self._shelf.paths():
                try:
                    self._jobs.append(TrainJob.found_in(path, self._places, self.watch))
                except (ValueError, OSError) as cause:
                    self.unread += (str(cause),)
        if self._jobs:
            self._store.watch_over(self)

    def drop(self, job: TrainJob) -> None:
        """Stop a run, and keep nothing of it."""
        with self._lock:
            self._jobs = [other for other in self._jobs if other is not job]
        job.forget()
        self._places.tidy()

    def make_room(self, more: int = 0) -> None:
        """Drop the oldest that can be spared, until so many more can be kept."""
        with self._lock:
            while len(self._jobs) + more > self._kept or (
                self.nbytes > self._limit and len(self._jobs) + more > 1
            ):
                spare = self.spare()
                if spare is None:
                    return
                self.drop(spare)

    def spare(self) -> TrainJob | None:
        """Which one to drop first: the oldest that has ended, else that is paused."""
        ended = [job for job in self.jobs if job.state not in (*BUSY, "paused")]
        paused = [job for job in self.jobs if job.state == "paused"]
        return next(iter(ended + paused), None)

    def _add(self, job: TrainJob, found_as: State = "stopped") -> None:
        self.watch.touch()
        with self._lock:
            self.make_room(1)
            if len(self._jobs) >= self._kept:
                raise ValueError(
                    f"at most {self._kept} runs may train or wait, and {self._kept} do: "
                    "stop one of them first"
                )
            self._jobs.append(job)
        self._put_on_disk(job, found_as)
        self._store.watch_over(self)

    def _put_on_disk(self, job: TrainJob, found_as: State) -> None:
        """Write a run's file for the first time, if this visitor's are kept."""
        if self._shelf is None:
            return
        try:
            job.keep_in(self._shelf.new(), found_as)
        except OSError as cause:
            job.is_not_kept(f"there can be no folder for it: {cause.strerror}")
        kept.make_room()


class Store:
    """The runs of all visitors by their tokens, bounded in visitors and in bytes."""

    def __init__(
        self,
        places: Places = PLACES,
        visitors: int = VISITORS,
        limit: int = ALL_RUNS_LIMIT,
        kept_for: float = KEPT_FOR,
        shelf_of: Callable[[str], Shelf] | None = None,
    ) -> None:
        self._places, self._visitors, self._shelf_of = places, visitors, shelf_of
        self._limit, self._kept_for = limit, kept_for
        self._lock = threading.RLock()
        self._runs: dict[str, Runs] = {}
        self._ticking = Ticking(self._tick, min(30, kept_for / 4))

    def __len__(self) -> int:
        return len(self._runs)

    @property
    def nbytes(self) -> int:
        """What all runs keep in memory."""
        return sum(runs.nbytes for runs in list(self._runs.values()))

    def of(self, token: str, is_here: IsHere | None = None) -> Runs:
        """What ``Runs.of`` gives."""
        with self._lock:
            runs = self._runs.get(token)
            if runs is None:
                self._forget_down_to(self._visitors - 1)
                shelf = self._shelf_of(token) if self._shelf_of else None
                watch = Watch(partial(is_here, token) if is_here else None)
                runs = self._runs[token] = Runs(self, self._places, shelf=shelf, watch=watch)
            runs.watch.touch()
        runs.restore()
        return runs

    def watch_over(self, runs: Runs) -> None:
        """Keep within the bounds now, and from time to time while something is kept."""
        self.tidy(but=runs)
        self._ticking.begin()

    def tidy(self, but: Runs | None = None) -> None:
        """Drop the runs of visitors long gone, and what is beyond the bounds."""
        with self._lock:
            for token, runs in list(self._runs.items()):
                if runs.watch.away > self._kept_for:
                    self._forget(token)
                else:
                    runs.make_room()
            self._drop_down_to(self._limit, but)

    def _tick(self) -> bool:
        self.tidy()
        return len(self) > 0

    def _drop_down_to(self, limit: int, but: Runs | None) -> None:
        """Drop runs of those gone longest first, and of this visitor last."""
        for runs in sorted(self._runs.values(), key=lambda r: (r is but, -r.watch.away)):
            while self.nbytes > limit:
                spare = runs.spare()
                if spare is None or (runs is but and len(runs.jobs) == 1):
                    break
                runs.drop(spare)

    def _forget_down_to(self, count: int) -> None:
        """Forget visitors without runs, then those gone longest."""
        by_worth = sorted(self._runs, key=self._worth)
        for token in by_worth[: max(0, len(by_worth) - count)]:
            self._forget(token)

    def _worth(self, token: str) -> tuple[bool, float]:
        runs = self._runs[token]
        return bool(runs.jobs), -runs.watch.away

    def _forget(self, token: str) -> None:
        """Keep a visitor's runs in memory no longer; their files stay, while there is room."""
        runs = self._runs.pop(token)
        for job in runs.jobs:
            job.ask_to_stop()
        self._places.tidy()


STORE: Final = Store(shelf_of=Shelf.of)
"""The whole server's."""
