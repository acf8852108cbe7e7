"""Arrays of an HDF5 file as Keras writes it: to be run by ``apart``, for its parser is C code."""

import io
import json
from collections.abc import Iterator
from typing import Any, Final

import h5py
import numpy as np

from rnnviz.arrays import Array
from rnnviz.interop.limits import (
    ARRAYS,
    HEADER_BYTES,
    NAME_CHARACTERS,
    check_count,
    check_unpacked,
    one_line,
    shown,
)

SETTINGS: Final = "config.json"
"""Under this name, as bytes: what Keras says of the layers, where it does."""
DEPTH: Final = 16
"""How deep groups may lie in each other."""
_GROUPS: Final = 4 * ARRAYS
_BROKEN: Final = (
    OSError,
    RuntimeError,
    KeyError,
    TypeError,
    AttributeError,
    OverflowError,
    UnicodeError,
)


def read_hdf5(data: bytes, name: str) -> dict[str, Array]:
    """Every data set by its path, in the order of the layers where the file says it.

    Raises
    ------
    ValueError
        If the file is damaged, too large when unpacked, or points out of itself.
    """
    try:
        with h5py.File(io.BytesIO(data), "r") as file:
            return _arrays(file, name)
    except _BROKEN as broken:
        words = one_line(str(broken) or type(broken).__name__)
        raise ValueError(f"{shown(name)} is damaged: {words}") from None


def _arrays(file: h5py.File, name: str) -> dict[str, Array]:
    found = dict(_data_sets(file, name))
    check_count(len(found), name)
    check_unpacked(sum(part.size * part.dtype.itemsize for part in found.values()), name)
    arrays = {path: np.asarray(part[()]) for path, part in found.items()}
    arrays = {path: arrays[path] for path in _in_order(file, list(arrays))}
    settings = file.attrs.get("model_config")
    if settings is not None:
        arrays[SETTINGS] = settings_of(_bytes(settings), name)
    return arrays


def settings_of(text: bytes, name: str) -> Array:
    """What Keras says of the layers, as bytes.

    Raises
    ------
    ValueError
        If it is too long.
    """
    if len(text) > HEADER_BYTES:
        raise ValueError(
            f"the settings in {shown(name)} must be at most {HEADER_BYTES:,} bytes, "
            f"got {len(text):,}"
        )
    return np.frombuffer(text, np.uint8)


def _data_sets(file: h5py.File, name: str) -> Iterator[tuple[str, h5py.Dataset]]:
    """Each once, and of the links only those that stay within the file."""
    waiting: list[tuple[str, h5py.Group, int]] = [("", file, 0)]
    seen = 0
    while waiting:
        path, group, depth = waiting.pop(0)
        for key in group:
            seen += 1
            if seen > _GROUPS or depth > DEPTH:
                raise ValueError(
                    f"{shown(name)} must have at most {_GROUPS} groups and arrays, {DEPTH} deep"
                )
            child = _followed(group, key, name)
            below = f"{path}/{key}" if path else key
            if isinstance(child, h5py.Group):
                waiting.append((below, child, depth + 1))
            else:
                _check(child, below, name)
                yield below, child


def _followed(group: h5py.Group, key: str, name: str) -> Any:
    if not isinstance(group.get(key, getlink=True), h5py.HardLink):
        raise ValueError(
            f"{one_line(key)} in {shown(name)} must be in the file itself, got a link to elsewhere"
        )
    return group[key]


def _check(part: Any, path: str, name: str) -> None:
    if not isinstance(part, h5py.Dataset) or part.shape is None:
        raise ValueError(f"{one_line(path)} in {shown(name)} must be an array, got {type(part)}")
    if part.external or part.is_virtual:
        raise ValueError(
            f"{one_line(path)} in {shown(name)} must be in the file itself, got other files' bytes"
        )
    if part.dtype.kind not in "fiub" or part.dtype.itemsize > 8:
        raise ValueError(
            f"{one_line(path)} in {shown(name)} must be float16 to float64, int, uint or bool, "
            f"got {one_line(str(part.dtype))}"
        )
    if len(path) > NAME_CHARACTERS or part.ndim > 4:
        raise ValueError(
            f"arrays in {shown(name)} must have up to 4 axes, and names of up to "
            f"{NAME_CHARACTERS} characters"
        )


def _in_order(file: h5py.File, paths: list[str]) -> list[str]:
    """By the list of layers that Keras keeps beside their weights, if it does."""
    for group, start in ((file, ""), (file.get("model_weights"), "model_weights/")):
        names = None if group is None else group.attrs.get("layer_names")
        if names is not None:
            rank = {_bytes(layer).decode(errors="replace"): n for n, layer in enumerate(names)}
            return sorted(
                paths, key=lambda p: rank.get(p.removeprefix(start).split("/")[0], len(rank))
            )
    return paths


def _bytes(text: Any) -> bytes:
    return text if isinstance(text, bytes) else str(text).encode()


def classes(settings: bytes) -> list[dict[str, Any]]:
    """The layers of a model that Keras describes, from the input on; none if it is not readable."""
    try:
        layers = json.loads(settings)["config"]["layers"]
        return [layer for layer in layers if isinstance(layer["config"], dict)]
    except (ValueError, KeyError, TypeError, RecursionError):
        return []
