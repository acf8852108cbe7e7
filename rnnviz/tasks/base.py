"""What every task offers: sequences to read, what to answer, and what guessing would score."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from rnnviz.arrays import Array, Bool, Float
from rnnviz.losses import MSE, CrossEntropy

LOSS_AT = {
    "last": "Last step",
    "all": "Every step",
    "task": "Where the task asks",
}
"""Where the loss applies, by name."""


@dataclass(frozen=True, eq=False)
class Batch:
    """Sequences with their answers.

    ``target`` is (T, B, O) of floats for a squared error, or (T, B) of labels for a
    cross-entropy; ``asked`` is true where the task itself asks for an answer, and ``scored``
    where an answer may be scored at all: everywhere if left out. Only a held-out window that
    begins with context has steps which are not.
    """

    x: Float[Array, "T B I"]
    target: Array
    asked: Bool[Array, "T B"]
    scored: Bool[Array, "T B"] | None = None

    def loss(self, at: str) -> MSE | CrossEntropy:
        """The loss at the last step, at every step, or where the task asks."""
        mask = {"last": last_step(*self.asked.shape), "all": self.scored, "task": self.asked}[at]
        if np.issubdtype(self.target.dtype, np.integer):
            return CrossEntropy(self.target, mask)
        return MSE(self.target, mask)


class Task(ABC):
    """A task: how to draw sequences, and the loss of a network that ignores the past."""

    title: ClassVar[str]
    paper: ClassVar[str]
    note: ClassVar[str]
    """One sentence for the page: what is read, and what is asked."""
    input_size: ClassVar[int]
    output_size: ClassVar[int]
    uses_lag: ClassVar[bool] = False
    classes: ClassVar[bool] = False
    """True if the answers are labels, scored by cross-entropy over ``output_size`` classes."""
    real: ClassVar[bool] = False
    """True for recorded data, whose held-out part validates."""

    @abstractmethod
    def sample(
        self,
        rng: np.random.Generator,
        steps: int,
        batch_size: int,
        lag: int,
        *,
        held_out: bool = False,
    ) -> Batch:
        """B fresh sequences of T steps; ``held_out`` draws them from the validation part."""

    @abstractmethod
    def baseline(self, steps: int, lag: int, loss_at: str) -> float:
        """The mean loss of the answer named here, the one to beat: it uses no past input."""

    def max_steps(self) -> int | None:
        """The longest sequence that the data allow, or None where any length can be made."""
        return None


def last_step(steps: int, batch_size: int) -> Bool[Array, "T B"]:
    """True on the last step of every sequence."""
    mask = np.zeros((steps, batch_size), bool)
    mask[-1] = True
    return mask
