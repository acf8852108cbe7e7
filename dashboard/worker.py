"""The child process that trains: one request comes in, and what training sees goes out.

``jobs.py`` runs it as ``python -m dashboard.worker``, a process of its own: the children of
multiprocessing would first run the Streamlit script again. Both ways a frame is its length and
named arrays as .npz, without pickle. After the request, the end of stdin means stop: it comes
when the server closes it, and when the server dies.
"""

import io
import json
import os
import sys
import threading
import time
from collections.abc import Mapping
from typing import IO, Final

import numpy as np

from dashboard.limits import RUN_LIMIT
from rnnviz.arrays import Array, frozen
from rnnviz.config import TrainConfig
from rnnviz.network import Network
from rnnviz.run import untrained
from rnnviz.train import COLUMNS, TrainStep, train

Frame = dict[str, Array]

LENGTH_BYTES: Final = 8
NICENESS: Final = 10
NUMBERS_EVERY: Final = 0.1
WEIGHTS_EVERY: Final = 0.25
"""Seconds; and large weights wait longer, so that sending them takes a tenth of the time."""
GRACE: Final = 2.0
"""Seconds that a step may still take when nobody waits for it any more."""


def send(stream: IO[bytes], frame: Mapping[str, object]) -> None:
    """Write one frame of arrays, numbers and text to an unbuffered stream."""
    body = io.BytesIO()
    np.savez(body, allow_pickle=False, **{name: np.asarray(value) for name, value in frame.items()})
    length = body.tell().to_bytes(LENGTH_BYTES, "little")
    left = memoryview(length + body.getvalue())
    while left:
        left = left[stream.write(left) :]


def receive(stream: IO[bytes]) -> Frame | None:
    """The next frame of an unbuffered stream, or None where it ends, be it inside a frame."""
    length = _exactly(stream, LENGTH_BYTES)
    body = length and _exactly(stream, int.from_bytes(length, "little"))
    if not body:
        return None
    with np.load(io.BytesIO(body)) as arrays:
        return dict(arrays)


def _exactly(stream: IO[bytes], count: int) -> bytes | None:
    got = bytearray()
    while len(got) < count:
        part = stream.read(count - len(got))
        if not part:
            return None
        got += part
    return bytes(got)


def pack(step: TrainStep) -> dict[str, object]:
    """A step as a frame: its numbers, its fault, its weights and the optimiser's memory."""
    weights = {f"weights.{name}": W for name, W in step.network.params.items()}
    memory = {f"memory.{n}": array for n, array in enumerate(step.memory)}
    return {"row": step.row, "fault": step.fault or "", **weights, **memory}


def unpack(frame: Frame, like: Network) -> TrainStep:
    """The step that ``pack`` made the frame of, for a network built as ``like`` is."""
    number, loss, validation, grad_norm, clipped_norm = frame["row"].tolist()
    params = {name: frozen(frame[f"weights.{name}"]) for name in like.params}
    memories = sum(name.startswith("memory.") for name in frame)
    memory = tuple(frozen(frame[f"memory.{n}"]) for n in range(memories))
    return TrainStep(
        number=int(number),
        loss=loss,
        validation_loss=None if np.isnan(validation) else validation,
        grad_norm=grad_norm,
        clipped_norm=clipped_norm,
        network=like.with_params(params),
        memory=memory,
        fault=str(frame["fault"]) or None,
    )


class Outbox:
    """Gathers steps, and sends their numbers and the latest weights when they are due."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._rows: list[tuple[float, ...]] = []
        self._step: TrainStep | None = None
        self._start = time.monotonic()
        self._taken = 0
        self._numbers_due = self._weights_due = 0.0

    def add(self, step: TrainStep) -> None:
        """Take a step, and send what is due."""
        self._rows.append(step.row)
        self._step = step
        self._taken += 1
        now = time.monotonic()
        if now >= self._numbers_due:
            self.post(weights=now >= self._weights_due)

    def post(self, *, weights: bool, **texts: str) -> None:
        """Send every number since the last frame, with the weights if asked."""
        begin = time.monotonic()
        rows = np.array(self._rows, float).reshape(-1, len(COLUMNS))
        step = pack(self._step) if weights and self._step else {}
        rate = self._taken / max(begin - self._start, 1e-9)
        send(self._stream, {"rows": rows, "steps_per_second": rate, **step, **texts})
        self._rows.clear()
        now = time.monotonic()
        self._numbers_due = begin + NUMBERS_EVERY
        if weights:
            self._weights_due = begin + max(WEIGHTS_EVERY, 10 * (now - begin))


def main() -> None:
    """Train as the request asks, until it is done or stdin ends."""
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    requests, frames = _streams()
    request = receive(requests)
    if request is None:
        return
    stop = threading.Event()
    threading.Thread(target=_listen, args=(requests, stop), daemon=True).start()
    outbox = Outbox(frames)
    try:
        end, sentence = _train(request, outbox, stop)
        outbox.post(weights=True, end=end, sentence=sentence)
    except BrokenPipeError:
        pass  # nobody is left to hear of it


def _train(request: Frame, outbox: Outbox, stop: threading.Event) -> tuple[str, str]:
    """How training ended, and in which words."""
    server = os.getppid()
    config = TrainConfig(**json.loads(str(request["config"])))
    try:
        after = unpack(request, untrained(config)) if "row" in request else None
        for step in train(config, after, RUN_LIMIT):
            outbox.add(step)
            if step.fault:
                return "diverged", step.fault
            if stop.is_set() or os.getppid() != server:
                return "stopped", ""
    except (ValueError, MemoryError) as error:
        return "failed", str(error) or "there is not enough memory for this network and length"
    return "finished", ""


def _listen(requests: IO[bytes], stop: threading.Event) -> None:
    requests.read(1)
    stop.set()
    time.sleep(GRACE)
    os._exit(1)


def _streams() -> tuple[IO[bytes], IO[bytes]]:
    """Stdin, and what was stdout: whatever a library prints goes to stderr instead."""
    frames = open(os.dup(1), "wb", buffering=0)  # noqa: SIM115
    os.dup2(2, 1)
    return open(0, "rb", buffering=0, closefd=False), frames


if __name__ == "__main__":
    main()
    sys.stderr.flush()
    os._exit(0)  # a second spared: nothing here needs to be torn down
