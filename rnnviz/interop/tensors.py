"""Arrays of a safetensors file, whose header is read by itself before the library reads it all."""

import json
import math
from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from safetensors import SafetensorError, deserialize

from rnnviz.arrays import Array
from rnnviz.interop.limits import (
    HEADER_BYTES,
    NAME_CHARACTERS,
    amount,
    check_count,
    check_unpacked,
    one_line,
    shown,
)
from rnnviz.interop.npz import check_shape

_METADATA: Final = "__metadata__"
TYPES: Final[Mapping[str, str]] = MappingProxyType({
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2",
    "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1",
    "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "u1", "BOOL": "?",
})  # fmt: skip
"""NumPy's types by those of the format; what has none in NumPy is converted."""


def read_safetensors(data: bytes, name: str) -> dict[str, Array]:
    """Every array by its name; bfloat16 becomes float32, which holds it exactly.

    Raises
    ------
    ValueError
        If the header and the bytes do not agree, or a tensor has a type that is not read.
    """
    header = _header(data, name)
    for key, told in header.items():
        _check_tensor(told, key, name)
    check_unpacked(sum(math.prod(told["shape"]) * 8 for told in header.values()), name)
    try:
        tensors = deserialize(data)  # type: ignore[no-untyped-call]
    except (SafetensorError, OverflowError) as broken:
        raise ValueError(f"{shown(name)} is damaged: {one_line(str(broken))}") from None
    found = {key: _array(tensor) for key, tensor in tensors}
    return {key: found[key] for key in header}


def _header(data: bytes, name: str) -> dict[str, Any]:
    size = int.from_bytes(data[:8], "little")
    if len(data) < 8 or size > len(data) - 8:
        raise ValueError(
            f"{shown(name)} is damaged: its header must be within its {len(data):,} bytes, "
            f"got a length of {size:,}"
        )
    if size > HEADER_BYTES:
        raise ValueError(
            f"the header of {shown(name)} must be at most {amount(HEADER_BYTES)}, "
            f"got {amount(size)}"
        )
    header = _parsed(data[8 : 8 + size], name)
    check_count(len(header), name)
    return header


def _parsed(text: bytes, name: str) -> dict[str, Any]:
    try:
        header = json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError) as broken:
        cause = one_line(str(broken)) if isinstance(broken, _TwiceError) else "it is not JSON"
        raise ValueError(f"the header of {shown(name)} is damaged: {cause}") from None
    if not isinstance(header, dict):
        raise ValueError(f"the header of {shown(name)} must name tensors, got {type(header)}")
    return {key: told for key, told in header.items() if key != _METADATA}


class _TwiceError(ValueError):
    """A name that stands twice."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    counts = Counter(key for key, _ in pairs)
    if twice := [key for key, count in counts.items() if count > 1]:
        raise _TwiceError(f"it must name {one_line(twice[0])!r} once")
    return dict(pairs)


def _check_tensor(told: Any, key: str, name: str) -> None:
    if len(key) > NAME_CHARACTERS:
        raise ValueError(
            f"names in {shown(name)} must be at most {NAME_CHARACTERS} characters, got {len(key):,}"
        )
    shape = told.get("shape") if isinstance(told, dict) else None
    if not isinstance(shape, list) or not all(type(size) is int for size in shape):
        raise ValueError(f"{one_line(key)} in {shown(name)} must have a shape of whole numbers")
    check_shape(tuple(shape), key, name)
    if told.get("dtype") not in TYPES:
        raise ValueError(
            f"{one_line(key)} in {shown(name)} must be one of {', '.join(TYPES)}, "
            f"got {one_line(str(told.get('dtype')))}"
        )


def _array(tensor: Any) -> Array:
    array = np.frombuffer(tensor["data"], TYPES[tensor["dtype"]]).reshape(tensor["shape"])
    if tensor["dtype"] == "BF16":
        return (array.astype(np.uint32) << 16).view(np.float32)
    return array.astype(array.dtype.newbyteorder("="))
