"""How long a sweep will take, by rates that are measured: its chunks are cut by fixed ones."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from rnnviz.config import SweepConfig, TrainConfig
from rnnviz.cost import estimate, of_steps, of_training
from rnnviz.sweep.chunks import SHAPING, TOGETHER, cost_of
from rnnviz.sweep.measures import OF_A_FLOW, TRAINED
from rnnviz.tasks import TASKS

COSTING: Final = (
    *(*SHAPING, "steps", "init", "shortest", "detail"),
    *("omega", "floss", "floss_exponents", "floss_sequences"),
)
"""Settings that decide how long a run takes."""

ALONE, SHORTER = 1.6, 0.4
"""Passes of a run that cannot be made with others, and of one that begins a longer one."""
ASKED = 5e-4
"""Seconds that the verdict on a flow takes."""

Key = tuple[float | int | str, ...]


def expected_seconds(config: SweepConfig) -> float:
    """Seconds of one core that all runs will take."""
    numbers = [n for n, knob in enumerate(config.knobs) if knob.name in COSTING]
    counts: Counter[Key] = Counter()
    one_of: dict[Key, Key] = {}
    for values, _ in config.points:
        key = tuple(values[n] for n in numbers)
        counts[key] += 1
        one_of.setdefault(key, values)
    return sum(_of_points(config, one_of[key], count) for key, count in counts.items())


def _of_points(config: SweepConfig, values: Sequence[float | int | str], count: int) -> float:
    """Seconds that so many points of one size take."""
    try:
        run = config.at(values, config.seeds[0])
    except ValueError:  # it has no numbers
        return 0.0
    asked = set(config.measures)
    seconds = 2 * estimate(run).seconds if "exponent" in asked else 0.0
    seconds += of_training(run).seconds if asked & set(TRAINED) else 0.0
    if asked & set(OF_A_FLOW):
        seconds += _of_flow(config, run, count)
    return count * seconds


def _of_flow(config: SweepConfig, run: TrainConfig, count: int) -> float:
    """Seconds of a pass and of what it is asked, as many in one loop over time as can be."""
    once, shared = estimate(run).seconds, of_steps(run)
    if not shared:
        return ALONE * once
    if _begins_another(config, run):
        return ASKED + SHORTER * (once - shared)
    together = max(1, min(count, TOGETHER // max(1, cost_of(run, ()).width)))
    return ASKED + once - shared * (1 - 1 / together)


def _begins_another(config: SweepConfig, run: TrainConfig) -> bool:
    """Whether a longer sequence is run anyhow, which begins with this one."""
    lengths = [float(v) for knob in config.knobs if knob.name == "steps" for v in knob.values]
    return TASKS[run.task].continues and any(run.steps < length for length in lengths)
