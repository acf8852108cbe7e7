"""What a sweep's rows say, finished or not, as grids over its knobs."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Final, Literal

import numpy as np
import pandas as pd

from rnnviz.arrays import Array, Float
from rnnviz.config import SweepConfig, TrainConfig
from rnnviz.config.sweep import Knob, Value
from rnnviz.sweep.theory import TheoryLine, side_by_side, theory_of

NEVER: Final = ("half_life", "reach")
"""Measures that are NaN in a row where the gradient never falls that far; infinite in a grid."""
State = Literal["waiting", "failed", "nan", "zero", "infinite", "known"]
_WIDE: Final = 20.0
"""A list of numbers whose ends are this many times apart is laid out by ratios."""


@dataclass(frozen=True, eq=False)
class Axis:
    """Where a knob's values lie along an axis."""

    knob: Knob
    scale: Literal["linear", "log", "category"]

    @classmethod
    def of(cls, knob: Knob) -> "Axis":
        """The axis of a knob: names, and numbers out of order, stand side by side.

        Examples
        --------
        >>> Axis.of(Knob.of("steps", [10, 20, 400])).scale, Axis.of(Knob.of("steps", [2, 1])).scale
        ('log', 'category')
        """
        if side_by_side(knob):
            return cls(knob, "category")
        if knob.scale != "list":
            return cls(knob, knob.scale)
        low, high = (float(knob.values[n]) for n in (0, -1))
        return cls(knob, "log" if low > 0 and high >= _WIDE * low else "linear")

    @property
    def title(self) -> str:
        """What a page calls the knob."""
        return self.knob.title

    @property
    def labels(self) -> tuple[str, ...]:
        """What a page calls each value."""
        return self.knob.labels

    @property
    def positions(self) -> Float[Array, " N"]:
        """The values as numbers; names are numbered from 0."""
        if self.scale == "category":
            return np.arange(len(self.knob.values), dtype=float)
        return np.array([float(value) for value in self.knob.values])


