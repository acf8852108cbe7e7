"""Runs that would slow the other visitors: they go to a process of their own, and wait their turn.

A process stays for the next run, as starting one takes longer than most runs. It drops a run whose
visitor no longer waits.
"""

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from typing import Final

from dashboard.child import spawn
from dashboard.frames import Frame, receive, send
from dashboard.limits import RUN_SECONDS
from dashboard.run_worker import MODULE
from rnnviz import Record, RunConfig
from rnnviz.runfile.packed import unpacked
from rnnviz.runfile.structure import network_from
from rnnviz.stopping import breathe

EVERY: Final = 0.05
"""Seconds between two questions whether anybody still waits."""
PATIENCE: Final = 4 * RUN_SECONDS
"""Seconds after which a run is given up: its estimate was far from right."""

GRACE: Final = 1.0
"""Seconds in which a process has to drop what nobody waits for."""

Tell = Callable[[int], None]
"""Hears the place in the queue, 1 for the next to start, and 0 once it runs."""


class Worker:
    """A process that runs what it is asked to, one after the other."""

    def __init__(self) -> None:
        self._process = spawn(MODULE)
        self._frames: SimpleQueue[Frame | None] = SimpleQueue()
        self._listening = threading.Thread(target=self._listen, daemon=True)
        self._listening.start()

    @property
    def is_alive(self) -> bool:
        """Whether it can be asked."""
        return self._process.poll() is None

    def run(self, config: RunConfig) -> Record:
        """What ``rnnviz.run`` gives, to the bit; the errors are those of ``Away.run``."""
        until = time.monotonic() + PATIENCE
        self._say(config=config.model_dump_json())
        head = self._next(until)
        if "error" in head:
            raise ValueError(str(head["error"]))
        arrays: Frame = {}
        for _ in head["arrays"]:
            arrays |= self._next(until)
        self._next(until)
        params = {n.removeprefix("param."): W for n, W in arrays.items() if n.startswith("param.")}
        return unpacked(network_from(json.loads(str(head["network"])), params), arrays)

    def calm(self) -> bool:
        """Have it drop what it does; whether it did so soon, and else it is killed."""
        self._say(drop=True)
        until = time.monotonic() + GRACE
        with suppress(Empty):
            while (
                frame := self._frames.get(timeout=max(0.0, until - time.monotonic()))
            ) is not None:
                if "done" in frame:
                    return True
        self._process.kill()
        self.end()
        return False

    def end(self) -> None:
        """Have the process go, as nothing more will come."""
        assert self._process.stdin
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait()
        self._listening.join()

    def _say(self, **words: object) -> None:
        assert self._process.stdin
        with suppress(BrokenPipeError):  # of one that is dead nothing will come
            send(self._process.stdin, words)

    def _listen(self) -> None:
        assert self._process.stdout
        with self._process.stdout as stream:
            while frame := receive(stream):
                self._frames.put(frame)
        self._frames.put(None)

    def _next(self, until: float) -> Frame:
        """What comes next, unless nobody waits for it any more."""
        while time.monotonic() < until:
            breathe()
            with suppress(Empty):
                if (frame := self._frames.get(timeout=EVERY)) is not None:
                    return frame
                raise ValueError("the run's process ended: there may be too little memory for it")
        raise ValueError(f"the run took more than {PATIENCE:,.0f} s and was given up")


class Away:
    """Room for ``count`` runs at once; the others wait in the order in which they came."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._lock = threading.Lock()
        self._waiting: list[object] = []
        self._running = 0
        self._idle: list[Worker] = []

    def run(self, config: RunConfig, tell: Tell) -> Record:
        """What ``rnnviz.run`` gives, to the bit.

        Raises
        ------
        ValueError
            If it cannot be run, its process died, or it takes far longer than was thought.
        """
        with self._place(tell), self._worker() as worker:
            tell(0)
            return worker.run(config)

    def rest(self) -> None:
        """End the processes that nothing is asked of."""
        with self._lock:
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.end()

    @contextmanager
    def _place(self, tell: Tell) -> Iterator[None]:
        """Wait for a place, and free it."""
        mine = object()
        with self._lock:
            self._waiting.append(mine)
        has_begun = False
        try:
            while not (has_begun := self._begins(mine)):
                with self._lock:
                    position = self._waiting.index(mine) + 1
                tell(position)
                breathe()
                time.sleep(EVERY)
            yield
        finally:
            with self._lock:
                if has_begun:
                    self._running -= 1
                else:
                    self._waiting.remove(mine)

    def _begins(self, mine: object) -> bool:
        with self._lock:
            if self._running >= self._count or self._waiting[0] is not mine:
                return False
            self._running += 1
            self._waiting.remove(mine)
            return True

    @contextmanager
    def _worker(self) -> Iterator[Worker]:
        """One that is idle, or a new one; it stays for the next."""
        with self._lock:
            worker = self._idle.pop() if self._idle else None
        if worker is None or not worker.is_alive:
            worker = Worker()
        stays = True
        try:
            yield worker
        except BaseException:
            stays = worker.calm()
            raise
        finally:
            if stays:
                with self._lock:
                    self._idle.append(worker)


AWAY: Final = Away(max(1, (os.cpu_count() or 2) - 1))
"""The whole server's."""
