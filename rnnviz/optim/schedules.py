"""The learning rate of every step."""

from collections.abc import Callable
from math import cos, pi
from typing import Protocol, runtime_checkable


@runtime_checkable
class Scheduled(Protocol):
    """What a schedule reads of a config."""

    @property
    def learning_rate(self) -> float:
        """The rate that a schedule starts from."""

    @property
    def schedule(self) -> str:
        """A name in ``SCHEDULES``."""

    @property
    def warmup(self) -> int:
        """Steps over which the rate rises to ``learning_rate``."""

    @property
    def decay_every(self) -> int:
        """Steps from one drop to the next."""

    @property
    def decay_factor(self) -> float:
        """What each drop multiplies the rate by."""

    @property
    def iterations(self) -> int:
        """All steps, those of the warm-up among them."""


def rate(config: Scheduled, number: int) -> float:
    """The learning rate of step ``number``, which is counted from 0.

    Over a warm-up of W steps it rises in a line, from 1 / (W + 1) of ``learning_rate``, and the
    schedule begins at step W with all of it. As ``torch.optim.lr_scheduler``: ``LinearLR`` of
    start_factor 1 / (W + 1) and total_iters W, then ``StepLR`` of decay_every and decay_factor or
    ``CosineAnnealingLR`` with T_max all steps after the warm-up. Cosine: Loshchilov and Hutter
    (2017), SGDR: stochastic gradient descent with warm restarts, ICLR, arXiv:1608.03983,
    equation 5, without a restart.

    Examples
    --------
    >>> import rnnviz as rv
    >>> config = rv.TrainConfig(learning_rate=0.1, schedule="cosine", warmup=3, iterations=13)
    >>> [round(rate(config, number), 4) for number in (0, 1, 2, 3, 8, 12)]
    [0.025, 0.05, 0.075, 0.1, 0.05, 0.0024]
    """
    if number < config.warmup:
        return config.learning_rate * (number + 1) / (config.warmup + 1)
    return config.learning_rate * SCHEDULES[config.schedule](config, number - config.warmup)


def _constant(config: Scheduled, number: int) -> float:  # noqa: ARG001
    return 1.0


def _step(config: Scheduled, number: int) -> float:
    """Multiplied by decay_factor after every decay_every steps."""
    factor: float = config.decay_factor ** (number // config.decay_every)
    return factor


def _cosine(config: Scheduled, number: int) -> float:
    """Half a cosine: 1 at the first step, 0 at the one after the last."""
    return (1 + cos(pi * number / max(1, config.iterations - config.warmup))) / 2


SCHEDULES: dict[str, Callable[[Scheduled, int], float]] = {
    "constant": _constant,
    "step": _step,
    "cosine": _cosine,
}
"""The share of the learning rate, by the steps since the warm-up."""
