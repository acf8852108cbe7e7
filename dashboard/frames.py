"""What server and child say to each other: frames of named arrays, as they lie in memory.

A frame is its length, the length of its head, the head, and the bytes of its arrays; nothing in
it is ever unpickled. Arrays that belong together have a name in front: ``step.row``,
``moment0.lag``.
"""

import json
import math
from collections.abc import Mapping
from typing import IO, Final

import numpy as np

from rnnviz.arrays import Array

__all__ = ["Frame", "named", "packed", "receive", "send", "under", "unpacked"]

Frame = dict[str, Array]

LENGTH_BYTES: Final = 8
KINDS: Final = "biufcU"
"""NumPy's letters for numbers and text."""


def send(stream: IO[bytes], frame: Mapping[str, object]) -> None:
    """Write one frame of arrays, numbers and text to an unbuffered stream."""
    body = packed(frame)
    for part in (len(body).to_bytes(LENGTH_BYTES, "little"), body):
        left = memoryview(part)
        while left:
            left = left[stream.write(left) :]


def receive(stream: IO[bytes]) -> Frame | None:
    """The next frame of an unbuffered stream, or None where it ends, be it inside a frame."""
    length = _exactly(stream, LENGTH_BYTES)
    body = length and _exactly(stream, int.from_bytes(length, "little"))
    return unpacked(body) if body else None


def packed(frame: Mapping[str, object]) -> bytes:
    """A frame as bytes.

    Raises
    ------
    ValueError
        If it holds anything but numbers and text.
    """
    arrays = {name: np.asarray(value) for name, value in frame.items()}
    for name, array in arrays.items():
        if array.dtype.kind not in KINDS:
            raise ValueError(f"{name} must be of numbers or text, got {array.dtype}")
    told = [[name, a.dtype.str, a.shape, _is_fortran(a)] for name, a in arrays.items()]
    head = json.dumps(told).encode()
    parts = (_bytes(array.T if _is_fortran(array) else array) for array in arrays.values())
    return b"".join([len(head).to_bytes(LENGTH_BYTES, "little"), head, *parts])


def unpacked(body: bytes) -> Frame:
    """The frame that ``packed`` made these bytes of; its arrays are copies in the same order."""
    start = LENGTH_BYTES + int.from_bytes(body[:LENGTH_BYTES], "little")
    frame = {}
    for name, dtype, shape, is_fortran in json.loads(body[LENGTH_BYTES:start]):
        flat = np.frombuffer(body, dtype, math.prod(shape), start).copy()
        frame[name] = flat.reshape(shape[::-1]).T if is_fortran else flat.reshape(shape)
        start += flat.nbytes
    return frame


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


def _is_fortran(array: Array) -> bool:
    """Whether an array lies column by column: products of it round in another order."""
    return bool(array.flags.f_contiguous and not array.flags.c_contiguous)


def _bytes(array: Array) -> memoryview:
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data


def _exactly(stream: IO[bytes], count: int) -> bytes | None:
    got = bytearray()
    while len(got) < count:
        part = stream.read(count - len(got))
        if not part:
            return None
        got += part
    return bytes(got)
