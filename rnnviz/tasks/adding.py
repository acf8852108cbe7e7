"""Adding: whether a network can carry two numbers to the end of a sequence."""

import numpy as np

from rnnviz.tasks.base import Batch, Task, last_step


class Adding(Task):
    """Answer, at the last step, the sum of the two values that were marked.

    Each step shows a value from U(0, 1) and a marker, which is 1 on two steps: one drawn from
    the first T // 2 steps, the other from the rest. A sequence of one step has no first half,
    so both marks fall on that step and its value counts twice.
    """

    title = "Adding"
    paper = (
        "Hochreiter and Schmidhuber (1997), Long short-term memory, Neural Computation 9(8), "
        "1735-1780; in the form of Le, Jaitly and Hinton (2015), A simple way to initialize "
        "recurrent networks of rectified linear units, arXiv:1504.00941, with one mark in each "
        "half as in Arjovsky, Shah and Bengio (2016), Unitary evolution recurrent neural "
        "networks, ICML, arXiv:1511.06464"
    )
    note = (
        "Reads a random value and a marker at each step, and answers at the last step the sum of "
        "the two marked values, one in each half."
    )
    input_size = 2
    output_size = 1

    def sample(
        self,
        rng: np.random.Generator,
        steps: int,
        batch_size: int,
        lag: int,
        *,
        held_out: bool = False,
    ) -> Batch:
        """B fresh sequences; the target is the sum at every step, asked at the last."""
        half, each = steps // 2, np.arange(batch_size)
        value = rng.random((steps, batch_size))
        first = rng.integers(0, max(half, 1), batch_size)
        second = rng.integers(half, steps, batch_size)
        marker = np.zeros((steps, batch_size))
        marker[first, each] = marker[second, each] = 1
        total = value[first, each] + value[second, each]
        x = np.stack([value, marker], axis=-1)
        return Batch(x, np.tile(total[:, None], (steps, 1, 1)), last_step(steps, batch_size))

    def baseline(self, steps: int, lag: int, loss_at: str) -> float:
        """1/6, the published line: the variance of a sum of two U(0, 1), for always answering 1.

        At T = 1 the sum is twice one value, and its variance 1/3.
        """
        return 1 / 3 if steps == 1 else 1 / 6
