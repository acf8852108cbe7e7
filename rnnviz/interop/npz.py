"""Arrays of a NumPy archive, with every header checked before its array is made."""

import io
import math
import tokenize
import zipfile
from typing import Final

import numpy as np

from rnnviz.arrays import Array
from rnnviz.interop import zips
from rnnviz.interop.limits import check_count, one_line, shown

HEADER: Final = 4096
"""The longest header of an array, in bytes."""
_ENDING: Final = ".npy"
_NO_HEADER: Final = (
    ValueError,
    KeyError,
    TypeError,
    SyntaxError,
    RecursionError,
    MemoryError,
    tokenize.TokenError,
)


def read_npz(archive: zipfile.ZipFile, name: str) -> dict[str, Array]:
    """Every array by its name, in the machine's byte order.

    Raises
    ------
    ValueError
        If a member is no array, holds Python objects, or has other bytes than its header says.
    """
    check_count(len(archive.infolist()), name)
    arrays: dict[str, Array] = {}
    for info in archive.infolist():
        key = info.filename.removesuffix(_ENDING)
        if key in arrays:
            raise ValueError(f"{shown(name)} must hold {one_line(key)!r} once, got two")
        arrays[key] = _array(zips.member(archive, info, name), key, name)
    return arrays


def _array(data: bytes, key: str, name: str) -> Array:
    stream = io.BytesIO(data)
    shape, fortran, dtype = _header(stream, key, name)
    check_type(dtype, key, name)
    check_shape(shape, key, name)
    body = memoryview(data)[stream.tell() :]
    if len(body) != math.prod(shape) * dtype.itemsize:
        raise ValueError(
            f"{one_line(key)} in {shown(name)} must have {math.prod(shape) * dtype.itemsize:,} "
            f"bytes for its shape {shape}, got {len(body):,}"
        )
    flat = np.frombuffer(body, dtype).astype(dtype.newbyteorder("="))
    return flat.reshape(shape[::-1]).T if fortran else flat.reshape(shape)


def _header(
    stream: io.BytesIO, key: str, name: str
) -> tuple[tuple[int, ...], bool, "np.dtype[np.generic]"]:
    try:
        version = np.lib.format.read_magic(stream)
        read = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        return read(stream, max_header_size=HEADER)
    except _NO_HEADER:
        raise ValueError(
            f"{one_line(key)} in {shown(name)} must be an array (.npy), got something else"
        ) from None


def check_type(dtype: "np.dtype[np.generic]", key: str, name: str) -> None:
    """Refuse all but numbers of at most 8 bytes and true or false.

    Raises
    ------
    ValueError
    """
    if dtype.hasobject:
        raise ValueError(
            f"{one_line(key)} in {shown(name)} must be numbers, got Python objects, which are not "
            f"allowed"
        )
    if dtype.kind not in "fiub" or dtype.itemsize > 8:
        raise ValueError(
            f"{one_line(key)} in {shown(name)} must be float16 to float64, int, uint or bool, "
            f"got {one_line(str(dtype))}"
        )


def check_shape(shape: tuple[int, ...], key: str, name: str) -> None:
    """Refuse a shape that no array of weights or sequences has.

    Raises
    ------
    ValueError
    """
    if len(shape) > 4 or any(size < 0 for size in shape):
        raise ValueError(
            f"{one_line(key)} in {shown(name)} must have up to 4 axes, none negative, "
            f"got {one_line(str(shape))}"
        )
