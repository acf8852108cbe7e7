"""Recorded series: whether a network can predict the next value of something real."""

import csv
from functools import cached_property
from importlib.resources import files
from typing import ClassVar

import numpy as np

from rnnviz.arrays import Array, Float, frozen
from rnnviz.tasks.base import Batch, Task


class Series(Task):
    """Predict a recorded series one step ahead: x_t = z_t, target z_{t+1}.

    z is the series, less the mean and over the standard deviation of its training part alone.
    A sequence is a window of T + 1 neighbours, drawn at random. A training window lies within
    the training part. A held-out window ends in the held-out part; what it reads before that is
    context, and its answers there are neither asked nor scored, whatever the loss applies to.
    """

    input_size = 1
    output_size = 1
    real = True
    name: ClassVar[str]
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
        row, known = np.arange(len(self.recorded)), np.isfinite(self.recorded)
        filled = np.interp(row, row[known], self.recorded[known])
        training = filled[: self.split]
        return frozen((filled - training.mean()) / training.std())

    @cached_property
    def split(self) -> int:
        """How many rows come before the held-out part."""
        return sum(date < self.held_out_from for date in self.dates)

    def max_steps(self) -> int:
        """The longest window that the training part holds."""
        return self.split - 1

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
        low, high = (self.split, len(self.z)) if held_out else (steps, self.split)
        row = rng.integers(low, high, batch_size) + np.arange(-steps, 1)[:, None]
        window = self.z[row][..., None]
        scored = row[1:] >= self.split if held_out else np.ones((steps, batch_size), bool)
        return Batch(window[:-1], window[1:], scored, scored)

    def baseline(self, steps: int, lag: int, loss_at: str) -> float:
        """The mean square left by the least-squares line from z_t to z_{t+1}, on the training part.

        The line sees the present value alone. Always answering the mean would score 1, and is
        no line to beat: repeating the present value already does far better.
        """
        now, after = self.z[: self.split - 1], self.z[1 : self.split]
        slope, intercept = np.polyfit(now, after, 1)
        return float(np.mean((after - slope * now - intercept) ** 2))


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
