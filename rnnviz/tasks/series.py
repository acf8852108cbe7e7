"""Recorded series: whether a network can predict the next value of something real."""

import csv
from abc import abstractmethod
from collections.abc import Sequence
from functools import cached_property
from importlib.resources import files
from typing import ClassVar

import numpy as np

from rnnviz.arrays import Array, Float, Int, frozen
from rnnviz.tasks.base import Batch, Task


class Rows(Task):
    """Predict the next of some rows from windows of them: x_t = z_t, target z_{t+1}.

    z is standardised by its training part alone. A sequence is a window of T + 1 neighbours, drawn
    at random; none holds a row that lacks a value. A training window lies within the training
    part. A held-out window ends in the held-out part; what it reads before that is context, and
    its answers there are neither asked nor scored, whatever the loss applies to.
    """

    name: str
    """What the errors call it."""
    read: Sequence[int] = (0,)
    """The columns that are inputs."""
    answered: Sequence[int] = (0,)
    """The columns whose next values are asked for."""

    @property
    @abstractmethod
    def rows(self) -> Float[Array, "N C"]:
        """z, NaN where a row lacks a value."""

    @property
    @abstractmethod
    def split(self) -> int:
        """How many rows come before the held-out part."""

    @cached_property
    def _unbroken(self) -> Int[Array, " N"]:
        """How many rows up to each, itself included, lack no value."""
        row = np.arange(len(self.rows))
        lacking = np.isnan(self.rows).any(axis=1)
        return frozen(row - np.maximum.accumulate(np.where(lacking, row, -1)))

    def max_steps(self) -> int:
        """The longest window that the training part holds."""
        return int(self._unbroken[: self.split].max(initial=0)) - 1

    def sample(
        self,
        rng: np.random.Generator,
        steps: int,
        batch_size: int,
        lag: int,
        *,
        held_out: bool = False,
    ) -> Batch:
        """B windows of the training part, or B that end in the held-out part."""
        if not 1 <= steps <= self.max_steps():
            raise ValueError(
                f"steps must be in [1, {self.max_steps()}] for {self.name}, got {steps}"
            )
        low, high = (self.split, len(self.rows)) if held_out else (steps, self.split)
        ends = low + np.flatnonzero(self._unbroken[low:high] > steps)
        if not ends.size:
            raise ValueError(f"no window of {steps} steps ends in the held-out part of {self.name}")
        row = ends[rng.integers(0, len(ends), batch_size)] + np.arange(-steps, 1)[:, None]
        scored = row[1:] >= self.split if held_out else np.ones((steps, batch_size), bool)
        window = self.rows[row]
        x, target = window[:-1][..., [*self.read]], window[1:][..., [*self.answered]]
        return Batch(x, target, scored, scored)

    def baseline(self, steps: int, lag: int, loss_at: str) -> float:
        """The mean square left by the least-squares line from z_t to z_{t+1}, on the training part.

        The line sees the present values alone. Always answering the mean would score 1, and is
        no line to beat: repeating the present value already does far better.
        """
        after = 1 + np.flatnonzero(self._unbroken[1 : self.split] > 1)
        now = self.rows[after - 1][:, [*self.read]]
        design = np.column_stack([now, np.ones(len(after))])
        target = self.rows[after][:, [*self.answered]]
        line = np.linalg.lstsq(design, target, rcond=None)[0]
        return float(np.mean((target - design @ line) ** 2))


class Series(Rows):
    """Predict a recorded series one step ahead, standardised, empty rows filled on a line."""

    input_size = 1
    output_size = 1
    real = True
    name: str
    """The name in ``TASKS``, and that of the file: a date and a value in each row."""
    held_out_from: ClassVar[str]
    """The first held-out date, written as in the file."""

    @cached_property
    def dates(self) -> list[str]:
        """The date of each row, in order."""
        return [date for date, _ in _rows(self.name)]

    @cached_property
    def recorded(self) -> Float[Array, " N"]:
        """The values as the file has them, NaN where it has none."""
        return frozen(np.array([float(value or "nan") for _, value in _rows(self.name)]))

    @cached_property
    def z(self) -> Float[Array, " N"]:
        """The standardised series, empty rows filled on the line between their neighbours."""
        filled = filled_in(self.recorded)
        training = filled[: self.split]
        return frozen((filled - training.mean()) / training.std())

    @property
    def rows(self) -> Float[Array, "N 1"]:
        """The series as a column."""
        return self.z[:, None]

    @cached_property
    def split(self) -> int:
        """How many rows come before the held-out part."""
        return sum(date < self.held_out_from for date in self.dates)


def filled_in(values: Float[Array, " N"]) -> Float[Array, " N"]:
    """A series whose missing values lie on the line between their neighbours in the rows."""
    row, known = np.arange(len(values)), np.isfinite(values)
    filled: Array = np.interp(row, row[known], values[known])
    return filled


class Sunspots(Series):
    """The yearly sunspot number, 1700-2008; the years from 1950 on are held out.

    The cycles since 1950 are stronger than those before, so a held-out loss runs higher than a
    training loss whatever the network: the line of ``baseline`` leaves 0.33 before and 0.79 after.
    """

    title = "Sunspots, yearly"
    paper = (
        "Yule (1927), On a method of investigating periodicities in disturbed series, with special "
        "reference to Wolfer's sunspot numbers, Philosophical Transactions of the Royal Society A "
        "226, 267-298; data: US National Geophysical Data Center"
    )
    note = (
        "Reads the sunspot number year by year, standardised, and predicts the next year's; "
        "trained on 1700 to 1949, validated on 1950 to 2008."
    )
    name = "sunspots"
    held_out_from = "1950"


class CO2(Series):
    """Weekly CO2 at Mauna Loa, March 1958 to December 2001; the weeks from 1992 on are held out.

    Rows are a week apart, so a line over rows is a line in time; 59 weeks are empty. The trend
    stays in, because it is what was measured: two in three of the held-out weeks lie above all
    that was trained on, and the loss to beat is small, since a week changes little.
    """

    title = "CO₂ at Mauna Loa, weekly"
    paper = (
        "Keeling, Bacastow, Bainbridge, Ekdahl, Guenther, Waterman and Chin (1976), Atmospheric "
        "carbon dioxide variations at Mauna Loa Observatory, Hawaii, Tellus 28(6), 538-551; data: "
        "Keeling and Whorf (2004), Carbon Dioxide Information Analysis Center"
    )
    note = (
        "Reads the CO₂ in the air week by week, standardised with its trend, and predicts the next "
        "week's; 59 empty weeks are filled on the line between their neighbours; trained on 1958 "
        "to 1991, validated on 1992 to 2001."
    )
    name = "co2"
    held_out_from = "19920101"


def _rows(name: str) -> list[list[str]]:
    text = (files("rnnviz") / "data" / f"{name}.csv").read_text(encoding="utf-8")
    return list(csv.reader(text.splitlines()))[1:]
