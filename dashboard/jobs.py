"""Training off the script thread: the only module that starts work there.

A job is a child process (``worker.py``) and a thread that reads what it sends; a page only ever
polls. The server trains one job less than it has cores at once, and the others queue.
"""

import math
import threading
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, cast

from dashboard import kept
from dashboard.child import Child
from dashboard.frames import Frame
from dashboard.places import PLACES, Places, State, Watch
from dashboard.seen import Seen, seen_until
from rnnviz.config import TrainConfig
from rnnviz.train import History, Moment, TrainStep

__all__ = ["Snapshot", "TrainJob", "check_steps", "prepare", "start"]

STOP_WITHIN: Final = 0.3
"""Seconds that a step may take to end by itself before its process is killed."""
CHANGEABLE: Final = ("learning_rate", "clip")


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
    """Why it failed, diverged or finished early; empty otherwise."""
    steps_per_second: float = 0.0
    seconds_left: float | None = None
    """None unless the job runs and its speed is known."""
    unkept: str = ""
    """Why it would be lost if the server ended; empty for a job that is kept, or need not be."""


class TrainJob:
    """One training: paused when it is made, sent on by ``resume`` or ``take``, watched by ``poll``.

    A paused job has given its place to others, and queues again when it goes on. With ``keep_in``
    it has a file, which its process writes.
    """

    def __init__(
        self,
        seen: Seen,
        places: Places = PLACES,
        watch: Watch | None = None,
        *,
        wanted: TrainConfig | None = None,
    ) -> None:
        self.watch = watch or Watch()
        self._places = places
        self._seen = seen
        self._wanted = wanted or seen.configs[-1][1]
        self._child: Child | None = None
        self._thread: threading.Thread | None = None
        self._lock = threading.RLock()
        self._order = 0
        self._left = self._until = math.inf
        self._stopping = self._giving_way = False
        self._snapshot = Snapshot("paused", 0, seen.history, seen.step)
        self._path: Path | None = None

    @classmethod
    def found_in(cls, path: Path, places: Places, watch: Watch) -> "TrainJob":
        """The job of a file that another server left.

        Raises
        ------
        ValueError
            One sentence on a file that is damaged or of another version.
        OSError
            If it cannot be opened.
        """
        found = kept.read(path)
        job = cls(found.seen, places, watch, wanted=found.wanted)
        job._show(state=found.state, sentence=found.sentence)
        job._path = path
        return job

    @property
    def config(self) -> TrainConfig:
        """The settings, with what was changed on the way."""
        return self._wanted

    @property
    def stages(self) -> tuple[tuple[int, TrainConfig], ...]:
        """The settings in force, each with the first step that knew of it."""
        with self._lock:
            return tuple(self._seen.configs)

    @property
    def state(self) -> State:
        """Queued, running, paused, or how it ended."""
        return self._snapshot.state

    @property
    def pid(self) -> int | None:
        """The child process's id, while there is one."""
        child = self._child
        return child.pid if child else None

    @property
    def has_process(self) -> bool:
        """Whether a process is there that can go on."""
        return self._child is not None

    @property
    def nbytes(self) -> int:
        """What this job keeps in the server's memory."""
        return self._seen.nbytes

    def poll(self) -> Snapshot:
        """What there is by now, at once; it also tells the server that somebody watches."""
        self.watch.touch()
        self._places.tidy()
        return self._snapshot

    def resume(self) -> None:
        """Train on, at once or when its turn comes; nothing if it finished or diverged."""
        self._go(math.inf)

    def take(self, steps: float) -> None:
        """Train for so many more steps, and pause.

        Raises
        ------
        ValueError
            If there is no step to take.
        """
        check_steps(steps)
        self._go(steps)

    def pause(self) -> None:
        """Pause after the step it is in, and free the place; nothing unless it runs or queues."""
        with self._lock:
            self._giving_way = False
            if self.state == "queued":
                self._show(state="paused", position=0)
            elif self.state == "running":
                self._tell(pause=True)
        self._places.tidy()

    def change(self, **settings: float) -> None:
        """Go on with another ``learning_rate`` or ``clip`` from the next step; the history tells.

        Raises
        ------
        ValueError
            If a setting cannot be changed on the way, or its value is not allowed.
        """
        if unknown := sorted(set(settings) - set(CHANGEABLE)):
            raise ValueError(
                f"only {' and '.join(CHANGEABLE)} can be changed while training, got {unknown[0]}"
            )
        with self._lock:
            self._wanted = self._wanted.replace(**settings)
            if self._child:
                self._tell(wanted=self._wanted.model_dump_json())

    def keep_in(self, path: Path, state: State) -> None:
        """Have all of it in a file from now on, to be found there as in this state."""
        try:
            kept.write(path, kept.Kept(self._seen, self._wanted, state))
            self._path = path
        except OSError as cause:
            self.is_not_kept(kept.why_not(path, cause))

    def is_not_kept(self, why: str) -> None:
        """Have that told."""
        self._show(unkept=why)

    def stop(self) -> None:
        """End within half a second, with all that was computed; nothing if it has ended."""
        child, thread, path = self._child, self._thread, self._path
        waited = self.state in ("queued", "paused")
        self.ask_to_stop()
        if self.state == "running" and child and thread:
            thread.join(STOP_WITHIN)
            if self.state == "running":
                child.kill()
                thread.join(STOP_WITHIN)
        if waited and path and not child:  # no process is there to write it
            self.keep_in(path, "stopped")
        self._places.tidy()

    def forget(self) -> None:
        """End it at once, and remove its file."""
        with self._lock:
            child = self._child
            self._stopping = self.state == "running"
            if child:
                child.kill()
        if not self._stopping:
            self.ask_to_stop()
        if self._path:
            with suppress(OSError):
                self._path.unlink()

    def start_from(self, moment: Moment) -> "TrainJob":
        """Another job, paused at a moment of this one, with its settings and history by then."""
        with self._lock:
            seen, wanted = self._seen.back_to(moment), self._seen.config_at(moment.step)
        return TrainJob(seen, self._places, self.watch, wanted=wanted)

    def ask_to_stop(self) -> None:
        """Have it end after the step it is in."""
        with self._lock:
            if self.state in ("queued", "paused"):
                self._show(state="stopped", position=0)
                self._tell(stop=True)
                self._let_go()
            elif self.state == "running" and self._child:
                self._stopping = True
                self._tell(stop=True)
                self._child.hang_up()

    def begin(self) -> None:
        """Train, if it is still queued."""
        with self._lock:
            if self.state != "queued":
                return
            self._show(state="running", position=0)
            self._until = len(self._snapshot.history.rows) + self._left
            if self._child:
                self._tell(take=self._left)
            else:
                self._start()

    def wait(self, position: int) -> None:
        """Stand at this place in the queue, if it is still queued."""
        with self._lock:
            if self.state == "queued" and self._snapshot.position != position:
                self._show(position=position)

    def give_way(self) -> None:
        """Have it queue again after the step it is in, if it runs."""
        with self._lock:
            if self.state == "running" and not self._giving_way:
                self._giving_way = True
                self._tell(pause=True)

    def drop_step(self) -> None:
        """Have it queue again at once, if it runs."""
        with self._lock:
            child, self._giving_way = self._child, False
            if self.state != "running" or not child:
                return
            self._child, self._left = None, self._until - len(self._snapshot.history.rows)
            self._show(state="queued", seconds_left=None)
        child.kill()

    def park(self) -> None:
        """End the process of a job that does not run: everything has been sent."""
        with self._lock:
            if self.state in ("paused", "queued"):
                self._let_go()

    def _go(self, steps: float) -> None:
        with self._lock:
            if self.state in ("finished", "diverged"):
                return
            self._left, self._giving_way = steps, False
            if self.state == "running":
                self._until = len(self._snapshot.history.rows) + steps
                self._tell(take=steps)
                return
            already = self.state == "queued"
            if not already:
                self._show(state="queued", sentence="")
        if not already:
            self._places.add(self)

    def _start(self) -> None:
        """Start a process where the last one left off."""
        self._seen.forget_beyond()
        self._show(history=self._seen.history)
        self._order += 1
        if self._seen.next_step == 0:  # nothing was computed that a change could be marked on
            self._seen.configs = [(0, self._wanted)]
        words: dict[str, object] = {
            "wanted": self._wanted.model_dump_json(),
            "take": self._left,
            "order": self._order,
            "kept": str(self._path or ""),
        }
        child = Child(words | self._seen.arrays())
        self._stopping = self._giving_way = False
        self._child = child
        self._thread = threading.Thread(target=self._listen, args=(child,), daemon=True)
        self._thread.start()

    def _tell(self, **words: object) -> None:
        if self._child:
            self._order += 1
            self._child.order(order=self._order, **words)

    def _let_go(self) -> None:
        child, self._child = self._child, None
        if child:
            child.hang_up()

    def _listen(self, child: Child) -> None:
        sentence = ""
        try:
            for frame in child.frames():
                self._hear(child, frame)
                self._places.tidy()
        except OSError as error:
            sentence = f"the training process could not be started: {error}"
        finally:
            self._gone(child, sentence)
            self._places.tidy()

    def _hear(self, child: Child, frame: Frame) -> None:
        with self._lock:
            if self._child is not child:
                return
            self._seen.hear(frame)
            rate = float(frame["steps_per_second"])
            history, step = self._seen.history, self._seen.step
            left = min(self._wanted.iterations, self._until) - len(history.rows)
            seconds = max(left, 0) / rate if rate and self.state == "running" else None
            self._show(history=history, step=step, steps_per_second=rate, seconds_left=seconds)
            if "unkept" in frame:
                self._show(unkept=str(frame["unkept"]))
            if "end" in frame:
                self._end(cast(State, str(frame["end"])), str(frame["sentence"]))
            gave_way = self._paused(frame) and self._giving_way
            if gave_way:
                self._giving_way, self._left = False, float(frame["left"])
                self._show(state="queued")
        if gave_way:
            self._places.add(self)

    def _paused(self, frame: Frame) -> bool:
        """Whether it pauses with this frame; not if it has been told otherwise since."""
        if "paused" not in frame or int(frame["paused"]) != self._order or self.state != "running":
            return False
        self._show(state="paused", seconds_left=None)
        return True

    def _gone(self, child: Child, sentence: str) -> None:
        """The process is no more; one that was paused or queued has sent everything."""
        with self._lock:
            if self._child is not child:
                return
            self._child = None
            if self.state != "running":
                return
            if self._stopping:
                self._end("stopped", "")
            else:
                self._end("failed", sentence or self._last_words(child))

    def _last_words(self, child: Child) -> str:
        """How a job ended whose child did not say so itself."""
        taken = len(self._snapshot.history.rows)
        where = f"after step {taken - 1}" if taken else "before its first step"
        return f"the training process ended unexpectedly {where} ({child.last_words()})"

    def _end(self, state: State, sentence: str) -> None:
        self._child = None
        self._show(state=state, sentence=sentence, seconds_left=None, position=0)

    def _show(self, **changes: object) -> None:
        self._snapshot = replace(self._snapshot, **changes)  # type: ignore[arg-type]


def prepare(
    config: TrainConfig,
    after: Snapshot | None = None,
    places: Places = PLACES,
    watch: Watch | None = None,
) -> TrainJob:
    """A job that is paused before its first step, and starts by ``resume`` or ``take``.

    Parameters
    ----------
    config : what to train
    after : what an ended job of the same network last showed, to go on from there
    places : the room there is
    watch : when the visitor was last seen, if there are several jobs to watch
    """
    seen = seen_until(after.history, after.step, config) if after else Seen(config)
    return TrainJob(seen, places, watch)


def check_steps(steps: float) -> None:
    """Refuse to take no step."""
    if steps < 1:
        raise ValueError(f"steps must be at least 1, got {steps}")


def start(config: TrainConfig, after: Snapshot | None = None, places: Places = PLACES) -> TrainJob:
    """A prepared job, sent on at once: it trains in a child process or queues."""
    job = prepare(config, after, places)
    job.resume()
    return job
