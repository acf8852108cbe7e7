"""What training has seen: each step's numbers, the moments kept, and what was changed."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from rnnviz.arrays import Array, Float, frozen
from rnnviz.config import TrainConfig
from rnnviz.fields import options
from rnnviz.moments import Moment
from rnnviz.train_step import COLUMNS, TrainStep

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Change:
    """A setting that was changed while training ran."""

    step: int
    """The first step that knew of it."""
    sentence: str


def changes_between(before: TrainConfig, after: TrainConfig, step: int) -> tuple[Change, ...]:
    """What was changed from one config to another, as of a step.

    Examples
    --------
    >>> before = TrainConfig(learning_rate=1e-3)
    >>> changes_between(before, before.replace(learning_rate=0.01), step=40)
    (Change(step=40, sentence='learning rate 0.001 → 0.01'),)
    >>> changes_between(before, before.replace(clip_by="none"), step=40)
    (Change(step=40, sentence='clipping: By norm → None'),)
    """
    told = []
    for name, field in TrainConfig.model_fields.items():
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            titles = options(field)
            colon = ":" if titles else ""
            told.append(
                f"{_within(str(field.title))}{colon} {_named(old, titles)} → {_named(new, titles)}"
            )
    return tuple(Change(step, sentence) for sentence in told)


def _within(title: str) -> str:
    """A title within a sentence; a symbol stays as it is."""
    return title[:1].lower() + title[1:] if title[1:2].islower() else title


def _named(value: object, titles: Mapping[str, str]) -> str:
    """A value as a page has it: the title of a choice, or the number."""
    if isinstance(value, float):
        return f"{value:g}"
    return f"{value:,}" if isinstance(value, int) else titles[str(value)]


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """Every step's numbers, a row each; the moments kept, and what was changed on the way."""

    columns: tuple[str, ...]
    rows: Float[Array, "N C"]
    moments: tuple[Moment, ...] = ()
    changes: tuple[Change, ...] = ()

    @classmethod
    def collect(cls, steps: Iterable[TrainStep]) -> "History":
        """All numbers and moments of these steps, taken one step at a time.

        Examples
        --------
        >>> from rnnviz.train import train
        >>> config = TrainConfig(hidden_size=4, steps=5, batch_size=2, iterations=3)
        >>> history = History.collect(train(config))
        >>> history.column("step").tolist(), len(history.moments)
        ([0.0, 1.0, 2.0], 3)
        """
        columns: tuple[str, ...] = COLUMNS
        rows: list[tuple[float, ...]] = []
        moments: list[Moment] = []
        for step in steps:
            columns = step.columns if not rows else columns
            rows.append(step.row)
            if step.moment:
                moments.append(step.moment)
        numbers = np.array(rows, float).reshape(len(rows), len(columns))
        return cls(columns, frozen(numbers), tuple(moments))

    def column(self, name: str) -> Float[Array, " N"]:
        """One number of every step; NaN where it was not taken.

        Raises
        ------
        ValueError
            If there is no such column.
        """
        if name not in self.columns:
            raise ValueError(f"unknown column {name!r}; choose from {list(self.columns)}")
        numbers: Array = self.rows[:, self.columns.index(name)]
        return numbers

    @property
    def clipped_share(self) -> float:
        """Share of the steps whose gradient was shortened; NaN of no steps."""
        if not len(self.rows):
            return math.nan
        return float(np.mean(self.column("clipped_norm") < self.column("grad_norm")))

    def until(self, step: int) -> "History":
        """What there was before this step: its first ``step`` rows, and what belongs to them."""
        return replace(
            self,
            rows=frozen(self.rows[self.column("step") < step]),
            moments=tuple(moment for moment in self.moments if moment.step < step),
            changes=tuple(change for change in self.changes if change.step < step),
        )

    def to_frame(self) -> "pd.DataFrame":
        """One row a step; a number that was not taken is NaN."""
        import pandas as pd  # a worker that trains needs no table

        return pd.DataFrame(self.rows, columns=list(self.columns)).astype({"step": int})
