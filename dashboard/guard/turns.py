"""Whose page is drawn: one after another, in the order in which they were asked for.

Threads that draw pages take the one interpreter from each other: thirty at once each take half as
much processor time again, and all of them end late. One that takes long, or waits for a process,
lets the next begin.
"""

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from dashboard.limits import TURN_SECONDS


class Turns:
    """A queue in which whoever takes long is overtaken, and no one else."""

    def __init__(self, patience: float = TURN_SECONDS) -> None:
        self._patience = patience
        self._lock = threading.Lock()
        self._waiting: deque[threading.Event] = deque()
        self._mine = threading.local()
        self._now: threading.Event | None = None
        self._since = 0.0

    @contextmanager
    def turn(self) -> Iterator[None]:
        """A turn of this thread's, which it waits for; within one there is nothing to wait for."""
        if getattr(self._mine, "has_come", False):
            yield
            return
        called = threading.Event()
        self._wait(called)
        self._mine.has_come = True
        try:
            yield
        finally:
            self._mine.has_come = False
            with self._lock:
                if self._now is called:
                    self._now = None
                    self._call()

    def _wait(self, called: threading.Event) -> None:
        with self._lock:
            self._waiting.append(called)
            self._call()
        while not called.wait(self._patience):
            with self._lock:
                self._call()

    def _call(self) -> None:
        """Call whoever has waited longest, unless somebody draws who has not taken long yet."""
        now = time.monotonic()
        if self._waiting and (self._now is None or now >= self._since + self._patience):
            self._now, self._since = self._waiting.popleft(), now
            self._now.set()


turn: Final = Turns().turn
"""A turn of the whole server's, around what draws a page or a part of it."""
