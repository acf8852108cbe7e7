"""Cells of a text table as numbers: which are missing, which are dates, which are neither."""

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

import numpy as np

from rnnviz.arrays import Array, Float

MISSING: Final = frozenset(
    ("", "nan", "na", "n/a", "#n/a", "#na", "null", "none", "-", "--", "?", ".")
)
"""What stands for a value that is not there, in small letters."""
TRUTH: Final = {"true": 1.0, "false": 0.0}
_NUMERAL: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_COMMA: Final = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?", re.ASCII)
_THOUSANDS: Final = re.compile(r"[+-]?\d{1,3}([,'  ]\d{3})+(\.\d+)?", re.ASCII)
_INFINITE: Final = re.compile(r"[+-]?inf(inity)?", re.ASCII | re.IGNORECASE)

Number = Callable[[str], float | None]
"""A cell as a number: NaN where it is missing, None where it is something else."""


def number(cell: str) -> float | None:
    """A cell whose decimals follow a point."""
    word = cell.strip()
    if _NUMERAL.fullmatch(word):
        return float(word)
    small = word.lower()
    if small in MISSING:
        return float("nan")
    if _INFINITE.fullmatch(word):
        return float("-inf" if word.startswith("-") else "inf")
    return TRUTH.get(small)


def comma_number(cell: str) -> float | None:
    """A cell whose decimals follow a comma."""
    return number(cell.replace(",", ".")) if _COMMA.fullmatch(cell.strip()) else number(cell)


def has_comma(cell: str) -> bool:
    """Whether a cell is a number only if its comma is that of its decimals."""
    return bool(_COMMA.fullmatch(cell.strip()))


def has_thousands(cell: str) -> bool:
    """Whether a cell is a number only if what parts its digits by threes is taken out."""
    return bool(_THOUSANDS.fullmatch(cell.strip()))


def column(cells: Sequence[str], read: Number) -> tuple[Float[Array, " N"], int | None]:
    """Cells as numbers, and the place of the first that is none; it and its like are NaN."""
    try:
        if not any("_" in cell for cell in cells):
            quick = np.array([float(cell) for cell in cells])
            if np.isfinite(quick).all():
                return quick, None
    except ValueError:
        pass
    found = [read(cell) for cell in cells]
    first = next((place for place, value in enumerate(found) if value is None), None)
    return np.array([np.nan if value is None else value for value in found]), first


def moment(cell: str) -> np.datetime64 | None:
    """A cell as a moment, where it is a date of ISO 8601 with or without a time."""
    word = cell.strip()
    if not word[:4].isdecimal() or "-" not in word:
        return None
    try:
        found = datetime.fromisoformat(word if len(word) > 7 else f"{word}-01")
    except ValueError:
        return None
    return np.datetime64(found.replace(tzinfo=None), "s")
