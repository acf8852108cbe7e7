"""A working process at the other end of two pipes."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from dashboard.frames import Frame, receive, send

ROOT: Final = Path(__file__).parents[1]
TRAINING: Final = "dashboard.worker"
"""The module that a process runs, unless it is told another."""
ONE_THREAD: Final = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
LAST_SECONDS: Final = 3.0
"""What children may take to keep what they have when the server ends."""

_alive: "set[Child]" = set()


class Child:
    """One process: started by ``frames``, told what to do by ``order``, ended by ``hang_up``."""

    def __init__(self, request: Mapping[str, object], module: str = TRAINING) -> None:
        self._request, self._module = request, module
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._waiting: list[Mapping[str, object]] = []
        self._asked = self._closed = False

    @property
    def pid(self) -> int | None:
        """The process's id, once there is one."""
        return self._process.pid if self._process else None

    def frames(self) -> Iterator[Frame]:
        """Start the process, and give what it sends until it is gone.

        Raises
        ------
        OSError
            If there can be no process.
        """
        with spawn(self._module) as process:
            self._process = process
            _alive.add(self)
            try:
                self._ask(process)
                assert process.stdout
                while frame := receive(process.stdout):
                    yield frame
                process.wait()
            finally:
                _alive.discard(self)

    def order(self, **words: object) -> None:
        """Tell it something; what comes before its request is told behind it."""
        with self._lock:
            if self._asked and self._process:
                _tell(self._process, words)
            else:
                self._waiting.append(words)

    def hang_up(self) -> None:
        """End its stdin, which stops it; before it was asked there is nothing to keep."""
        with self._lock:
            self._closed = True
            self._hang_up()

    def kill(self) -> None:
        """End it at once."""
        if self._process:
            self._process.kill()

    def last_words(self) -> str:
        """How a process ended that did not say so itself."""
        code = self._process.returncode if self._process else 0
        return signal.Signals(-code).name if code < 0 else f"exit code {code}"

    def _ask(self, process: subprocess.Popen[bytes]) -> None:
        with self._lock:
            if self._closed:
                process.kill()
        _tell(process, self._request)
        self._request = {}
        with self._lock:
            self._asked = True
            for words in self._waiting:
                _tell(process, words)
            if self._closed:
                self._hang_up()

    def _hang_up(self) -> None:
        if self._process is None or self._process.stdin is None:
            return
        if self._asked:
            self._process.stdin.close()
        else:
            self._process.kill()


def end_all(seconds: float = LAST_SECONDS) -> None:
    """End every child there is, each with the time to keep what it has."""
    for child in tuple(_alive):
        child.hang_up()
    until = time.monotonic() + seconds
    while _alive and time.monotonic() < until:
        time.sleep(0.02)
    for child in tuple(_alive):
        child.kill()


def _tell(process: subprocess.Popen[bytes], words: Mapping[str, object]) -> None:
    assert process.stdin
    if not process.stdin.closed:
        with contextlib.suppress(BrokenPipeError):  # one that is dead says so by its exit code
            send(process.stdin, words)


def spawn(module: str) -> subprocess.Popen[bytes]:
    """It gets no Ctrl-C, but sees its stdin end."""
    return subprocess.Popen(
        (sys.executable, "-m", module),
        bufsize=0,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env=os.environ | ONE_THREAD,
        start_new_session=True,
    )
