"""Training: the loss and the gradient at each step, and the weights that come of it."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rnnviz.arrays import Array, Float, Params, frozen
from rnnviz.bptt import bptt, predict
from rnnviz.config import TrainConfig
from rnnviz.network import Network
from rnnviz.optim import OPTIMIZERS, Memory, Optimizer, clip
from rnnviz.record import Record
from rnnviz.run import MEMORY_LIMIT, check_memory, check_outputs, draw, untrained
from rnnviz.tasks import TASKS, Batch

if TYPE_CHECKING:
    import pandas as pd

VALIDATE_EVERY = 10
"""A forward pass costs a third of a training step, and a held-out loss moves slowly."""

COLUMNS = ("step", "loss", "validation_loss", "grad_norm", "clipped_norm")


@dataclass(frozen=True, slots=True, eq=False)
class TrainStep:
    """One step: what was measured before the weights moved, and the network after it."""

    number: int
    """Counted from 0: step n reads batch n, and step 0 is the untrained network's run."""
    loss: float
    validation_loss: float | None
    """On one held-out batch, every ``VALIDATE_EVERY`` steps and at the last; None between."""
    grad_norm: float
    clipped_norm: float
    """Euclidean norm of all gradients together, before and after clipping."""
    network: Network
    memory: Memory
    """What the optimiser keeps, so that training can go on from here."""
    fault: str | None = None
    """Why training ended here with the weights left as they were, in one sentence."""

    @property
    def row(self) -> tuple[float, ...]:
        """The numbers under ``COLUMNS``; NaN where there is no validation loss."""
        validation = math.nan if self.validation_loss is None else self.validation_loss
        return float(self.number), self.loss, validation, self.grad_norm, self.clipped_norm


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """Every step's numbers, a row each under ``COLUMNS``: 40 bytes a step, and no weights."""

    rows: Float[Array, "N 5"]

    @classmethod
    def collect(cls, steps: Iterable[TrainStep]) -> "History":
        """The numbers of all these steps, taken one step at a time.

        Examples
        --------
        >>> import rnnviz as rv
        >>> config = rv.TrainConfig(hidden_size=4, steps=5, batch_size=2, iterations=3)
        >>> History.collect(train(config)).to_frame()["step"].tolist()
        [0, 1, 2]
        """
        numbers = np.fromiter((step.row for step in steps), np.dtype((float, len(COLUMNS))))
        return cls(frozen(numbers))

    def to_frame(self) -> "pd.DataFrame":
        """One row a step; a validation loss that was not taken is NaN."""
        import pandas as pd  # a worker that trains needs none of its 0.5 s

        return pd.DataFrame(self.rows, columns=list(COLUMNS)).astype({"step": int})


def train(
    config: TrainConfig, after: TrainStep | None = None, memory_limit: int = MEMORY_LIMIT
) -> Iterator[TrainStep]:
    """The steps of training, each on a fresh batch; stop by taking no more of them.

    Ends after ``config.iterations`` steps, or at the first state, loss, gradient or weight that
    is not finite: that step has a ``fault``, and the weights from before it.

    Parameters
    ----------
    config : TrainConfig
    after : a step to go on from, with its weights and its number; the untrained network if left
        out. Training that goes on gives the same numbers as training that never stopped.
    memory_limit : the most bytes that one step may take

    Raises
    ------
    ValueError
        If a step would take too much memory, the task cannot be drawn at this length or lag, or
        ``after`` has a fault or comes from another kind of optimiser.

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
    rule = OPTIMIZERS[config.optimizer](config.learning_rate, config.momentum)
    held_out = draw(config, "validation")
    _keep_freed_memory()
    if after is not None:
        _check_after(after, rule)
        return _steps(config, rule, held_out, after)
    network = untrained(config)
    start = TrainStep(-1, math.nan, None, 0.0, 0.0, network, rule.init(_flat(network.params)))
    return _steps(config, rule, held_out, start)


def baseline(config: TrainConfig) -> float:
    """The loss to beat: what the config's task scores when the past is ignored."""
    return TASKS[config.task].baseline(config.steps, config.lag, config.loss_at)


def _steps(
    config: TrainConfig, rule: Optimizer, held_out: Batch, step: TrainStep
) -> Iterator[TrainStep]:
    for number in range(step.number + 1, config.iterations):
        step = _advance(config, rule, held_out, step, number)
        yield step
        if step.fault:
            return


def _advance(
    config: TrainConfig, rule: Optimizer, held_out: Batch, last: TrainStep, number: int
) -> TrainStep:
    network, at = last.network, config.loss_at
    batch = draw(config, "data", number)
    record = bptt(network, batch.x, batch.loss(at))
    due = number % VALIDATE_EVERY == 0 or number == config.iterations - 1
    validation_loss = _loss(network, held_out, at) if due else None
    with np.errstate(all="ignore"):
        g, grad_norm, clipped_norm = clip(_flat(record.grads), config.clip)
        theta, memory = rule.update(_flat(network.params), g, last.memory)
    for vector in (theta, *memory):
        frozen(vector)
    culprit = _not_finite(record, grad_norm, theta)
    numbers = number, record.loss, validation_loss, grad_norm, clipped_norm
    if culprit:
        fault = _fault(culprit, number, config.learning_rate, last.loss)
        return TrainStep(*numbers, network, last.memory, fault)
    return TrainStep(*numbers, network.with_params(_named(theta, network.params)), memory)


def _loss(network: Network, batch: Batch, at: str) -> float:
    with np.errstate(all="ignore"):
        loss_t, _ = batch.loss(at).value_and_grad(predict(network, batch.x))
        return float(loss_t.sum())


def _not_finite(record: Record, grad_norm: float, theta: Array) -> str:
    """What is not finite first, in the order of computing; nothing in nearly every step."""
    if math.isfinite(record.loss) and math.isfinite(grad_norm):
        return "" if np.isfinite(theta).all() else "the weights after it are"
    if not all(np.isfinite(layer.s).all() for layer in record.layers):
        return "the states are"
    return "the gradient is" if math.isfinite(record.loss) else "the loss is"


def _fault(culprit: str, number: int, learning_rate: float, last_loss: float) -> str:
    before = (
        f"the last finite loss was {last_loss:.3g}"
        if math.isfinite(last_loss)
        else "no loss before it was finite"
    )
    return (
        f"training diverged at step {number}: {culprit} the first thing that is not finite; "
        f"the learning rate is {learning_rate:g} and {before}"
    )


def _flat(params: Params) -> Float[Array, " N"]:
    return np.concatenate([W.ravel() for W in params.values()])


def _named(theta: Float[Array, " N"], like: Params) -> Params:
    parts = np.split(theta, np.cumsum([W.size for W in like.values()])[:-1])
    pairs = zip(like.items(), parts, strict=True)
    return {name: part.reshape(W.shape) for (name, W), part in pairs}


def _check_after(after: TrainStep, rule: Optimizer) -> None:
    if after.fault:
        raise ValueError(f"training must go on from a step without a fault, got {after.fault!r}")
    asked, came = len(rule.init(np.zeros(0))), len(after.memory)
    if asked != came:
        raise ValueError(f"training with {rule.title} must go on from {asked} arrays, got {came}")


def _keep_freed_memory() -> None:
    """Let a step use the memory of the step before.

    glibc hands freed blocks back to the system, and half of a step went into getting them again
    page by page. Freeing one untouched block of nearly 32 MB raises its limit for that, to the
    largest size it allows. Elsewhere this does nothing.
    """
    np.empty((32 << 20) - (1 << 14), np.uint8)
