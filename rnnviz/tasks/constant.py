"""One constant: where a network without input settles."""

import numpy as np

from rnnviz.tasks.base import Batch, Task

TARGET = 0.7


class Constant(Task):
    """Be at 0.7 after T steps of no input at all: x_t = 0.

    The loss that Pascanu, Mikolov and Bengio (2013) draw over a unit's weight and bias, where it
    has a cliff: there a small change of the weights changes what the network settles at.
    """

    title = "One constant"
    paper = (
        "Pascanu, Mikolov and Bengio (2013), On the difficulty of training recurrent neural "
        "networks, ICML, equation 8 and figure 6"
    )
    note = "Reads nothing but zeros, and has to be at 0.7 after the last step."
    continues = True
    input_size = 1
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
        """B equal sequences: nothing in them is random."""
        shape = (steps, batch_size, 1)
        asked = np.broadcast_to(np.arange(steps)[:, None] == steps - 1, shape[:2])
        return Batch(np.zeros(shape), np.full(shape, TARGET), asked)

    def baseline(self, steps: int, lag: int, loss_at: str) -> float:
        """0: an output bias of 0.7 answers it without any past."""
        return 0.0

    def optimum(self, steps: int, lag: int, loss_at: str) -> float | None:
        """0."""
        return 0.0
