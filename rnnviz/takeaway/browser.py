"""One picture through a browser, in a process of its own: run as a script, never imported.

It reads a line of JSON and then a figure's JSON, and writes the picture. It ends its browser before
it ends, whatever that does.
"""

import asyncio
import json
import os
import signal
import sys
import time
from contextlib import suppress
from typing import Any

import kaleido

NOWHERE = "127.0.0.1:9"
"""In the place of a proxy: nothing that a figure asks for leaves the machine."""


async def draw(figure: dict[str, Any], browser: str, until: float, **asked: object) -> bytes:
    """The picture, if there is one by then, by the monotonic clock."""
    opened = kaleido.Kaleido(mathjax=False, path=browser, proxy_server=NOWHERE)
    try:
        async with asyncio.timeout(max(0.0, until - time.monotonic())):
            await opened.open()
            return bytes(await opened.calc_fig(figure, asked))
    finally:
        with suppress(AttributeError, ProcessLookupError):  # it was never started, or is gone
            os.killpg(opened.subprocess.pid, signal.SIGKILL)


def main() -> None:
    """Answer one request."""
    request, _, figure = sys.stdin.buffer.read().partition(b"\n")
    try:
        drawn = asyncio.run(draw(json.loads(figure), **json.loads(request)))
        sys.stdout.buffer.write(drawn)
        sys.stdout.flush()
        os._exit(0)
    except TimeoutError:
        os._exit(2)


if __name__ == "__main__":
    main()
