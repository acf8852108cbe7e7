"""The child process that sweeps: a config comes in, finished chunks go out.

``child.py`` runs it as ``python -m dashboard.sweep_worker``. It may be killed at any moment: what
has been sent is kept, and another takes the chunks that are missing.
"""

import json
import os
import sys
import threading
from typing import IO, Final

import numpy as np
import pyarrow as pa

from dashboard.frames import receive, send
from dashboard.modest import modest
from dashboard.worker import streams
from rnnviz.config import SweepConfig
from rnnviz.products import one_blas_thread
from rnnviz.sweep.chunks import chunks_of
from rnnviz.sweep.compute import run_chunk

MODULE: Final = "dashboard.sweep_worker"


def main() -> None:
    """Send every chunk that is asked for, as an Arrow table, until they are done or stdin ends."""
    modest()
    requests, frames = streams()
    request = receive(requests)
    if request is None:
        return
    threading.Thread(target=_end_with, args=(requests,), daemon=True).start()
    config = SweepConfig(**json.loads(str(request["config"])))
    done = set(request["done"].tolist())
    for chunk in chunks_of(config):
        if chunk.number not in done:
            with one_blas_thread():
                table = pa.Table.from_pandas(run_chunk(chunk))
            send(frames, {"chunk": chunk.number, "table": _bytes(table)})


def _bytes(table: pa.Table) -> np.ndarray:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return np.frombuffer(sink.getvalue(), np.uint8)


def _end_with(requests: IO[bytes]) -> None:
    """Nobody is left to send to once stdin ends."""
    while receive(requests):
        pass
    os._exit(1)


if __name__ == "__main__":
    main()
    sys.stderr.flush()
    os._exit(0)
