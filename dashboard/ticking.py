"""Work that is done again and again, as long as there is something to do."""

import threading
import time
from collections.abc import Callable


class Ticking:
    """Calls ``work`` every so many seconds in a thread of its own, until it answers False."""

    def __init__(self, work: Callable[[], bool], seconds: float) -> None:
        self._work, self._seconds = work, seconds
        self._lock = threading.Lock()
        self._again = self._on = False

    def begin(self) -> None:
        """Start, unless it goes on anyway."""
        with self._lock:
            self._again = True
            if self._on:
                return
            self._on = True
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while self._goes_on():
            time.sleep(self._seconds)

    def _goes_on(self) -> bool:
        with self._lock:
            self._again = False
        more = self._work()
        with self._lock:
            self._on = more or self._again
            return self._on
