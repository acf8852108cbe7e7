"""A Parquet table as arrays: to be run by ``apart``, for its parser is C++ code."""

from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from rnnviz.arrays import Array
from rnnviz.interop.limits import check_unpacked, one_line, shown, without_numbers

COLUMNS: Final = 256
ROWS: Final = 200_000
MARK: Final = b"PAR1"
"""How a Parquet file begins and ends."""
_BROKEN: Final = (
    pa.ArrowException,
    OSError,
    KeyError,
    OverflowError,
    NotImplementedError,
    UnicodeDecodeError,  # of a name in the footer
)


def read_parquet(data: bytes, name: str) -> dict[str, Array]:
    """What ``read_csv`` gives, of a Parquet file; ``lines`` are rows, from 1.

    Raises
    ------
    ValueError
        One sentence that names the file and the cause.
    """
    pa.set_memory_pool(pa.system_memory_pool())
    try:
        file = pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True)
        _check_sizes(file.metadata, name)
        schema = file.schema_arrow
        names = [field.name for field in schema if _is_read(field.type)]
        table = file.read(columns=names, use_threads=False) if names else None
        if table is not None and table.num_rows != file.metadata.num_rows:
            raise OSError(f"it says {file.metadata.num_rows:,} rows and has {table.num_rows:,}")
        left_out = [field for field in schema if not _is_read(field.type)]
        return _packed(table, left_out, name)
    except _BROKEN as broken:
        words = one_line(str(broken) or type(broken).__name__)
        raise ValueError(f"{shown(name)} is damaged: {words}") from None


def _check_sizes(told: Any, name: str) -> None:
    """Refuse by the footer what would be too large."""
    if not 1 <= told.num_columns <= COLUMNS:
        raise ValueError(
            f"{shown(name)} must have 1 to {COLUMNS} columns, got {told.num_columns:,}"
        )
    if not 2 <= told.num_rows <= ROWS:
        raise ValueError(f"{shown(name)} must have 2 to {ROWS:,} rows, got {told.num_rows:,}")
    unpacked = sum(
        told.row_group(group).total_byte_size for group in range(min(told.num_row_groups, ROWS))
    )
    check_unpacked(max(unpacked, 8 * told.num_rows * told.num_columns), name)


def _is_read(kind: Any) -> bool:
    return _is_number(kind) or _is_date(kind)


def _is_number(kind: Any) -> bool:
    types = pa.types
    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind))


def _is_date(kind: Any) -> bool:
    return bool(pa.types.is_timestamp(kind) or pa.types.is_date(kind))


def _packed(table: Any, left_out: list[Any], name: str) -> dict[str, Array]:
    notes = [
        f"column {one_line(field.name)} is left out: it is {one_line(str(field.type))}"
        for field in left_out
    ]
    fields = [] if table is None else list(table.schema)
    numeric = [place for place, field in enumerate(fields) if _is_number(field.type)]
    if not numeric:
        raise ValueError(without_numbers(name, notes))
    values = np.stack([_numbers(table.column(place)) for place in numeric], axis=1)
    _check_finite(values, [fields[place].name for place in numeric], name)
    arrays = {
        "values": values,
        "columns": np.array([one_line(fields[place].name) for place in numeric]),
        "lines": np.arange(1, len(values) + 1),
        "notes": np.array(notes, dtype=np.str_),
    }
    dated = next((place for place, field in enumerate(fields) if _is_date(field.type)), None)
    if dated is not None:
        moments = table.column(dated).cast(pa.timestamp("s"), safe=False)
        arrays["dates"] = moments.to_numpy().astype("datetime64[s]")
        arrays["dated"] = np.array([one_line(fields[dated].name)])
    return arrays


def _numbers(column: Any) -> Array:
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    numbers: Array = column.cast(pa.float64(), safe=False).to_numpy().astype(np.float64)
    return numbers


def _check_finite(values: Array, names: list[str], name: str) -> None:
    infinite = np.argwhere(np.isinf(values))
    if len(infinite):
        row, column = infinite[0]
        raise ValueError(
            f"column {one_line(names[column])} of {shown(name)} must be finite, got "
            f"{values[row, column]} in row {row + 1:,}"
        )
