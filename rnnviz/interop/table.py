"""A visitor's table: its columns of numbers, what they lack, and what was taken for granted."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PureWindowsPath
from typing import Final

import numpy as np
import pandas as pd

from rnnviz.arrays import Array, Float, Int, frozen
from rnnviz.interop.apart import in_child
from rnnviz.interop.csv_table import read_csv
from rnnviz.interop.limits import check_bytes, one_line, shown
from rnnviz.interop.parquet import MARK, read_parquet
from rnnviz.interop.read import read_arrays

AT_ONCE: Final = 128 << 10
"""Bytes up to which a text table is read where it is asked for; a longer one holds nobody up."""
NAMED: Final = 3
"""How many of the lines that lack a value are named."""


@dataclass(frozen=True, eq=False)
class Table:
    """Columns of numbers, a row for each time."""

    name: str
    """That of the file."""
    columns: tuple[str, ...]
    values: Float[Array, "N C"] = field(repr=False)
    """NaN where missing."""
    lines: Int[Array, " N"] = field(repr=False)
    """Where each row is in the file: the line of a text, or the row."""
    notes: tuple[str, ...] = ()
    """What was taken for granted, renamed or left out, a sentence each."""
    dates: Array | None = field(default=None, repr=False)
    """The moment of each row, where a column has them."""

    @property
    def missing(self) -> Mapping[str, int]:
        """How many values each column lacks, of those that lack some."""
        counts = np.isnan(self.values).sum(axis=0)
        return {name: int(count) for name, count in zip(self.columns, counts, strict=True) if count}

    def lacking(self, column: str) -> list[int]:
        """The first lines that lack a value of this column."""
        gaps = np.isnan(self.values[:, self.columns.index(column)])
        return [int(line) for line in self.lines[gaps][:NAMED]]

    def to_frame(self) -> pd.DataFrame:
        """A row for each column: its values, those missing and their lines, and its range."""
        return pd.DataFrame(
            {
                "column": self.columns,
                "values": np.isfinite(self.values).sum(axis=0),
                "missing": np.isnan(self.values).sum(axis=0),
                "first missing in": [
                    ", ".join(f"{line:,}" for line in self.lacking(name)) for name in self.columns
                ],
                "mean": np.nanmean(self.values, axis=0),
                "std": np.nanstd(self.values, axis=0),
                "min": np.nanmin(self.values, axis=0),
                "max": np.nanmax(self.values, axis=0),
            }
        )


def read_table(data: bytes, name: str) -> Table:
    r"""The table in a CSV (or another text of cells), a Parquet file, or arrays of an npz.

    The separator, decimal commas, the encoding and the column of dates are found from the file,
    and told in ``notes``. Nothing is filled in or left out unsaid.

    Parameters
    ----------
    data : the file
    name : what it is called

    Raises
    ------
    ValueError
        One sentence that names the file and the cause.

    Examples
    --------
    >>> text = b"day;flow\n2020-01-01;1,5\n2020-01-02;\n2020-01-03;2,5\n"
    >>> table = read_table(text, "flow.csv")
    >>> table.columns, table.values.ravel(), table.missing, table.lacking("flow")
    (('flow',), array([1.5, nan, 2.5]), {'flow': 1}, [3])
    >>> table.notes
    ('cells are parted by semicolons', 'decimals follow a comma', 'column day has the dates')
    """
    check_bytes(len(data), name)
    if data[:4] == MARK:
        arrays = in_child(read_parquet, data, name)
    elif PureWindowsPath(name).suffix.lower() == ".npz":
        arrays = _columns(read_arrays(data, name), name)
    elif PureWindowsPath(name).suffix.lower() == ".parquet":
        raise ValueError(f"{shown(name)} must be a Parquet file, got another kind")
    else:
        arrays = in_child(read_csv, data, name) if len(data) > AT_ONCE else read_csv(data, name)
    return _table(arrays, name)


def _table(arrays: Mapping[str, Array], name: str) -> Table:
    dates = arrays.get("dates")
    notes = [str(note) for note in arrays["notes"]]
    if dates is not None:
        notes += [f"column {arrays['dated'][0]} has the dates", *_gaps(dates, arrays["lines"])]
    values, columns = _told(arrays["values"], [str(column) for column in arrays["columns"]], notes)
    if not columns:
        raise ValueError(f"{shown(name)} must have a column of numbers, got empty ones")
    return Table(shown(name), columns, frozen(values), arrays["lines"], tuple(notes), dates)


def _told(
    values: Float[Array, "N C"], names: Sequence[str], notes: list[str]
) -> tuple[Float[Array, "N K"], tuple[str, ...]]:
    """The columns that have values, with names that differ; notes on the others."""
    kept: dict[str, int] = {}
    for place, given in enumerate(names):
        name = given if given not in kept else f"{given} ({place + 1})"
        largest = np.abs(values[:, place]).max(initial=-1, where=~np.isnan(values[:, place]))
        if largest < 0:
            notes.append(f"column {name} is left out: it is empty")
            continue
        if largest >= 2**53:
            notes.append(f"whole numbers of column {name} from 2^53 on are rounded")
        kept[name] = place
    return np.array(values[:, [*kept.values()]]), tuple(kept)


def _gaps(dates: Array, lines: Array) -> Iterator[str]:
    """What is remarkable about how moments follow each other."""
    apart = np.diff(dates).astype("timedelta64[s]")
    known = apart[~np.isnat(apart)].astype(float)
    if not known.size:
        return
    places = np.flatnonzero(~np.isnat(apart))
    usual = float(np.median(known))
    back, wide = places[known <= 0], places[(known > 1.5 * usual) & (usual > 0)]
    if back.size:
        yield f"dates do not rise {back.size:,} times, first in line {lines[back[0] + 1]:,}"
    elif wide.size:
        yield (
            f"dates are mostly {pd.Timedelta(seconds=usual)} apart, but {wide.size:,} times more, "
            f"first before line {lines[wide[0] + 1]:,}: neighbours are rows, not dates"
        )


def _columns(arrays: Mapping[str, Array], name: str) -> dict[str, Array]:
    """Arrays (N,) and (N, C) of an npz as columns."""
    found = {key: array for key, array in arrays.items() if array.ndim in {1, 2} and array.size}
    lengths = {len(array) for array in found.values()}
    if len(lengths) != 1 or lengths < {2}:
        shapes = ", ".join(f"{one_line(key)} {array.shape}" for key, array in arrays.items())
        raise ValueError(
            f"{shown(name)} must hold series (N,) or (N, C) of one length of at least 2, got "
            f"{one_line(shapes)}"
        )
    columns: dict[str, Array] = {}
    for key, array in found.items():
        named = [one_line(key)] if array.ndim == 1 else []
        named = named or [f"{one_line(key)} {place}" for place in range(array.shape[1])]
        columns |= dict(zip(named, array.reshape(len(array), -1).T, strict=True))
    values = np.stack([*columns.values()], axis=1).astype(np.float64)
    for row, column in np.argwhere(np.isinf(values))[:1]:
        raise ValueError(
            f"{[*columns][column]} in {shown(name)} must be finite, got {values[row, column]} at "
            f"{row}"
        )
    left = [key for key in arrays if key not in found]
    return {
        "values": values,
        "columns": np.array([*columns]),
        "lines": np.arange(1, len(values) + 1),
        "notes": np.array([f"{one_line(key)} is left out: it is no series" for key in left], str),
    }
