"""Files that are there whole or not at all, and what is said where a folder takes none."""

import os
import secrets
import shutil
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Final

PART: Final = ".part"
"""The ending of a file that is still written, and hidden."""


def write_whole(path: Path, data: bytes, *, replace: bool = True) -> None:
    """Write a file beside, bring it to the disk, and then give it its name.

    Whatever happens on the way, there is the whole of the old file under that name or the whole
    of the new one.

    Parameters
    ----------
    path : its name
    data : all of it
    replace : whether it takes the place of one that has that name

    Raises
    ------
    FileExistsError
        If there is one that it may not replace.
    OSError
        If it cannot be written: with the folder, the bytes it needs and those that are free.
    """
    beside = path.with_name(f".{secrets.token_hex(8)}{PART}")
    try:
        with beside.open("xb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        if replace:
            beside.replace(path)
        else:
            _take_free_name(beside, path)
    except FileExistsError:
        raise
    except OSError as cause:
        raise OSError(cause.errno, _said(cause, path.parent, len(data))) from None
    finally:
        with suppress(OSError):
            beside.unlink()
    _settle(path.parent)


def write_new(path: Path, data: bytes) -> Path:
    """Write a file under its name or, where there is one, with a number behind that; the path.

    The same errors as ``write_whole``.
    """
    for number in count(1):
        free = path if number == 1 else path.with_stem(f"{path.stem}-{number}")
        with suppress(FileExistsError):  # another process was faster
            if not free.exists():
                write_whole(free, data, replace=False)
                return free
    raise AssertionError("numbers do not end")


def _take_free_name(beside: Path, path: Path) -> None:
    try:
        os.link(beside, path)
    except FileExistsError:
        raise
    except OSError:  # a file has one name there
        path.open("xb").close()
        beside.replace(path)


def _said(cause: OSError, folder: Path, needed: int) -> str:
    why = f"the folder {folder} takes no file of {needed:,} bytes: {cause.strerror}"
    try:
        return f"{why}, with {shutil.disk_usage(folder).free:,} bytes free"
    except OSError:
        return f"{why}, and what is free there cannot be told"


def _settle(folder: Path) -> None:
    """Bring a folder's names to the disk, where the system can."""
    with suppress(OSError):
        known = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(known)
        finally:
            os.close(known)
