"""Characters: whether a network can predict the next character of a text."""

from abc import abstractmethod
from functools import cached_property
from importlib.resources import files

import numpy as np

from rnnviz.arrays import Array, Float, Int, frozen
from rnnviz.tasks.base import Batch, Task

HELD_OUT = 0.1


class Text(Task):
    """Predict each next character of a text, from windows drawn at random.

    The last tenth of the text is held out; a window lies in one part as a whole.
    """

    classes = True
    real = True
    name: str
    """What the errors call it."""

    @property
    @abstractmethod
    def text(self) -> str:
        """All of it."""

    @cached_property
    def alphabet(self) -> str:
        """Every character that occurs, in the order of the inputs and the classes."""
        return "".join(sorted(set(self.text)))

    @cached_property
    def codes(self) -> Int[Array, " N"]:
        """Each character's place in the alphabet."""
        place = {character: number for number, character in enumerate(self.alphabet)}
        return frozen(np.array([place[character] for character in self.text]))

    @property
    def input_size(self) -> int:  # type: ignore[override]
        """One input a character."""
        return len(self.alphabet)

    @property
    def output_size(self) -> int:  # type: ignore[override]
        """One class a character."""
        return len(self.alphabet)

    @cached_property
    def split(self) -> int:
        """How many characters come before the held-out part."""
        return round(len(self.codes) * (1 - HELD_OUT))

    def max_steps(self) -> int:
        """The longest window that the held-out part holds."""
        return len(self.codes) - self.split - 1

    def sample(
        self,
        rng: np.random.Generator,
        steps: int,
        batch_size: int,
        lag: int,
        *,
        held_out: bool = False,
    ) -> Batch:
        """B windows, one-hot, with the next character as the label of every step."""
        if not 1 <= steps <= self.max_steps():
            raise ValueError(
                f"steps must be in [1, {self.max_steps()}] for {self.name}, got {steps}"
            )
        low, high = (self.split, len(self.codes)) if held_out else (0, self.split)
        first = rng.integers(low, high - steps, batch_size)
        window = self.codes[first + np.arange(steps + 1)[:, None]]
        x = np.eye(self.input_size)[window[:-1]]
        return Batch(x, window[1:], np.ones((steps, batch_size), bool))

    def baseline(self, steps: int, lag: int, loss_at: str) -> float:
        """The mean surprise of the next character given this one, counted on the training part."""
        pairs = self._pairs
        row = pairs.sum(axis=1, keepdims=True)
        with np.errstate(all="ignore"):
            nats = np.where(pairs > 0, -np.log(pairs / row), 0)
        return float((pairs * nats).sum() / pairs.sum())

    def chance(self, steps: int, lag: int, loss_at: str) -> float | None:
        """For the character that most often follows this one, counted on the training part."""
        return float(self._pairs.max(axis=1).sum() / self._pairs.sum())

    @cached_property
    def _pairs(self) -> Float[Array, "I O"]:
        """How often each character is followed by each in the training part."""
        pairs = np.zeros((self.input_size, self.input_size))
        np.add.at(pairs, (self.codes[: self.split - 1], self.codes[1 : self.split]), 1)
        return frozen(pairs)


class Characters(Text):
    """The first eleven chapters of Genesis."""

    title = "Characters of a text"
    paper = (
        "Sutskever, Martens and Hinton (2011), Generating text with recurrent neural networks, "
        "ICML; text: Genesis 1-11, King James Version (1611)"
    )
    note = (
        "Reads Genesis 1-11 character by character, and predicts the next one; trained on the "
        "first nine tenths, validated on the last."
    )
    name = "characters"

    @cached_property
    def text(self) -> str:
        """All of it."""
        return (files("rnnviz") / "data" / "genesis.txt").read_text(encoding="utf-8")
