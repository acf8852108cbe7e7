"""What adding and multiplication share: two marked values, and an answer at the end."""

from abc import abstractmethod

import numpy as np

from rnnviz.arrays import Array
from rnnviz.tasks.base import Batch, Task, last_step

CLOSE = 0.04
"""An answer this near counts as right: Hochreiter and Schmidhuber (1997), section 5.4."""


class Marked(Task):
    """Answer, at the last step, for the two values that were marked.

    Each step shows a value from U(0, 1) and a marker, which is 1 on two steps: one drawn from
    the first T // 2 steps, the other from the rest. A sequence of one step has no first half,
    so both marks fall on that step and its value counts twice.
    """

    input_size = 2
    output_size = 1

    @staticmethod
    @abstractmethod
    def answer(first: Array, second: Array) -> Array:
        """What is asked for, of the two values."""

    def sample(
        self,
        rng: np.random.Generator,
        steps: int,
        batch_size: int,
        lag: int,
        *,
        held_out: bool = False,
    ) -> Batch:
        """B fresh sequences; the target is the answer at every step, asked at the last."""
        half, each = steps // 2, np.arange(batch_size)
        value = rng.random((steps, batch_size))
        first = rng.integers(0, max(half, 1), batch_size)
        second = rng.integers(half, steps, batch_size)
        marker = np.zeros((steps, batch_size))
        marker[first, each] = marker[second, each] = 1
        answer = self.answer(value[first, each], value[second, each])
        x = np.stack([value, marker], axis=-1)
        target = np.tile(answer[:, None], (steps, 1, 1))
        return Batch(x, target, last_step(steps, batch_size), close=CLOSE)

    def optimum(self, steps: int, lag: int, loss_at: str) -> float | None:
        """0 at the end, where all has been read; before it nobody can know."""
        return None if loss_at == "all" and steps > 1 else 0.0
