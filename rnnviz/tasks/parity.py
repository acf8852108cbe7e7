"""Parity: whether a network can keep one bit that every step may flip."""

import math

import numpy as np

from rnnviz.tasks.base import Batch, Task, last_step


class Parity(Task):
    """Answer whether the number of ones so far is odd, asked at the last step."""

    title = "Parity"
    paper = (
        "Bengio, Simard and Frasconi (1994), Learning long-term dependencies with gradient descent "
        "is difficult, IEEE Transactions on Neural Networks 5(2), 157-166"
    )
    note = "Reads a random bit at each step, and answers whether the ones so far are odd in number."
    continues = True
    input_size = 1
    output_size = 2
    classes = True

    def sample(
        self,
        rng: np.random.Generator,
        steps: int,
        batch_size: int,
        lag: int,
        *,
        held_out: bool = False,
    ) -> Batch:
        """B fresh sequences of bits; the label is the parity so far, asked at the last step."""
        bits = rng.integers(2, size=(steps, batch_size))
        labels = np.cumsum(bits, axis=0) % 2
        return Batch(bits[..., None].astype(float), labels, last_step(steps, batch_size))

    def baseline(self, steps: int, lag: int, loss_at: str) -> float:
        """ln 2: the present bit says nothing. The first step alone, whose bit is all, costs 0."""
        return _guessed(steps, loss_at) * math.log(2)

    def chance(self, steps: int, lag: int, loss_at: str) -> float | None:
        """1/2, but for the first step."""
        return 1 - _guessed(steps, loss_at) / 2

    def optimum(self, steps: int, lag: int, loss_at: str) -> float | None:
        """0: every bit has been read."""
        return 0.0


def _guessed(steps: int, loss_at: str) -> float:
    """On which share of the steps where the loss applies the answer is not in sight."""
    return (steps - 1) / steps if loss_at == "all" else float(steps > 1)
