"""A text table as arrays: to be run by ``apart`` where it is long."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from typing import Final

import numpy as np

from rnnviz.arrays import Array
from rnnviz.interop.csv_dialect import (
    SAMPLE,
    SEPARATORS,
    Dialect,
    Row,
    has_decimal_comma,
    rows,
    sniffed,
)
from rnnviz.interop.limits import (
    SHOWN_CHARACTERS,
    check_bytes,
    check_unpacked,
    one_line,
    shown,
    without_numbers,
)
from rnnviz.interop.numerals import MISSING, TRUTH, column, comma_number, has_thousands, moment
from rnnviz.interop.numerals import number as point_number
from rnnviz.interop.plain_text import decoded

ROWS: Final = 200_000
"""The most rows of a table."""
BLOCK: Final = 4096
"""Rows that are read at once."""


@dataclass
class _Column:
    """What has been read of a column so far."""

    name: str
    blocks: list[Array] = field(default_factory=list)
    dates: list[Array] | None = field(default_factory=list)
    """Moments, for as long as all cells are some."""
    stray: str = ""
    """The first cell that is no number, and its line."""
    has_truth: bool = False

    @property
    def values(self) -> Array:
        return np.concatenate(self.blocks)


def read_csv(data: bytes, name: str) -> dict[str, Array]:
    """A table's numbers, and what was taken for granted about it.

    ``values`` (N, C), NaN where missing; ``columns``, the names; ``lines``, that of each row;
    ``notes``; and of the first column that has them ``dates``, with its name in ``dated``.

    Raises
    ------
    ValueError
        One sentence that names the file and the cause.
    """
    check_bytes(len(data), name)
    text, encoding = decoded(data, name)
    dialect = sniffed(text, name)
    check_unpacked(8 * text.count(dialect.separator), name)  # before any of it is a number
    reader = rows(text, dialect, name)
    sample = list(islice(reader, SAMPLE))
    dialect = replace(dialect, decimal_comma=has_decimal_comma(sample[1:], name))
    names, notes, headed = _names(sample[0][1], name) if sample else ([], [], True)
    columns = [_Column(one) for one in names]
    lines = _read(chain(sample[headed:], reader), columns, dialect, name)
    if len(lines) < 2:
        raise ValueError(
            f"{shown(name)} must have at least 2 rows below its names, got {len(lines)}"
        )
    return _packed(columns, lines, [*_assumed(encoding, dialect), *notes], name)


def _names(header: Sequence[str], name: str) -> tuple[list[str], list[str], bool]:
    """The columns' names, all different; what was assumed; and whether the first row has them."""
    if any(np.isfinite(point_number(cell) or np.nan) for cell in header) and all(
        point_number(cell) is not None for cell in header
    ):
        numbered = [f"column {place}" for place in range(1, len(header) + 1)]
        return numbered, ["the first line is numbers, so the columns have no names"], False
    names: list[str] = []
    notes = []
    for place, cell in enumerate(header, 1):
        if len(cell) > SHOWN_CHARACTERS:
            raise ValueError(
                f"names of columns in {shown(name)} must have at most {SHOWN_CHARACTERS} "
                f"characters, got {len(cell):,}"
            )
        given = one_line(cell.strip()) or f"column {place}"
        own = given if given not in names else f"{given} ({place})"
        if own != given:
            notes.append(f"there are several columns named {given}: column {place} is {own}")
        names.append(own)
    return names, notes, True


def _read(reader: Iterator[Row], columns: list[_Column], dialect: Dialect, name: str) -> list[int]:
    """Read every row into its columns; gives the line of each."""
    lines: list[int] = []
    while block := list(islice(reader, BLOCK)):
        own = [line for line, _ in block]
        lines += own
        if len(lines) > ROWS:
            raise ValueError(f"{shown(name)} must have at most {ROWS:,} rows, got more")
        for place, known in enumerate(columns):
            _add(known, [cells[place] for _, cells in block], own, dialect, name)
    return lines


def _add(
    known: _Column, cells: Sequence[str], lines: Sequence[int], dialect: Dialect, name: str
) -> None:
    """Add a block of cells to a column."""
    read = comma_number if dialect.decimal_comma else point_number
    values, stray = column(cells, read)
    known.blocks.append(values)
    known.has_truth |= any(cell.strip().lower() in TRUTH for cell in _units(cells, values))
    if known.dates is not None:
        known.dates = _dated(known.dates, cells, stray is not None)
    if stray is not None:
        if has_thousands(cells[stray]):
            raise ValueError(
                f"numbers in {shown(name)} must have no thousands separator, got "
                f"{one_line(cells[stray])!r} in line {lines[stray]:,}"
            )
        known.stray = known.stray or f"{one_line(cells[stray])!r} in line {lines[stray]:,}"
    for place in np.flatnonzero(np.isinf(values))[:1].tolist():
        raise ValueError(
            f"column {known.name} of {shown(name)} must be finite, got "
            f"{one_line(cells[place])!r} in line {lines[place]:,}"
        )


def _units(cells: Sequence[str], values: Array) -> Iterator[str]:
    """The cells that are 0 or 1."""
    return (cells[int(place)] for place in np.flatnonzero((values == 0) | (values == 1)))


def _dated(so_far: list[Array], cells: Sequence[str], is_other: bool) -> list[Array] | None:
    """The moments of a column; None once a cell is no date."""
    if not is_other:
        return None
    moments = [
        np.datetime64("NaT", "s") if cell.strip().lower() in MISSING else moment(cell)
        for cell in cells
    ]
    if any(found is None for found in moments):
        return None
    return [*so_far, np.array(moments, "datetime64[s]")]


def _assumed(encoding: str, dialect: Dialect) -> Iterator[str]:
    if encoding not in {"utf-8", "utf-8-sig"}:
        yield f"the text is {encoding.upper()}"
    if dialect.separator not in {",", "\t"}:
        yield f"cells are parted by {SEPARATORS[dialect.separator]}"
    if dialect.decimal_comma:
        yield "decimals follow a comma"


def _packed(
    columns: list[_Column], lines: list[int], notes: list[str], name: str
) -> dict[str, Array]:
    dated = next((known for known in columns if known.dates), None)
    numeric: list[_Column] = []
    for known in columns:
        if known is dated:
            continue
        if known.stray:
            notes.append(f"column {known.name} is left out: {known.stray} is not a number")
        elif np.isnan(known.values).all():
            notes.append(f"column {known.name} is left out: it is empty")
        else:
            numeric.append(known)
    if not numeric:
        raise ValueError(without_numbers(name, [note for note in notes if "left out" in note]))
    notes += [f"true and false of {known.name} are 1 and 0" for known in numeric if known.has_truth]
    arrays = {
        "values": np.stack([known.values for known in numeric], axis=1),
        "columns": np.array([known.name for known in numeric]),
        "lines": np.array(lines),
        "notes": np.array(notes, dtype=np.str_),
    }
    if dated and dated.dates:
        arrays |= {"dates": np.concatenate(dated.dates), "dated": np.array([dated.name])}
    return arrays
