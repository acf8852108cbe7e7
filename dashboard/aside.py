"""Large records, laid aside on the disk: memory holds of them what is looked at, and no more."""

import mmap
from collections.abc import Iterator, Mapping
from contextlib import suppress
from copy import deepcopy
from dataclasses import fields, is_dataclass
from tempfile import TemporaryFile
from threading import Lock
from typing import Any, Final
from weakref import WeakSet

import numpy as np

from dashboard.heap import trim
from rnnviz import Record
from rnnviz.arrays import Array

ALIGNMENT: Final = 64
"""Bytes between two places where an array may begin, as in memory."""

_maps: "WeakSet[mmap.mmap]" = WeakSet()
_lock = Lock()


def laid_aside(record: Record) -> Record:
    """The same record, bit for bit, with its arrays in a file that is gone when the record is.

    Where the disk has no room for it, the record itself.
    """
    arrays = {id(array): array for array in _arrays(record)}
    owners = {id(owner): owner for owner in map(_owner, arrays.values())}
    starts, end = dict[int, int](), 0
    for name, owner in owners.items():
        starts[name] = end
        end += owner.nbytes + -owner.nbytes % ALIGNMENT
    with suppress(OSError), TemporaryFile() as file:
        for name, owner in owners.items():
            file.seek(starts[name])
            file.write((owner if owner.flags.c_contiguous else owner.T).data)
        file.truncate(end)
        numbers = mmap.mmap(file.fileno(), end, access=mmap.ACCESS_READ)
        with _lock:
            _maps.add(numbers)
        moved: dict[int, Any] = {n: _moved(a, numbers, starts) for n, a in arrays.items()}
        return deepcopy(record, moved)
    return record


def give_back() -> None:
    """Hand memory back to the system: what is laid aside, and what was freed.

    The first is read again when it is asked for.
    """
    with _lock:
        maps = tuple(_maps)
    if hasattr(mmap, "MADV_DONTNEED"):
        for numbers in maps:
            numbers.madvise(mmap.MADV_DONTNEED)
    trim()


def _arrays(part: object) -> Iterator[Array]:
    """Every array of a record, to any depth."""
    match part:
        case np.ndarray():
            yield part
        case Mapping():
            for value in part.values():
                yield from _arrays(value)
        case list() | tuple():
            for value in part:
                yield from _arrays(value)
        case _ if is_dataclass(part):
            for field in fields(part):
                yield from _arrays(getattr(part, field.name))


def _owner(array: Array) -> Array:
    """The array whose memory another one shows a part of."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def _moved(array: Array, numbers: mmap.mmap, starts: Mapping[int, int]) -> Array:
    owner = _owner(array)
    behind = array.ctypes.data - owner.ctypes.data
    start = starts[id(owner)] + behind
    return np.ndarray(array.shape, array.dtype, numbers, start, array.strides)
