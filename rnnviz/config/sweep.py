"""What decides the numbers of a sweep: a base, the knobs that are turned, and what is measured."""

import math
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from rnnviz.arrays import Array
from rnnviz.config.train import TrainConfig
from rnnviz.fields import Real, bounds, options, short

MEASURES = {
    "factor": "Factor per step",
    "half_life": "Half-life, steps",
    "reach": "Reach, steps",
    "exponent": "Largest Lyapunov exponent",
    "loss": "Loss before training",
    "trained_loss": "Held-out loss after training",
    "success": "Success rate",
}
"""What can be measured at a point, and what a page calls it."""
TRAINED = ("trained_loss", "success")
"""Measures that the network is trained for."""
MOST_KNOBS = 3
MOST_RUNS = 200_000
MOST_VALUES = 1_000
"""Values of one knob that is given as a range."""

Value = float | int | str


class Knob(BaseModel):
    """A setting and the values it takes, in order.

    Raises
    ------
    ValueError
        If the setting is unknown or the seed, or a value is not allowed or comes twice.

    Examples
    --------
    >>> Knob.linear("gain", 0.5, 1.5, 3).values
    (0.5, 1.0, 1.5)
    >>> Knob.log("steps", 10, 1000, 3).values
    (10, 100, 1000)
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    values: tuple[Value, ...]
    scale: Literal["linear", "log", "list"] = "list"

    @classmethod
    def linear(cls, name: str, low: Real, high: Real, count: int) -> "Knob":
        """Equally spaced values; whole numbers where the setting is one."""
        return cls(name=name, values=_spaced(name, np.linspace(low, high, count)), scale="linear")

    @classmethod
    def log(cls, name: str, low: Real, high: Real, count: int) -> "Knob":
        """Values with equal ratios; whole numbers where the setting is one."""
        if low <= 0 or high <= 0:
            raise ValueError(f"a log range of {name} must be above 0, got {low:g} to {high:g}")
        return cls(name=name, values=_spaced(name, np.geomspace(low, high, count)), scale="log")

    @classmethod
    def of(cls, name: str, values: Sequence[Value]) -> "Knob":
        """The values as they are listed."""
        return cls(name=name, values=tuple(values))

    @classmethod
    def parse(cls, text: str) -> "Knob":
        """A knob as a command or a link spells it.

        ``gain=0.5:2:20`` is 20 values in a line, ``steps=log:10:1000:5`` has equal ratios, and
        ``cell=tanh,lstm`` is a list.

        Examples
        --------
        >>> Knob.parse("gain=0.5:1.5:3").values, Knob.parse("cell=tanh,lstm").values
        ((0.5, 1.0, 1.5), ('tanh', 'lstm'))
        """
        name, sign, values = (part.strip() for part in text.partition("="))
        if not sign or not values:
            raise ValueError(f"a knob must be NAME=VALUES, got {short(text)}")
        scale, _, span = values.rpartition(":") if "," in values else ("", "", values)
        if "," in values:
            listed = [value_of(name, part.strip()) for part in span.split(",")]
            return cls(name=name, values=tuple(listed), scale=scale or "list")
        span = values.removeprefix("log:")
        if span.count(":") == 2:
            low, high, count = (_number(part) for part in span.split(":"))
            if not 1 <= count <= MOST_VALUES or count != int(count):
                raise ValueError(
                    f"a knob must have 1 to {MOST_VALUES:,} values, got {span.split(':')[2]}"
                )
            return (cls.linear if span == values else cls.log)(name, low, high, int(count))
        return cls.of(name, [value_of(name, values)])

    @property
    def text(self) -> str:
        """How ``parse`` reads it."""
        first, last = self.values[0], self.values[-1]
        listed = ",".join(str(value) for value in self.values)
        if self.scale == "list":
            return f"{self.name}={listed}"
        prefix = "log:" if self.scale == "log" else ""
        spaced = f"{self.name}={prefix}{first}:{last}:{len(self.values)}"
        # Whole numbers that fell together leave a row that is not evenly spaced.
        return spaced if Knob.parse(spaced) == self else f"{self.name}={self.scale}:{listed}"

    @property
    def title(self) -> str:
        """What a page calls the setting."""
        return TrainConfig.model_fields[self.name].title or self.name

    @property
    def labels(self) -> tuple[str, ...]:
        """What a page calls each value."""
        titles = options(TrainConfig.model_fields[self.name])
        return tuple(titles[str(v)] if titles else f"{v:,.6g}" for v in self.values)

    def __init__(self, **settings: Any) -> None:
        try:
            super().__init__(**settings)
        except ValidationError as error:
            raise ValueError(_first(error)) from None

    @model_validator(mode="after")
    def _allowed(self) -> "Knob":
        known = sorted(set(TrainConfig.model_fields) - {"seed", "time_limit"})
        if self.name not in known:
            raise ValueError(f"a knob must be one of {known}, got {self.name!r}")
        if not self.values:
            raise ValueError(f"the knob {self.name} must have at least 1 value, got 0")
        if len(set(self.values)) < len(self.values):
            raise ValueError(f"the values of {self.name} must differ, got {short(self.values)}")
        for value in self.values:
            TrainConfig(**{self.name: value})
        return self


class SweepConfig(BaseModel):
    """A grid of runs: every value of every knob with every seed, from one base.

    The base's time limit does not count: with one, the numbers would be those of the machine.

    Examples
    --------
    >>> sweep = SweepConfig(knobs=[Knob.linear("gain", 0.5, 1.5, 3)], seeds=[0, 1])
    >>> sweep.runs, next(sweep.points)
    (6, ((0.5,), 0))
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    base: TrainConfig = TrainConfig()
    knobs: tuple[Knob, ...]
    seeds: tuple[int, ...] = (0, 1, 2)
    measures: tuple[str, ...] = ("factor",)
    solved: float = 0.1
    """A run succeeds where its held-out loss fell below this share of the task's baseline."""

    def __init__(self, **settings: Any) -> None:
        try:
            super().__init__(**settings)
        except ValidationError as error:
            raise ValueError(_first(error)) from None

    @model_validator(mode="after")
    def _allowed(self) -> "SweepConfig":
        names = [knob.name for knob in self.knobs]
        low, high = bounds(TrainConfig.model_fields["seed"])
        if not 1 <= len(names) <= MOST_KNOBS:
            raise ValueError(f"a sweep must have 1 to {MOST_KNOBS} knobs, got {len(names)}")
        if len(set(names)) < len(names):
            raise ValueError(f"the knobs must differ, got {names}")
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"the seeds must differ and be at least 1, got {short(self.seeds)}")
        if not all(low <= seed <= high for seed in self.seeds):
            raise ValueError(f"seeds must be in [{low}, {high}], got {short(self.seeds)}")
        if self.runs > MOST_RUNS:
            raise ValueError(f"a sweep must have at most {MOST_RUNS:,} runs, got {self.runs:,}")
        return self

    @model_validator(mode="after")
    def _measurable(self) -> "SweepConfig":
        if not self.measures or not set(self.measures) <= set(MEASURES):
            raise ValueError(f"measures must be of {list(MEASURES)}, got {short(self.measures)}")
        if len(set(self.measures)) < len(self.measures):
            raise ValueError(f"the measures must differ, got {short(self.measures)}")
        if not 0 < self.solved <= 1:
            raise ValueError(f"solved must be in (0, 1], got {self.solved:g}")
        return self

    @property
    def runs(self) -> int:
        """How many points, each with its seed."""
        return int(np.prod([len(knob.values) for knob in self.knobs])) * len(self.seeds)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the table."""
        return (*(knob.name for knob in self.knobs), "seed", *self.measures, "error")

    @property
    def points(self) -> Iterator[tuple[tuple[Value, ...], int]]:
        """Every point: the knobs' values, the last fastest, and then its seeds."""
        for values in product(*(knob.values for knob in self.knobs)):
            for seed in self.seeds:
                yield values, seed

    def at(self, values: Sequence[Value], seed: int) -> TrainConfig:
        """The run at a point.

        Raises
        ------
        ValueError
            If the settings are not allowed.
        """
        turned = {knob.name: value for knob, value in zip(self.knobs, values, strict=True)}
        return self.base.replace(**turned, seed=seed, time_limit=0.0)


def value_of(name: str, text: str) -> Value:
    """A setting's value from how it is spelled: a number, or the name of a choice."""
    field = TrainConfig.model_fields.get(name)
    if field is None or options(field):
        return text
    value = _number(text)
    return int(value) if field.annotation is int and value == int(value) else value


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"a finite number was asked for, got {short(text)}")
    return value


def _spaced(name: str, values: Array) -> tuple[Value, ...]:
    field = TrainConfig.model_fields.get(name)
    if field is None or options(field):
        raise ValueError(f"a range takes a setting that is a number, got {name!r}")
    if field.annotation is int:
        return tuple(dict.fromkeys(int(v) for v in np.rint(values)))
    return tuple(float(f"{v:.12g}") for v in values)


def _first(error: ValidationError) -> str:
    """The first fault, in one sentence."""
    fault = error.errors()[0]
    if fault["type"] == "value_error":
        return str(fault["ctx"]["error"])
    where = ".".join(str(part) for part in fault["loc"])
    return f"{where}: {fault['msg'].lower()}, got {short(fault['input'])}"
