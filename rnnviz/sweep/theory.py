"""The lines that theory draws over the knobs of a sweep."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from rnnviz.arrays import Array, Float, frozen
from rnnviz.config import SweepConfig, TrainConfig
from rnnviz.config.sweep import Knob, Value
from rnnviz.fields import options
from rnnviz.sweep.laws import FORGET, LAWS, Law, effective_gain

_DENSE: Final = 81
"""Points of a line over a setting that can have any value in between."""
_HALF: Final = 0.4
"""How far a piece of line goes to both sides of a name, as a share of their distance."""


@dataclass(frozen=True, eq=False)
class TheoryLine:
    """A line that theory draws over a sweep.

    Over two knobs it is a place: ``x`` and ``y`` are positions of the first and of the second.
    Over one it is a prediction: ``x`` is a position, ``y`` the factor per step. Names are
    numbered from 0, as ``Axis.positions`` does; NaN parts the pieces of a line.
    """

    name: str
    label: str
    """What stands at the line."""
    sentence: str
    source: str
    x: Float[Array, " N"]
    y: Float[Array, " N"]
    warnings: tuple[str, ...] = ()
    """Where the theory is known to be off, in sentences; none where it is not."""


@lru_cache(maxsize=64)  # a figure asks for them once for each of its words
def theory_of(config: SweepConfig, third: int = 0) -> tuple[TheoryLine, ...]:
    """The lines for a sweep's first two knobs, or its only one; none where none is known.

    Examples
    --------
    >>> base = TrainConfig(cell="linear", init="orthogonal")
    >>> (line,) = theory_of(SweepConfig(base=base, knobs=[Knob.of("gain", [0.5, 2])]))
    >>> line.name, line.y.min().item(), line.y.max().item()
    ('spectral radius', 0.5, 2.0)
    """
    for knob in config.knobs[2:]:
        base = config.base.replace(**{knob.name: knob.values[third]})
        config = config.model_copy(update={"base": base})
    over = _prediction if len(config.knobs) == 1 else _place
    lines = (over(law, config) for law in LAWS)
    return tuple(line for line in lines if line is not None and np.isfinite(line.y).any())


def _prediction(law: Law, config: SweepConfig) -> TheoryLine | None:
    """The factor that a law predicts over the only knob."""
    knob = config.knobs[0]
    x, values = _along(knob)
    runs = [_run(config, law, {knob.name: value}) for value in values]
    y = np.array([np.nan if run is None else law.factor(run) for run in runs])
    label = "σ(b)" if law is FORGET else "theory"
    return _line(law, label, (x, y), runs)


def _place(law: Law, config: SweepConfig) -> TheoryLine | None:
    """Where a law has the critical step, over the first two knobs."""
    names = [knob.name for knob in config.knobs[:2]]
    name = next((name for name in law.critical if name in names), None)
    if name is None:
        return None
    k = names.index(name)
    knob, other = config.knobs[k], config.knobs[1 - k]
    if side_by_side(knob):
        return None
    across, values = _along(other)
    runs = [_run(config, law, {name: knob.values[0], other.name: value}) for value in values]
    at = np.array([np.nan if run is None else law.critical[name](run) for run in runs])
    runs = [run and run.replace(gain=g) for run, g in _turned(runs, at)] if name == "gain" else runs
    if side_by_side(other):
        across = (across[:, None] + [-_HALF, _HALF, np.nan]).ravel()
        at = at.repeat(3)
    known = next((run for run in runs if run is not None), config.base)
    return _line(law, law.place(known), (at, across) if k == 0 else (across, at), runs)


def _turned(
    runs: list[TrainConfig | None], gains: Float[Array, " N"]
) -> Iterator[tuple[TrainConfig | None, float]]:
    """The runs, with the gains that they are critical at where a config may have them."""
    for run, gain in zip(runs, gains, strict=True):
        yield (run, float(gain)) if 0 <= gain <= 10 else (None, 0.0)


def _line(
    law: Law, label: str, place: tuple[Array, Array], runs: list[TrainConfig | None]
) -> TheoryLine | None:
    known = [run for run in runs if run is not None]
    if not known:
        return None
    gains = np.array([effective_gain(run) for run in known]) if law is not FORGET else np.empty(0)
    warnings = law.warnings(known[0], gains)
    x, y = (frozen(along) for along in place)
    return TheoryLine(law.name, label, law.sentence, law.source, x, y, warnings)


def _run(config: SweepConfig, law: Law, changes: dict[str, Value]) -> TrainConfig | None:
    """The base with some settings changed, if it can be run and the law speaks of it."""
    try:
        run = config.base.replace(**changes, seed=config.seeds[0])
        return run if law.speaks_of(run) and law.factor(run) >= 0 else None
    except ValueError:
        return None


def _along(knob: Knob) -> tuple[Float[Array, " N"], list[Value]]:
    """Positions along a knob, and the setting's value at each: more than its own where it can."""
    if side_by_side(knob):
        return np.arange(len(knob.values), dtype=float), [*knob.values]
    values = np.array([float(value) for value in knob.values])
    if TrainConfig.model_fields[knob.name].annotation is int:
        return values, [*knob.values]
    between = np.geomspace if knob.scale == "log" else np.linspace
    dense = np.unique([*values, *between(values[0], values[-1], _DENSE).clip(*values[[0, -1]])])
    return dense, [float(value) for value in dense]


def side_by_side(knob: Knob) -> bool:
    """Whether the values have no place of their own on an axis: names, and numbers in disorder."""
    if options(TrainConfig.model_fields[knob.name]):
        return True
    values = np.array([float(value) for value in knob.values])
    return bool((np.diff(values) <= 0).any())
