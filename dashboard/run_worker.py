"""The child process that runs: configs come in, and the records of their runs go out.

``away.py`` has it run as ``python -m dashboard.run_worker``. It may be killed at any moment, and
ends when its stdin does.
"""

import json
import os
import threading
from contextlib import suppress
from queue import SimpleQueue
from typing import IO, Final

import numpy as np

from dashboard.frames import Frame, receive, send
from dashboard.limits import RUN_LIMIT
from dashboard.modest import modest, why
from dashboard.worker import streams
from rnnviz.config import RunConfig
from rnnviz.run import run
from rnnviz.runfile.packed import packed
from rnnviz.runfile.structure import structure
from rnnviz.stopping import asked_everywhere

MODULE: Final = "dashboard.run_worker"


class _DroppedError(Exception):
    """Nobody waits for this run any more."""


_drop = threading.Event()


def main() -> None:
    """Answer each request with the record's parts, or with a sentence, until stdin ends."""
    modest()
    requests, frames = streams()
    waiting: SimpleQueue[Frame] = SimpleQueue()
    threading.Thread(target=_listen, args=(requests, waiting), daemon=True).start()
    asked_everywhere(_go_on)
    while True:
        request = waiting.get()
        if "config" in request:
            with suppress(_DroppedError):
                _answer(frames, RunConfig(**json.loads(str(request["config"]))))
                _go_on()
                send(frames, {"whole": True})
                continue
        else:  # it says that what came before it is dropped
            _drop.clear()
            send(frames, {"done": True})


def _answer(frames: IO[bytes], config: RunConfig) -> None:
    """A frame that tells what comes, and one for each array: none needs the room of all."""
    try:
        record = run(config, RUN_LIMIT)
    except (ValueError, MemoryError) as error:
        send(frames, {"error": why(error)})
        return
    arrays = packed(record)
    told = json.dumps(structure(record.network))
    send(frames, {"network": told, "arrays": np.array(list(arrays))})
    for name in list(arrays):
        _go_on()
        send(frames, {name: arrays.pop(name)})


def _go_on() -> None:
    if _drop.is_set():
        raise _DroppedError


def _listen(requests: IO[bytes], waiting: "SimpleQueue[Frame]") -> None:
    """Nobody is left to send to once stdin ends."""
    while request := receive(requests):
        if "drop" in request:
            _drop.set()
        waiting.put(request)
    os._exit(0)


if __name__ == "__main__":
    main()