@dataclass(frozen=True, eq=False)
class SweepTable:
    """A sweep's rows, of which some may be missing yet, by the indices of the knobs' values.

    Every grid has the shape (N1,), (N1, N2) or (N1, N2, N3): the number of each knob's values.

    Examples
    --------
    >>> from rnnviz import Knob, TrainConfig
    >>> from rnnviz.sweep.sweep import sweep
    >>> base = TrainConfig(cell="linear", init="orthogonal", hidden_size=4, steps=20)
    >>> config = SweepConfig(base=base, knobs=[Knob.linear("gain", 0.5, 1.5, 3)], seeds=[0, 1])
    >>> table = SweepTable(config, sweep(config))
    >>> table.grid("factor").round(9).tolist(), table.count, table.run_at(2, 1).gain
    ([0.5, 1.0, 1.5], 6, 1.5)
    """

    config: SweepConfig
    frame: pd.DataFrame

    @property
    def count(self) -> int:
        """Runs that are done."""
        return len(self.frame)

    @property
    def shape(self) -> tuple[int, ...]:
        """How many values each knob has."""
        return tuple(len(knob.values) for knob in self.config.knobs)

    @cached_property
    def done(self) -> Float[Array, "..."]:
        """How many of each cell's seeds are done."""
        return np.asarray(self._laid(np.ones(self.count), 0.0).sum(axis=-1))

    @cached_property
    def failed(self) -> Float[Array, "..."]:
        """How many of each cell's seeds have no numbers but a sentence on why."""
        failed = (self.frame["error"] != "").to_numpy(float)
        return np.asarray(self._laid(failed, 0.0).sum(axis=-1))

    @cached_property
    def errors(self) -> Array:
        """Each cell's first sentence on why a seed has no numbers; empty where all have."""
        errors = np.full(self.shape, "", dtype=object)
        for at, error in zip(self._cells, self.frame["error"], strict=True):
            errors[at[:-1]] = errors[at[:-1]] or error
        return errors

    def grid(self, measure: str) -> Float[Array, "..."]:
        """The median over the seeds that have numbers; of ``success`` the share that did.

        NaN where nothing is known yet, where all failed, and where it is what was measured:
        ``states`` tells them apart. A half-life or reach that a run never came to is infinite.

        Raises
        ------
        ValueError
            If the sweep does not measure it.
        """
        runs = self.runs(measure)
        known = (~np.isnan(runs)).sum(axis=-1)
        if measure == "success":
            total = np.nansum(runs, axis=-1)
            with np.errstate(invalid="ignore"):
                return np.asarray(total / known)
        ranked = np.sort(runs, axis=-1)
        low, high = (
            np.take_along_axis(ranked, n[..., None], -1)[..., 0]
            for n in (np.maximum(known - 1, 0) // 2, known // 2 % runs.shape[-1])
        )
        with np.errstate(invalid="ignore"):
            middle = (low + high) / 2
        return np.asarray(np.where((low == high) | (known % 2 == 1), low, middle))

    def low(self, measure: str) -> Float[Array, "..."]:
        """The smallest of the seeds; NaN where none has a number."""
        return np.asarray(np.fmin.reduce(self.runs(measure), axis=-1))

    def high(self, measure: str) -> Float[Array, "..."]:
        """The largest of the seeds; NaN where none has a number."""
        return np.asarray(np.fmax.reduce(self.runs(measure), axis=-1))

    def runs(self, measure: str) -> Float[Array, "..."]:
        """Every run's number, the seeds along a last axis; NaN where there is none."""
        if measure not in self.config.measures:
            allowed = list(self.config.measures)
            raise ValueError(f"measure must be one of {allowed}, got {measure!r}")
        values = self.frame[measure].to_numpy(float)
        if measure in NEVER:
            never = np.isnan(values) & (self.frame["error"] == "").to_numpy()
            values = np.where(never, np.inf, values)
        return self._laid(values, np.nan)

    def states(self, measure: str) -> Array:
        """What there is of each cell: "waiting", "failed", "nan", "zero", "infinite", "known".

        "waiting" where no seed is done, "failed" where all that are done have no numbers, and
        "zero" only of what is drawn on a log scale.
        """
        grid = self.grid(measure)
        found = np.full(self.shape, "known", dtype=object)
        if measure not in ("success", "exponent"):
            found[grid == 0] = "zero"
        found[np.isinf(grid)] = "infinite"
        found[np.isnan(grid)] = "nan"
        found[self.failed == self.done] = "failed"
        found[self.done == 0] = "waiting"
        return found

    def axis(self, k: int) -> Axis:
        """Where the values of knob ``k``, from 0, lie."""
        return Axis.of(self.config.knobs[k])

    def run_at(self, *place: int) -> TrainConfig:
        """The run of a cell: the index of each knob's value, and then the seed itself.

        Raises
        ------
        ValueError
            If the settings are not allowed together, or there is not an index for each knob.
        """
        if len(place) != len(self.shape) + 1:
            raise ValueError(
                f"run_at takes {len(self.shape)} indices and a seed, got {len(place)} numbers"
            )
        values = [k.values[n] for k, n in zip(self.config.knobs, place[:-1], strict=True)]
        return self.config.at(values, place[-1])

    def theory(self, third: int = 0) -> tuple[TheoryLine, ...]:
        """The lines that theory has for these knobs, over the first two; none where none is known.

        Of three knobs the last is at its value number ``third``, from 0.
        """
        return theory_of(self.config, third)

    def to_frame(self) -> pd.DataFrame:
        """One row a cell, as it is drawn.

        The knobs' values, the seeds that are done and failed, and of each measure the median,
        the smallest and the largest.
        """
        names = [knob.name for knob in self.config.knobs]
        cells = [*product(*(knob.values for knob in self.config.knobs))]
        columns = {name: [cell[k] for cell in cells] for k, name in enumerate(names)}
        drawn: dict[str, Array] = {"done": self.done.ravel(), "failed": self.failed.ravel()}
        for name in self.config.measures:
            drawn[name] = self.grid(name).ravel()
            drawn[f"{name}_low"] = self.low(name).ravel()
            drawn[f"{name}_high"] = self.high(name).ravel()
        return pd.DataFrame({**columns, **drawn, "error": self.errors.ravel()})

    def prediction(self, *rest: int) -> tuple[TheoryLine, ...]:
        """The factor that theory predicts over the first knob; ``rest`` are the others' indices."""
        first, *others = self.config.knobs
        turned = {k.name: k.values[n] for k, n in zip(others, rest, strict=True)}
        base = self.config.base.replace(**turned)
        return theory_of(self.config.model_copy(update={"base": base, "knobs": (first,)}))

    def half_life_is_T(self) -> Float[Array, "..."]:  # noqa: N802
        """The factor per step, at each cell, that halves the gradient in its T steps: 0.5^(1/T)."""
        names = [knob.name for knob in self.config.knobs]
        if "steps" not in names:
            return np.full(self.shape, 0.5 ** (1 / self.config.base.steps))
        k = names.index("steps")
        steps = np.array(self.config.knobs[k].values, float)
        along = [1] * len(self.shape)
        along[k] = -1
        return np.asarray(np.broadcast_to(0.5 ** (1 / steps.reshape(along)), self.shape))

    @cached_property
    def _cells(self) -> list[tuple[int, ...]]:
        """The indices of each row's values and of its seed."""
        names = [*(knob.name for knob in self.config.knobs), "seed"]
        columns: list[Sequence[Value]] = [knob.values for knob in self.config.knobs]
        places = [{v: n for n, v in enumerate(own)} for own in (*columns, self.config.seeds)]
        rows = zip(*(self.frame[name] for name in names), strict=True)
        return [tuple(p[v] for p, v in zip(places, row, strict=True)) for row in rows]

    def _laid(self, values: Float[Array, " R"], missing: float) -> Float[Array, "..."]:
        laid = np.full((*self.shape, len(self.config.seeds)), missing)
        for at, value in zip(self._cells, values, strict=True):
            laid[at] = value
        return laid
