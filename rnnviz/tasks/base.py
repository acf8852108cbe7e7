"""What every task offers: sequences to read, what to answer, and what guessing would score."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from rnnviz.arrays import Array, Bool, Float, Int, Params
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
    close: float | None = None
    """How near an answer must be to count as right, where answers are numbers that may be so."""
    lengths: Int[Array, " B"] | None = None
    """How many steps each sequence has; T where left out. Behind its end nothing is scored."""

    def loss(self, at: str) -> MSE | CrossEntropy:
        """The loss at the last step, at every step, or where the task asks."""
        mask = self.mask(at)
        if np.issubdtype(self.target.dtype, np.integer):
            return CrossEntropy(self.target, mask)
        return MSE(self.target, mask)

    def mask(self, at: str) -> Bool[Array, "T B"] | None:
        """Where the loss applies; everywhere if None."""
        steps, batch_size = self.asked.shape
        last = last_step(steps, batch_size, self.lengths)
        return {"last": last, "all": self.scored, "task": self.asked}[at]

    def accuracy(self, y: Float[Array, "T B O"], at: str) -> float | None:
        """The share of right answers where the loss applies; None where there is no such thing."""
        if np.issubdtype(self.target.dtype, np.integer):
            right = y.argmax(axis=2) == self.target
        elif self.close is not None:
            right = (np.abs(y - self.target) < self.close).all(axis=2)
        else:
            return None
        mask = self.mask(at)
        return float(right.mean() if mask is None else right[mask].mean())


class Task(ABC):
    """A task: how to draw sequences, and the loss of a network that ignores the past."""

    title: str
    paper: str
    note: str
    """One sentence for the page: what is read, and what is asked."""
    input_size: int
    output_size: int
    uses_lag: ClassVar[bool] = False
    continues: ClassVar[bool] = False
    """Whether a longer draw begins with what a shorter one of the same seed is."""
    classes: bool = False
    """True if the answers are labels, scored by cross-entropy over ``output_size`` classes."""
    real: ClassVar[bool] = False
    """True for recorded data, whose held-out part validates."""
    network: ClassVar[Mapping[str, Any]] = MappingProxyType({})
    """The settings of the one network that the task is about; none where any may try."""

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

    def optimum(self, steps: int, lag: int, loss_at: str) -> float | None:
        """The mean loss of the best answer that can be given, where it is known."""
        return None

    def chance(self, steps: int, lag: int, loss_at: str) -> float | None:
        """The share of right answers without the past, where it is exactly known.

        That of the answer which ``baseline`` is the loss of, or of the label it holds likeliest;
        of labels that are all alike to it, one at random.
        """
        return None

    def max_steps(self) -> int | None:
        """The longest sequence that the data allow, or None where any length can be made."""
        return None

    def weights(self) -> Params:
        """The untrained weights that the task prescribes, by their full names: all, or none."""
        return {}

    def allowed(self, params: Params, still: Params | None = None) -> Params:
        """The nearest parameters that the task lets training reach: any, where it prescribes none.

        Parameters
        ----------
        params : where training would go, by full names
        still : where it comes from; 0 if left out, and then a gradient becomes what may move of it
        """
        return params


def last_step(
    steps: int, batch_size: int, lengths: Int[Array, " B"] | None = None
) -> Bool[Array, "T B"]:
    """True on the last step of every sequence."""
    mask = np.zeros((steps, batch_size), bool)
    mask[-1 if lengths is None else lengths - 1, np.arange(batch_size)] = True
    return mask


def padded(batches: Sequence[Batch], steps: int) -> Batch:
    """Sequences of their own lengths as one batch: zeros behind the end, where nothing is scored.

    Parameters
    ----------
    batches : one sequence each
    steps : the length of the whole, T
    """

    def together(arrays: list[Array]) -> Array:
        whole = np.zeros((steps, len(arrays), *arrays[0].shape[2:]), arrays[0].dtype)
        for n, array in enumerate(arrays):
            whole[: len(array), n] = array[:, 0]
        return whole

    scored = [np.ones_like(b.asked) if b.scored is None else b.scored for b in batches]
    return Batch(
        together([b.x for b in batches]),
        together([b.target for b in batches]),
        together([b.asked for b in batches]),
        together(scored),
        batches[0].close,
        np.array([len(b.x) for b in batches]),
    )
