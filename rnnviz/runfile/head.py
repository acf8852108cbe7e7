"""The head of a run file: what it is of, read without its arrays, and what is checked of it."""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np

from rnnviz.arrays import Array
from rnnviz.runfile.limits import (
    ARRAYS,
    FILE_BYTES,
    FORMAT,
    HEADER_BYTES,
    NAME_CHARACTERS,
    VERSION,
    called,
    short,
)

_METADATA: Final = "__metadata__"
_KEYS: Final = ("format", "version", "head", "head_sha256", "data_sha256")
TYPES: Final = {"F64": "<f8", "F32": "<f4", "I64": "<i8", "BOOL": "?", "I32": "<i4", "U8": "u1"}
"""The types of arrays that a record, a loss or a history has."""
AXES: Final = 8


@dataclass(frozen=True, slots=True)
class Head:
    """What a run file says of itself."""

    file: str
    """Its name, without its folder."""
    name: str
    """What the run was called: text, and no path."""
    steps: int
    batch_size: int
    nbytes: int
    told: Mapping[str, Any]
    """Its config, network, loss and history as plain data."""
    provenance: Mapping[str, str]
    """What wrote it, when, and with which versions."""
    data_sha256: str

    @property
    def written(self) -> str:
        """When it was written, in UTC; nothing if it does not say."""
        return self.provenance.get("written", "")

    @property
    def loss(self) -> float | None:
        """The record's loss; None if it does not say."""
        try:
            return float(self.provenance["loss"])
        except (KeyError, ValueError):
            return None

    @property
    def cells(self) -> str:
        """The kind of its first layer's cell."""
        return short(self.told["network"]["layers"][0].get("cell"))


def read_head(path: str | Path) -> Head:
    """The head of a run file, of which no array is read.

    Raises
    ------
    ValueError
        One sentence that names the file and the cause: it is torn, of another kind, or newer.
    OSError
        If it cannot be opened.
    """
    with Path(path).open("rb") as stream:
        return head_of(stream, Path(path).stat().st_size, called(path))


def head_of(stream: BinaryIO, size: int, file: str) -> Head:
    """The head of an open run file of so many bytes, checked against them."""
    try:
        header, left = _header(stream, size)
        metadata = header.pop(_METADATA, None)
        told = _told(metadata)
        _check_tensors(header, left)
        return _head(told, header, metadata, size, file)
    except _HeadError as cause:
        raise ValueError(f"{file} {cause}") from None


class _HeadError(ValueError):
    """What is wrong with a file, to stand behind its name."""


def checksum(arrays: Mapping[str, Array]) -> str:
    """SHA-256 of every array's name, type, shape and numbers."""
    summed = hashlib.sha256()
    for name in sorted(arrays):
        array = arrays[name]
        summed.update(f"{name} {array.dtype.str} {array.shape} ".encode())
        summed.update(array.reshape(-1).data if array.size else b"")
    return summed.hexdigest()


def text_checksum(text: str) -> str:
    """SHA-256 of a head's text."""
    return hashlib.sha256(text.encode()).hexdigest()


def _header(stream: BinaryIO, size: int) -> tuple[dict[str, Any], int]:
    """What the file says of its arrays, and how many bytes are left for them."""
    if size > FILE_BYTES:
        raise _HeadError(f"must be at most {FILE_BYTES >> 20} MB, got {size / 2**20:,.0f} MB")
    length = int.from_bytes(stream.read(8), "little")
    if size < 10 or length > size - 8:
        raise _HeadError("is torn or no run file: its header does not lie within it")
    if length > HEADER_BYTES:
        raise _HeadError(f"must have a header of at most {HEADER_BYTES >> 20} MB")
    try:
        header = json.loads(stream.read(length).decode(), object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise _HeadError("is damaged or no run file: its header is not JSON") from None
    if not isinstance(header, dict) or len(header) > ARRAYS:
        raise _HeadError(f"must hold at most {ARRAYS} arrays")
    return header, size - 8 - length


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _told(metadata: object) -> dict[str, Any]:
    """The head's own text, if it is of a format and a version that is read."""
    if not isinstance(metadata, dict) or metadata.get("format") != FORMAT:
        raise _HeadError("is no run file: its header does not say that rnnviz wrote it")
    if not all(isinstance(metadata.get(key), str) for key in _KEYS):
        raise _HeadError(f"is damaged: its header must hold {', '.join(_KEYS)}")
    if not metadata["version"].isdecimal() or not 0 < len(metadata["version"]) < 9:
        raise _HeadError(
            f"is damaged: its version must be a number, got {short(metadata['version'])}"
        )
    if int(metadata["version"]) > VERSION:
        raise _HeadError(
            f"was written by a newer rnnviz: its format is {metadata['version']}, and up to "
            f"{VERSION} is read here"
        )
    if text_checksum(metadata["head"]) != metadata["head_sha256"]:
        raise _HeadError("is damaged: its head is not what was written")
    try:
        told = json.loads(metadata["head"], object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise _HeadError("is damaged: its head is not JSON") from None
    if not isinstance(told, dict):
        raise _HeadError("is damaged: its head must be a table")
    return told


def _check_tensors(header: Mapping[str, Any], left: int) -> None:
    ends = [_end(name, tensor) for name, tensor in header.items()]
    if max(ends, default=0) != left:
        raise _HeadError(f"is torn: its arrays take {max(ends, default=0):,} bytes, got {left:,}")


def _end(name: str, tensor: object) -> int:
    """Where an array ends, whose bytes are as many as its shape asks for."""
    match tensor:
        case {"dtype": str(dtype), "shape": [*shape], "data_offsets": [int(start), int(stop)]}:
            whole = len(shape) <= AXES and all(type(n) is int and n >= 0 for n in shape)
            if whole and dtype in TYPES and 0 <= start <= stop:
                each = np.dtype(TYPES[dtype]).itemsize
                if stop - start == math.prod(shape) * each:
                    return stop
    raise _HeadError(f"is damaged: {short(name)} is not told of as an array of ours")


def _head(
    told: dict[str, Any],
    header: Mapping[str, Any],
    metadata: Mapping[str, str],
    size: int,
    file: str,
) -> Head:
    name, provenance = told.get("name"), told.get("provenance")
    shape = header.get("x", {}).get("shape", [])
    if not isinstance(name, str) or len(name) > NAME_CHARACTERS or len(shape) != 3:
        raise _HeadError(
            f"is damaged: it must have a name of at most {NAME_CHARACTERS} characters and "
            "inputs x (T, B, I)"
        )
    if not isinstance(provenance, dict) or not all(
        isinstance(text, str) for pair in provenance.items() for text in pair
    ):
        raise _HeadError("is damaged: its provenance must be text")
    match told.get("network"):
        case {"layers": [{}, *_]}:
            pass
        case _:
            raise _HeadError("is damaged: its head must tell of a network")
    T, B, _ = shape
    return Head(file, name, T, B, size, told, provenance, metadata["data_sha256"])
