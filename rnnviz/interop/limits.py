"""How much of a stranger's file is read; sizes are in bytes."""

from collections.abc import Sequence
from pathlib import PureWindowsPath
from typing import Final

FILE_BYTES: Final = 20 << 20
"""The largest file of weights, of a table or of arrays."""
ARRAYS: Final = 256
"""The most arrays in one file: a deep stack has a few for each layer."""
UNPACKED_BYTES: Final = 64 << 20
"""What the arrays of one file may take together."""
HEADER_BYTES: Final = 1 << 20
"""The longest header or settings of a file of weights."""
HIDDEN_UNITS: Final = 512
"""The widest layer."""
WIDTH: Final = 4096
"""The most inputs, and the most outputs."""
NAME_CHARACTERS: Final = 200
"""The longest name of an array."""
SHOWN_CHARACTERS: Final = 80
"""How much of a file's or an array's name is shown."""
READ_MEMORY: Final = 1 << 30
"""The address space of a process that reads a file."""
READ_SECONDS: Final = 10
"""The processor time of a process that reads a file."""
READ_PATIENCE: Final = 60.0
"""Seconds on the clock until such a process is ended, on a machine that is busy."""
READERS: Final = 2
"""Files that are read in processes of their own at the same time."""


def shown(name: str) -> str:
    """A name as it is shown: without its folders, on one line, and not for ever.

    Examples
    --------
    >>> shown("../../etc/weights.npz"), shown("a" * 100)[-4:], shown("")
    ('weights.npz', 'aaa…', 'the file')
    """
    last = PureWindowsPath(name).name  # which knows both kinds of slash
    return one_line(last) or "the file"


def one_line(text: str) -> str:
    """What a stranger wrote, as text that breaks no sentence: no control characters, and short."""
    clean = "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text
    )
    return clean if len(clean) <= SHOWN_CHARACTERS else clean[: SHOWN_CHARACTERS - 1] + "…"


def without_numbers(name: str, left_out: Sequence[str]) -> str:
    """The sentence that refuses a table: why its first column is left out, and how many more are.

    Examples
    --------
    >>> without_numbers("t.csv", ["column a is left out: it is empty"] * 3)
    't.csv must have a column of numbers: column a is left out: it is empty, and so are 2 more'
    """
    if not left_out:
        return f"{shown(name)} must have a column of numbers, got none"
    many = len(left_out) - 1
    more = f", and so {'is' if many == 1 else 'are'} {many:,} more" if many else ""
    return f"{shown(name)} must have a column of numbers: {left_out[0]}{more}"


def amount(size: int) -> str:
    """A number of bytes in words.

    Examples
    --------
    >>> amount(20 << 20), amount(12_500), amount(700)
    ('20.0 MB', '12.2 KB', '700 bytes')
    """
    if size < 1 << 10:
        return f"{size} bytes"
    return f"{size / (1 << 20):,.1f} MB" if size >= 1 << 20 else f"{size / (1 << 10):.1f} KB"


def check_bytes(size: int, name: str, most: int = FILE_BYTES) -> None:
    """Refuse a file that is empty or too large, before it is looked into.

    Raises
    ------
    ValueError
    """
    if size == 0:
        raise ValueError(f"{shown(name)} must have something in it, got an empty file")
    if size > most:
        raise ValueError(f"{shown(name)} must be at most {amount(most)}, got {amount(size)}")


def check_unpacked(size: int, name: str) -> None:
    """Refuse arrays that would be too large together, before they are made.

    Raises
    ------
    ValueError
    """
    if size > UNPACKED_BYTES:
        raise ValueError(
            f"the arrays of {shown(name)} must take at most {amount(UNPACKED_BYTES)} together, "
            f"got {amount(size)}"
        )


def check_count(count: int, name: str) -> None:
    """Refuse a file of no array or of too many.

    Raises
    ------
    ValueError
    """
    if not 0 < count <= ARRAYS:
        raise ValueError(f"{shown(name)} must hold 1 to {ARRAYS} arrays, got {count:,}")
