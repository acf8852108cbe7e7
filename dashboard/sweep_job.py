"""A sweep off the script thread: a child process computes its chunks, and a page only polls.

It takes its place among the trainings: of all of them only so many work at once. A pause ends the
process, which loses the chunk that it is in and no other.
"""

import math
import threading
import time
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import pyarrow as pa

from dashboard.child import Child
from dashboard.frames import Frame
from dashboard.places import PLACES, Places, State, Watch
from dashboard.sweep_worker import MODULE
from rnnviz.config import SweepConfig
from rnnviz.sweep.chunks import Chunk, chunks_of
from rnnviz.sweep.compute import in_order

GOES_ON = ("paused", "stopped", "failed")
"""States that a sweep can be sent on from."""


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """How far a sweep has come."""

    state: State
    position: int
    """Place in the queue, 1 for the next to start; 0 for a sweep that is not queued."""
    runs: int
    """How many are done."""
    runs_per_second: float
    seconds_left: float | None
    """None unless it runs and its speed is known."""
    sentence: str
    """Why it failed; empty otherwise."""


class SweepJob:
    """One sweep: paused when it is made, sent on by ``resume``, watched by ``poll``."""

    def __init__(
        self, config: SweepConfig, places: Places = PLACES, watch: Watch | None = None
    ) -> None:
        self.config, self.watch = config, watch or Watch()
        self._places, self._lock = places, threading.RLock()
        self._frames: dict[int, pd.DataFrame] = {}
        self._child: Child | None = None
        self._state: State = "paused"
        self._position, self._sentence = 0, ""
        self._since = self._before = 0.0

    @cached_property
    def chunks(self) -> list[Chunk]:
        """What it is cut into."""
        return chunks_of(self.config)

    @property
    def state(self) -> State:
        """Queued, running, paused, or how it ended."""
        return self._state

    @property
    def has_process(self) -> bool:
        """Whether a process is there that can go on: none is, while it is paused."""
        return False

    @property
    def pid(self) -> int | None:
        """The child process's id, while there is one."""
        return self._child.pid if self._child else None

    def poll(self) -> Shown:
        """How far it is by now, at once; it also tells the server that somebody watches."""
        self.watch.touch()
        self._places.tidy()
        with self._lock:
            runs = sum(len(frame) for frame in self._frames.values())
            done = self._done
            whole = sum(c.cost.seconds for c in self.chunks)
            took, costs = time.monotonic() - self._since, done - self._before
            known = self._state == "running" and costs > 0 and took > 0
            left = (whole - done) * took / costs if known else None
            rate = runs / done * costs / took if known else 0.0
            return Shown(self._state, self._position, runs, rate, left, self._sentence)

    @property
    def _done(self) -> float:
        """Seconds that the chunks which are done were thought to take."""
        return sum(chunk.cost.seconds for chunk in self.chunks if chunk.number in self._frames)

    def rows(self) -> pd.DataFrame:
        """The rows that are done, in the order of the grid."""
        with self._lock:
            frames = list(self._frames.values())
        return in_order(self.config.columns, frames)

    def resume(self) -> None:
        """Go on, at once or when its turn comes; nothing if it is done."""
        with self._lock:
            if self._state not in GOES_ON:
                return
            self._state, self._sentence = "queued", ""
        self._places.add(self)

    def pause(self) -> None:
        """Keep what is there, and free the place."""
        self._leave("paused")

    def stop(self) -> None:
        """End, and keep what is there."""
        self._leave("stopped")

    def ask_to_stop(self) -> None:
        """End; called by the queue, which tidies by itself."""
        self._end_process("stopped")

    def begin(self) -> None:
        """Start a process, if it is still queued."""
        with self._lock:
            if self._state != "queued":
                return
            self._state, self._position = "running", 0
            self._since = math.inf  # until its first chunk comes: a process takes a while to start
            done = np.array(sorted(self._frames), np.int64)
            child = Child({"config": self.config.model_dump_json(), "done": done}, MODULE)
            self._child = child
        threading.Thread(target=self._listen, args=(child,), daemon=True).start()

    def wait(self, position: int) -> None:
        """Stand at this place in the queue."""
        with self._lock:
            if self._state == "queued":
                self._position = position

    def give_way(self) -> None:
        """Queue again: its process ends, and what it has sent is kept."""
        self._end_process("queued")

    def drop_step(self) -> None:
        """The same: it has never waited for the chunk that it is in."""
        self.give_way()

    def park(self) -> None:
        """Nothing: a paused sweep has no process."""

    def _leave(self, state: State) -> None:
        self._end_process(state)
        self._places.tidy()

    def _end_process(self, state: State) -> bool:
        """End the process if it runs or queues; whether it did."""
        with self._lock:
            if self._state not in ("queued", "running", "paused"):
                return False
            self._state, self._position = state, 0
            child, self._child = self._child, None
        if child:
            child.hang_up()
            child.kill()
        return True

    def _listen(self, child: Child) -> None:
        sentence = ""
        try:
            for frame in child.frames():
                self._hear(frame)
        except OSError as error:
            sentence = f"the sweep's process could not be started: {error}"
        with self._lock:
            if self._child is child:
                self._child = None
                whole = len(self._frames) == len(self.chunks)
                self._state = "finished" if whole else "failed"
                ended = f"the sweep's process ended unexpectedly ({child.last_words()})"
                self._sentence = "" if whole else sentence or ended
        self._places.tidy()

    def _hear(self, frame: Frame) -> None:
        """Keep a chunk; one that was on its way when its process was ended is as good."""
        table = pa.ipc.open_stream(frame["table"].tobytes()).read_pandas()
        with self._lock:
            self._frames[int(frame["chunk"])] = table
            if math.isinf(self._since):
                self._since, self._before = time.monotonic(), self._done
