"""Training: the loss and the gradient at each step, and the weights that come of it."""

import math
import time
from collections.abc import Callable, Iterator

import numpy as np

from rnnviz.advance import VALIDATE_EVERY, Course, advance
from rnnviz.arrays import frozen, keep_freed_memory
from rnnviz.build import check_prescribed
from rnnviz.cells import CELLS
from rnnviz.config import TrainConfig
from rnnviz.floss import floss_bytes, takes_floss
from rnnviz.history import Change, History, changes_between
from rnnviz.moments import Moment, MomentPlan, schedule_of
from rnnviz.omega import takes_omega
from rnnviz.optim import Optimizer
from rnnviz.run import MEMORY_LIMIT, check_memory, check_outputs, untrained
from rnnviz.tasks import TASKS
from rnnviz.train_step import COLUMNS, TrainStep, columns_of
from rnnviz.vectors import flat

__all__ = [
    "COLUMNS",
    "VALIDATE_EVERY",
    "Change",
    "History",
    "Moment",
    "MomentPlan",
    "TrainStep",
    "baseline",
    "chance",
    "changes_between",
    "columns_of",
    "schedule_of",
    "train",
]


def train(
    config: TrainConfig,
    after: TrainStep | Moment | None = None,
    memory_limit: int = MEMORY_LIMIT,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[TrainStep]:
    """The steps of training, each on a fresh batch; stop by taking no more of them.

    Ends after ``config.iterations`` steps; at the first step that reached a stop rule of the
    config, which has ``reached``; or at the first state, loss, gradient or weight that is not
    finite: that step has a ``fault``, and the weights from before it.

    Parameters
    ----------
    config : TrainConfig
    after : a step or a moment to go on from, with its weights and its number; the untrained
        network if left out. Training that goes on gives the same numbers as training that never
        stopped, and with a changed rate or clipping those that a change on the way gives.
    memory_limit : the most bytes that one step may take
    clock : seconds, which the time limit counts from the first step taken here

    Raises
    ------
    ValueError
        If a step would take too much memory, the task cannot be drawn at this length or lag, it
        prescribes another network, the cell or direction cannot be trained as asked, or ``after``
        has a fault or comes from another kind of optimiser.

    Examples
    --------
    >>> import rnnviz as rv
    >>> config = rv.TrainConfig(task="sine", hidden_size=8, steps=12, batch_size=4)
    >>> first = next(train(config))
    >>> first.loss == rv.run(config.run).loss
    True
    """
    check_memory(config, memory_limit)
    check_outputs(config)
    check_prescribed(config)
    _check_ways(config)
    _check_floss(config, memory_limit)
    course = Course(config)
    _ = course.held_out
    keep_freed_memory()
    start = _start(config, course.rule) if after is None else _from(after)
    _check_after(start, course.rule)
    return _steps(course, start, clock)


def baseline(config: TrainConfig) -> float:
    """The loss to beat: what the config's task scores when the past is ignored."""
    return TASKS[config.task].baseline(config.steps, config.lag, config.loss_at)


def chance(config: TrainConfig) -> float | None:
    """The share of right answers to beat, where it is known.

    Examples
    --------
    >>> chance(TrainConfig(task="copy", steps=30)), chance(TrainConfig(task="sine"))
    (0.125, None)
    """
    if config.shortest < 1 and config.loss_at != "last":
        return None  # each length has its own
    return TASKS[config.task].chance(config.steps, config.lag, config.loss_at)


def _start(config: TrainConfig, rule: Optimizer) -> TrainStep:
    network = untrained(config)
    memory = tuple(frozen(array) for array in rule.init(flat(network.params)))
    return TrainStep(-1, math.nan, None, 0.0, 0.0, network, memory, norms=np.zeros(0))


def _from(after: TrainStep | Moment) -> TrainStep:
    if isinstance(after, Moment):
        number, network, memory = after.step - 1, after.network, after.memory
        return TrainStep(number, math.nan, None, 0.0, 0.0, network, memory, norms=after.norms)
    return after


def _steps(course: Course, step: TrainStep, clock: Callable[[], float]) -> Iterator[TrainStep]:
    limit = course.config.time_limit
    end = clock() + limit if limit else math.inf
    for number in range(step.number + 1, course.config.iterations):
        step = advance(course, step, number, late=limit > 0 and clock() >= end)
        yield step
        if step.fault or step.reached:
            return


def _check_ways(config: TrainConfig) -> None:
    cell = CELLS[config.cell](2, 2)
    if config.omega and not takes_omega(cell):
        raise ValueError(f"omega must be 0 for the cell {cell.title}, got {config.omega:g}")
    if config.window and config.directions == "both":
        raise ValueError(
            f"window must be 0 for layers that read in reverse too, got {config.window}"
        )


def _check_floss(config: TrainConfig, memory_limit: int) -> None:
    cell = CELLS[config.cell](2, 2)
    if not config.floss:
        return
    if not takes_floss(cell):
        raise ValueError(f"floss must be 0 for the cell {cell.title}, got {config.floss:g}")
    sequences = min(config.floss_sequences, config.batch_size)
    needed = floss_bytes(untrained(config), config.steps, sequences, config.floss_exponents)
    if needed > memory_limit:
        raise ValueError(
            f"flossing must take at most {memory_limit / 2**20:,.0f} MB, got "
            f"{needed / 2**20:,.0f} MB for floss_exponents={config.floss_exponents}, "
            f"floss_sequences={sequences}, steps={config.steps}: lower one of them"
        )


def _check_after(after: TrainStep, rule: Optimizer) -> None:
    if after.fault:
        raise ValueError(f"training must go on from a step without a fault, got {after.fault!r}")
    asked, came = len(rule.init(np.zeros(0))), len(after.memory)
    if asked != came:
        raise ValueError(f"training with {rule.title} must go on from {asked} arrays, got {came}")
