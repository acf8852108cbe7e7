"""Temporal order: whether a network can tell in which order it saw a few rare symbols."""

import math
from typing import ClassVar

import numpy as np

from rnnviz.tasks.base import Batch, Task, last_step

SIGNALS, DISTRACTORS = 2, 4


class TemporalOrder(Task):
    """Answer, at the last step, which signals came, in their order.

    Each step shows one of four distractors, drawn alike, but for a few steps that show one of two
    signals. Where these lie is drawn from given parts of the sequence; in one of few steps, each
    lies behind the one before as far as there is room, and a later one hides an earlier.
    """

    input_size = SIGNALS + DISTRACTORS
    classes = True
    parts: ClassVar[tuple[tuple[float, float], ...]]
    """Of each signal, between which shares of the length it lies."""

    def sample(
        self,
        rng: np.random.Generator,
        steps: int,
        batch_size: int,
        lag: int,
        *,
        held_out: bool = False,
    ) -> Batch:
        """B fresh sequences, one-hot; the label stands at every step and is asked at the last."""
        each = np.arange(batch_size)
        shown = rng.integers(SIGNALS, self.input_size, (steps, batch_size))
        labels = np.zeros(batch_size, int)
        free = 0
        for low, high in self.parts:
            first = min(max(int(low * steps), free), steps - 1)
            last = min(max(int(high * steps), first + 1), steps)
            signal = rng.integers(SIGNALS, size=batch_size)
            shown[rng.integers(first, last, batch_size), each] = signal
            labels = SIGNALS * labels + signal
            free = last
        x = np.eye(self.input_size)[shown]
        return Batch(x, np.tile(labels, (steps, 1)), last_step(steps, batch_size))

    def baseline(self, steps: int, lag: int, loss_at: str) -> float:
        """The log of how many orders there are, for holding all of them alike."""
        return len(self.parts) * math.log(SIGNALS)

    def chance(self, steps: int, lag: int, loss_at: str) -> float | None:
        """One of as many orders as there are."""
        return 1 / self.output_size

    def optimum(self, steps: int, lag: int, loss_at: str) -> float | None:
        """0 at the end, unless there was no room for every signal."""
        return None if loss_at == "all" or steps < len(self.parts) else 0.0


class TwoSymbols(TemporalOrder):
    """Two signals: four orders."""

    title = "Temporal order, two symbols"
    paper = (
        "Hochreiter and Schmidhuber (1997), Long short-term memory, Neural Computation 9(8), "
        "1735-1780, section 5.6, task 6a, its places as shares of the length"
    )
    note = (
        "Reads distractors and, at two steps far apart, one of two signals each; answers at the "
        "last step which of the four orders it was."
    )
    output_size = SIGNALS**2
    parts = ((0.1, 0.2), (0.5, 0.6))


class ThreeSymbols(TemporalOrder):
    """Three signals: eight orders."""

    title = "Temporal order, three symbols"
    paper = (
        "Hochreiter and Schmidhuber (1997), Long short-term memory, Neural Computation 9(8), "
        "1735-1780, section 5.6, task 6b, its places as shares of the length"
    )
    note = (
        "Reads distractors and, at three steps far apart, one of two signals each; answers at the "
        "last step which of the eight orders it was."
    )
    output_size = SIGNALS**3
    parts = ((0.1, 0.2), (0.33, 0.43), (0.66, 0.76))
