"""What a chart sends to the browser: one JSON header, then the numbers as they lie in memory.

A payload is its turn (8 bytes, little-endian; of two pictures the newer has the higher), the
header's length (4 bytes), the header in UTF-8, and the body. The header names each array by
``{"$array": [dtype, start, shape]}``, ``start`` counted in bytes from the first multiple of eight
behind the header, and a lone number that JSON lacks by ``{"$number": "nan"}``, ``inf`` or ``-inf``.
``assets/wire.js`` reads it.
"""

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import numpy as np

ARRAY = "$array"
NUMBER = "$number"
ALIGNMENT = 8
TURN_BYTES = 8
LENGTH_BYTES = 4
PLOTTABLE = frozenset({"float64", "float32", "int32", "uint32", "int16", "uint16", "int8", "uint8"})
"""The kinds a browser has a typed array for that Plotly can draw."""

Json: TypeAlias = Any


def encode(message: Mapping[str, Any], turn: int = 0) -> bytes:
    """A message of dicts, lists, text, numbers and NumPy arrays as one payload.

    Parameters
    ----------
    message
        Its arrays travel in their own precision; 64-bit integers and half floats, which no browser
        can plot, as ``float64`` and ``float32``.
    turn
        Which of two payloads for one place is the newer.

    Examples
    --------
    >>> decode(encode({"x": np.arange(3.0)}))["x"]
    array([0., 1., 2.])
    """
    try:
        header, body = _pack(message)
    except ValueError:  # a lone number that JSON lacks, which is rare: look at every number
        header, body = _pack(_spelt(message))
    start = turn.to_bytes(TURN_BYTES, "little") + len(header).to_bytes(LENGTH_BYTES, "little")
    return b"".join([start, header, _padding(len(start) + len(header)), body])


def addressed(key: str, payload: bytes) -> bytes:
    """A payload with the place on the page that it belongs to in front, in at most 255 bytes."""
    name = key.encode()
    return bytes([len(name)]) + name + payload


def bundle(parts: Iterable[bytes]) -> bytes:
    """Several of what ``addressed`` makes as one answer, each behind its length (4 bytes)."""
    return b"".join(len(part).to_bytes(LENGTH_BYTES, "little") + part for part in parts)


def decode(payload: bytes) -> dict[str, Any]:
    """The message that ``encode`` made ``payload`` from: how a test reads a chart off a page."""
    start = TURN_BYTES + LENGTH_BYTES
    end = start + int.from_bytes(payload[TURN_BYTES:start], "little")
    body = payload[end + len(_padding(end)) :]

    def put_back(node: dict[str, Any]) -> Json:
        if NUMBER in node:
            return float(node[NUMBER])
        return _view(body, *node[ARRAY]) if ARRAY in node else node

    message: dict[str, Any] = json.loads(payload[start:end], object_hook=put_back)
    return message


def _pack(message: Json) -> tuple[bytes, bytearray]:
    """The header, with each array appended to the body and named in its place."""
    body = bytearray()

    def lift(node: object) -> Json:
        if isinstance(node, np.ndarray):
            return _lift_array(node, body)
        if isinstance(node, np.generic):
            return node.item()
        if isinstance(node, Mapping):
            return {**node}
        raise TypeError(f"a chart cannot send {type(node).__name__}")

    text = json.dumps(message, default=lift, allow_nan=False, separators=(",", ":"))
    return text.encode(), body


def _spelt(node: Json) -> Json:
    """The same with each lone number that JSON lacks by its name."""
    match node:
        case np.generic():
            return _spelt(node.item())
        case float() if not math.isfinite(node):
            return {NUMBER: str(node)}
        case Mapping():
            return {name: _spelt(child) for name, child in node.items()}
        case list() | tuple():
            return [_spelt(child) for child in node]
        case np.ndarray() if not _is_sent_as_it_lies(node):
            return _spelt(_as_plottable(node).tolist())
    return node


def _lift_array(array: np.ndarray, body: bytearray) -> Json:
    array = _as_plottable(array)
    if not _is_sent_as_it_lies(array):
        return array.tolist()
    start = len(body)
    body += array.tobytes()
    body += _padding(len(body))
    return {ARRAY: [array.dtype.name, start, list(array.shape)]}


def _is_sent_as_it_lies(array: np.ndarray) -> bool:
    return array.ndim > 0 and _as_plottable(array).dtype.name in PLOTTABLE


def _as_plottable(array: np.ndarray) -> np.ndarray:
    """The array as numbers or text that a browser can plot."""
    if array.dtype.kind == "M":
        return array.astype(np.str_)
    if array.dtype.kind in "iu" and array.dtype.name not in PLOTTABLE:
        return array.astype(np.float64)
    if array.dtype == np.float16:
        return array.astype(np.float32)
    return array


def _view(body: bytes, dtype: str, start: int, shape: list[int]) -> np.ndarray:
    return np.frombuffer(body, dtype, math.prod(shape), start).reshape(shape)


def _padding(size: int) -> bytes:
    return b"\0" * (-size % ALIGNMENT)
