"""How a text table is written: what parts its cells, which line is its first, what a comma is."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from rnnviz.interop.limits import one_line, shown
from rnnviz.interop.numerals import has_comma, number

COLUMNS: Final = 256
"""The most columns of a table."""
CELL_CHARACTERS: Final = 1024
"""The longest cell."""
SEPARATORS: Final = {";": "semicolons", "\t": "tabs", "|": "bars", ",": "commas", " ": "spaces"}
"""What may stand between cells; of two that fit alike the first."""
SAMPLE: Final = 200
"""Rows that are looked at before all are read."""
_LINE: Final = re.compile(r"[^\r\n]*(\r\n|\r|\n|\Z)")
_QUOTED: Final = re.compile(r'"[^"]*"')
_SAID: Final = re.compile(r'"?sep=(.)"?', re.IGNORECASE)

Row = tuple[int, list[str]]
"""A row's line in the file, from 1, and its cells."""


@dataclass(frozen=True)
class Dialect:
    """How the table is written."""

    separator: str
    start: int
    """The place of the first character that is read."""
    line: int
    """The line that it is in, from 1."""
    decimal_comma: bool = False


def sniffed(text: str, name: str) -> Dialect:
    """The separator that the first lines agree on, or that ``sep=`` names.

    Raises
    ------
    ValueError
        If there is no line, or there are too many columns.
    """
    lines = _lines(text)
    found = next(((line, start, words) for line, start, words in lines if _says(words)), None)
    if found is None:
        raise ValueError(f"{shown(name)} must have a line of names and rows below it, got none")
    line, start, words = found
    said = _SAID.fullmatch(words.strip())
    if said and said[1] in SEPARATORS:
        separator, line, start = said[1], line + 1, start + len(words)
        words = next(lines, (0, 0, ""))[2]
    else:
        below = [other for _, _, other in islice(lines, SAMPLE) if _says(other)]
        separator = _separator(words, below)
    if (columns := 1 + _count(words, separator)) > COLUMNS:
        raise ValueError(f"{shown(name)} must have at most {COLUMNS} columns, got {columns:,}")
    return Dialect(separator, start, line)


def rows(text: str, dialect: Dialect, name: str) -> Iterator[Row]:
    """The rows that have cells, each as long as the first.

    Raises
    ------
    ValueError
        If one is longer or shorter, or a quote is not closed.
    """
    stream = io.StringIO(text, newline="")
    stream.seek(dialect.start)
    reader = csv.reader(stream, delimiter=dialect.separator, skipinitialspace=True, strict=True)
    line, size, blank = dialect.line, 0, []
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as wrong:
            raise ValueError(_told(wrong, line, name)) from None
        if cells is None:
            return
        if not cells or (size != 1 and cells == [""]):
            blank.append(line)
        else:
            if size == 1:  # in a table of one column a blank line is a value that is missing
                yield from ((empty, [""]) for empty in blank)
            size, blank = size or len(cells), []
            _check(cells, size, line, name)
            yield line, cells
        line = dialect.line + reader.line_num


def has_decimal_comma(sample: Sequence[Row], name: str) -> bool:
    """Whether decimals follow a comma in these rows.

    Raises
    ------
    ValueError
        If they may as well be thousands.
    """
    found = [(line, cell.strip()) for line, cells in sample for cell in cells if has_comma(cell)]
    if not found:
        return False
    if all(re.fullmatch(r"[+-]?[1-9]\d{0,2},\d{3}", cell) for _, cell in found):
        line, cell = found[0]
        raise ValueError(
            f"numbers in {shown(name)} must have no thousands separator, got {cell!r} in line "
            f"{line:,}, which may be {cell.replace(',', '.')} or {cell.replace(',', '')}"
        )
    points = any("." in cell and number(cell) for _, cells in sample for cell in cells)
    return not points


def _lines(text: str) -> Iterator[tuple[int, int, str]]:
    """Each line's number, place and text, its end included."""
    for line, found in enumerate(_LINE.finditer(text), 1):
        yield line, found.start(), found[0]


def _says(line: str) -> bool:
    return bool(line.strip()) and not line.startswith("#")


def _separator(header: str, below: Sequence[str]) -> str:
    """What stands as often in most of the lines below as in the first."""
    counts = {sign: _count(header, sign) for sign in SEPARATORS if _count(header, sign)}
    agreed = {
        sign: sum(_count(line, sign) == count for line in below) / max(1, len(below))
        for sign, count in counts.items()
    }
    if not counts or (set(counts) == {" "} and agreed[" "] < 1):
        return "\t"  # one column: there is none in it
    counts = {sign: count for sign, count in counts.items() if sign != " " or len(counts) == 1}
    return max(counts, key=lambda sign: (agreed[sign] > 0.5, counts[sign] if agreed[sign] else 0))


def _count(line: str, sign: str) -> int:
    bare = _QUOTED.sub("", line)
    return len(bare.split()) - 1 if sign == " " else bare.rstrip("\r\n").count(sign)


def _check(cells: list[str], size: int, line: int, name: str) -> None:
    if len(cells) != size:
        raise ValueError(
            f"rows of {shown(name)} must have {size} cell{'s' * (size > 1)} as the first, got "
            f"{len(cells)} in line {line:,}"
        )
    longest = max(map(len, cells))
    if longest > CELL_CHARACTERS:
        raise ValueError(_too_long(line, name))


def _told(wrong: csv.Error, line: int, name: str) -> str:
    if "larger than field limit" in str(wrong):
        return _too_long(line, name)
    if "unexpected end" in str(wrong):
        return f"quotes in {shown(name)} must be closed, got one that is not in line {line:,}"
    return f"{shown(name)} must be a table, but in line {line:,}: {one_line(str(wrong))}"


def _too_long(line: int, name: str) -> str:
    return (
        f"cells of {shown(name)} must have at most {CELL_CHARACTERS:,} characters, got more in the "
        f"row of line {line:,}: is a quote not closed there?"
    )
