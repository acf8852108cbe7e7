"""A visitor's series as a task: standardised, split in time, read in windows."""

from collections.abc import Sequence
from functools import cached_property
from typing import Final, Literal

import numpy as np
import pandas as pd

from rnnviz.arrays import Array, Float, frozen
from rnnviz.interop.table import Table
from rnnviz.tasks.series import Rows, filled_in

PAPER: Final = "your own data"


class OwnSeries(Rows):
    """Predict the next values of some columns of a table from windows of its columns."""

    real = True
    paper = PAPER

    def __init__(
        self,
        table: Table,
        columns: Sequence[str],
        answered: Sequence[str],
        missing: Literal["drop", "interpolate"] = "drop",
        standardise: bool = True,
        split: float = 0.8,
    ) -> None:
        used = list(dict.fromkeys([*columns, *answered]))
        _check(table, columns, answered, split)
        self.name = self.title = table.name
        self.columns = tuple(used)
        self._table, self._missing, self._standardise = table, missing, standardise
        self._split = round(len(table.values) * split)
        self.read = [used.index(column) for column in columns]
        self.answered = [used.index(column) for column in answered]
        self.input_size, self.output_size = len(columns), len(answered)
        self.note = (
            f"Reads {_listed(columns)} of {table.name} row by row, and predicts the next "
            f"{_listed(answered)}; trained on the first {self._split:,} rows, validated on the "
            f"last {len(table.values) - self._split:,}."
        )
        if np.isnan(self.values[: self.split]).all(axis=0).any() or self.max_steps() < 1:
            raise ValueError(
                f"{table.name} must have two neighbouring rows in its training part that lack no "
                f"value, got none: interpolate what is missing"
            )

    @property
    def split(self) -> int:
        """How many rows come before the held-out part."""
        return self._split

    @cached_property
    def values(self) -> Float[Array, "N C"]:
        """The columns as they are read, before standardisation: filled, where that is asked for."""
        places = [self._table.columns.index(column) for column in self.columns]
        values = self._table.values[:, places]
        if self._missing == "interpolate":
            values = np.stack([filled_in(column) for column in values.T], axis=1)
        return frozen(np.array(values))

    @cached_property
    def still(self) -> tuple[str, ...]:
        """Columns that are constant in the training part: their mean alone is taken off."""
        training = self.values[: self.split]
        same = np.nanmax(training, axis=0) == np.nanmin(training, axis=0)
        return tuple(name for name, alike in zip(self.columns, same, strict=True) if alike)

    @cached_property
    def scales(self) -> tuple[Float[Array, " C"], Float[Array, " C"]]:
        """What is taken off each column and what it is divided by: 0 and 1 where nothing is."""
        training = self.values[: self.split]
        if not self._standardise:
            return np.zeros(training.shape[1]), np.ones(training.shape[1])
        constant = np.isin(self.columns, self.still)
        std = np.where(constant, 1.0, np.nanstd(training, axis=0))
        return np.nanmean(training, axis=0), std

    @cached_property
    def rows(self) -> Float[Array, "N C"]:
        """The standardised columns."""
        mean, std = self.scales
        return frozen((self.values - mean) / std)

    def to_frame(self) -> pd.DataFrame:
        """A row for each column: what it is used for, and what it is standardised by."""
        mean, std = self.scales
        uses = [
            " and ".join(["read"] * (n in self.read) + ["answered"] * (n in self.answered))
            for n in range(len(self.columns))
        ]
        return pd.DataFrame({"column": self.columns, "used": uses, "less": mean, "divided by": std})


def series(
    table: Table,
    columns: Sequence[str],
    missing: Literal["drop", "interpolate"] = "drop",
    standardise: bool = True,
    split: float = 0.8,
    answered: Sequence[str] | None = None,
) -> OwnSeries:
    r"""Columns of a table as a task: each next row from those before it.

    Parameters
    ----------
    table : from ``read_table``
    columns : the inputs
    missing : "drop": no window holds a row that lacks a value; "interpolate": values lie on the
        line between their neighbours in the rows
    standardise : less the mean and over the standard deviation of the training part
    split : the share of rows, the first ones, that are trained on
    answered : the columns whose next values are the answers; all inputs, if left out

    Raises
    ------
    ValueError
        If there is no such column, or no window without a gap.

    Examples
    --------
    >>> from rnnviz.interop import read_table
    >>> import numpy as np
    >>> task = series(read_table(b"a,b\n1,5\n2,6\n3,7\n4,9\n5,5\n", "t.csv"), ["a"])
    >>> batch = task.sample(np.random.default_rng(0), steps=3, batch_size=1, lag=0)
    >>> batch.x.shape, task.scales
    ((3, 1, 1), (array([2.5]), array([1.11803399])))
    """
    return OwnSeries(table, columns, answered or columns, missing, standardise, split)


def _check(table: Table, columns: Sequence[str], answered: Sequence[str], split: float) -> None:
    unknown = [column for column in (*columns, *answered) if column not in table.columns]
    if unknown or not columns:
        raise ValueError(
            f"columns must be among {', '.join(table.columns[:20])}, got "
            f"{unknown[0] if unknown else 'none'}"
        )
    if not 0 < split < 1:
        raise ValueError(f"split must be between 0 and 1, got {split}")


def _listed(columns: Sequence[str]) -> str:
    shown = ", ".join(columns[:4])
    return shown if len(columns) <= 4 else f"{shown} and {len(columns) - 4} more"
