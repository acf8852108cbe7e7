"""The directory of a zip archive, checked before anything in it is unpacked."""

import io
import zipfile
import zlib
from typing import Final

from rnnviz.interop.limits import (
    ARRAYS,
    NAME_CHARACTERS,
    check_count,
    check_unpacked,
    one_line,
    shown,
)

_METHODS: Final = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_LOCAL_HEADER: Final = 30
_ENTRY: Final = b"PK\x01\x02"
_END: Final = b"PK\x05\x06"
_ENCRYPTED: Final = 1
_BROKEN: Final = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError)
OTHERS: Final = 64
"""Members beside the arrays: a PyTorch file has a few."""


def is_zip(data: bytes) -> bool:
    """Whether a file begins as a zip archive does."""
    return data[:4] in {b"PK\x03\x04", _END}


def opened(data: bytes, name: str) -> zipfile.ZipFile:
    """The archive, whose members are few, apart from each other, and small when unpacked.

    Raises
    ------
    ValueError
        If it is damaged, or a member is of a kind that is not unpacked here.
    """
    if (entries := data.count(_ENTRY)) > ARRAYS + OTHERS:  # whatever the end of it tells
        check_count(entries, name)
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OverflowError) as broken:
        raise ValueError(f"{shown(name)} is a damaged zip archive: {_words(broken)}") from None
    members = archive.infolist()
    if not members:
        check_count(0, name)
    _check_members(members, name)
    check_unpacked(sum(member.file_size for member in members), name)
    return archive


def member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str) -> bytes:
    """What is in one member, whose checksum is right.

    Raises
    ------
    ValueError
        If it is damaged.
    """
    try:
        data = archive.read(info)
    except _BROKEN as broken:
        raise ValueError(
            f"{one_line(info.filename)} in {shown(name)} is damaged: {_words(broken)}"
        ) from None
    if len(data) != info.file_size:
        raise ValueError(
            f"{one_line(info.filename)} in {shown(name)} must be {info.file_size} bytes, "
            f"got {len(data)}"
        )
    return data


def _check_members(members: list[zipfile.ZipInfo], name: str) -> None:
    seen: set[str] = set()
    end = 0
    for info in sorted(members, key=lambda info: info.header_offset):
        if info.filename in seen:
            raise ValueError(f"{shown(name)} must hold {one_line(info.filename)!r} once, got two")
        if info.header_offset < end:
            raise ValueError(f"{shown(name)} is damaged: two of its members share the same bytes")
        _check_member(info, name)
        seen.add(info.filename)
        end = info.header_offset + _LOCAL_HEADER + info.compress_size


def _check_member(info: zipfile.ZipInfo, name: str) -> None:
    if len(info.filename) > NAME_CHARACTERS:
        raise ValueError(
            f"names in {shown(name)} must be at most {NAME_CHARACTERS} characters, "
            f"got {len(info.filename):,}"
        )
    if "\0" in info.orig_filename:  # at which the library cuts it off
        raise ValueError(f"names in {shown(name)} must be text without a NUL")
    if info.flag_bits & _ENCRYPTED or info.compress_type not in _METHODS:
        raise ValueError(
            f"{one_line(info.filename)} in {shown(name)} must be stored or deflated, without a "
            f"password"
        )


def _words(broken: BaseException) -> str:
    return one_line(str(broken) or type(broken).__name__)
