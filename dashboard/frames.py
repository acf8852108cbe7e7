"""What server and child say to each other: frames of named arrays, as .npz and without pickle.

A frame is its length and its arrays. Arrays that belong together have a name in front:
``step.row``, ``moment0.lag``.
"""

import io
from collections.abc import Mapping
from typing import IO, Final

import numpy as np

from rnnviz.arrays import Array

__all__ = ["Frame", "named", "receive", "send", "under"]

Frame = dict[str, Array]

LENGTH_BYTES: Final = 8


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


def named(name: str, arrays: Mapping[str, Array]) -> Frame:
    """The arrays with this name in front of theirs."""
    return {f"{name}.{key}": array for key, array in arrays.items()}


def under(name: str, frame: Frame) -> Frame:
    """What ``named`` put into a frame under this name; empty if there is none.

    Examples
    --------
    >>> under("step", named("step", {"row": np.arange(3)}) | {"rate": np.array(2.0)})
    {'row': array([0, 1, 2])}
    """
    start = f"{name}."
    return {key[len(start) :]: array for key, array in frame.items() if key.startswith(start)}


def _exactly(stream: IO[bytes], count: int) -> bytes | None:
    got = bytearray()
    while len(got) < count:
        part = stream.read(count - len(got))
        if not part:
            return None
        got += part
    return bytes(got)
