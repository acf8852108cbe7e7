"""Whether what is installed runs: a run by the command, and the app until it says it is well.

``python -m release.smoke`` in the environment that is asked about.
"""

import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final
from urllib.error import URLError
from urllib.request import urlopen

PATIENCE: Final = 60.0
"""Seconds in which the app has to answer."""
TELLS: Final = "usage statistics"
"""What Streamlit says at its start where it would tell others of it: settings were not found."""


def smoke() -> str:
    """One sentence of a run, and one of the app.

    Raises
    ------
    RuntimeError
        If the app does not answer, or runs without the settings that it ships with.
    subprocess.CalledProcessError
        If the command fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        words = ["run", "irnn", "--set", "steps=20", "-o", "run.safetensors"]
        ran = subprocess.run(
            [*_RNNVIZ, *words], cwd=folder, check=True, capture_output=True, text=True
        )
        return ran.stdout.strip().partition("\n")[0] + "\n" + _served(Path(folder))


def _served(folder: Path) -> str:
    port, log = _free_port(), folder / "log"
    words = ["app", "--no-browser", "--port", str(port)]
    with log.open("w") as output:
        server = subprocess.Popen(
            [*_RNNVIZ, *words], cwd=folder, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        answer = _answer(f"http://127.0.0.1:{port}/_stcore/health", server)
    finally:
        server.terminate()
        server.wait(timeout=20)
    said = log.read_text()
    if answer != "ok" or TELLS in said:
        raise RuntimeError(f"the app must be well and keep to itself, got {answer!r}:\n{said}")
    return "The app is well."


def _answer(address: str, server: subprocess.Popen[bytes]) -> str:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and server.poll() is None:
        try:
            with urlopen(address, timeout=5) as reply:
                return str(reply.read().decode())
        except (URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    return "no answer"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


_RNNVIZ: Final = [sys.executable, "-m", "rnnviz.cli"]

if __name__ == "__main__":
    sys.stdout.write(smoke() + "\n")
