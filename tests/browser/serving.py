"""An app served on this machine for as long as a test needs it."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
SECONDS_TO_START = 60


@dataclass(frozen=True)
class Served:
    """A running app: where it answers, and its process."""

    address: str
    pid: int


@contextmanager
def serving(script: str, home: Path, port: int | None = None, **env: str) -> Iterator[Served]:
    """``streamlit run script``, started in the repository's root, on a free port unless told.

    ``home`` stands in for the user's home, so that nobody's settings or credentials are read;
    ``env`` is added to the environment.
    """
    port = port or _free_port()
    log = home / "server.log"
    with log.open("w") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", script, f"--server.port={port}"],
            cwd=ROOT,
            env=os.environ | {"HOME": str(home), "STREAMLIT_SERVER_HEADLESS": "true", **env},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait_until_open(port, server, log)
        yield Served(f"http://127.0.0.1:{port}", server.pid)
    finally:
        server.terminate()
        server.wait(timeout=20)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _wait_until_open(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline and server.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"the server did not start; it said:\n{log.read_text()}")
