"""Copy: whether a network can repeat symbols it saw long ago."""

import math

import numpy as np

from rnnviz.tasks.base import Batch, Task

SYMBOLS = 8
BLANK = SYMBOLS
DELIMITER = SYMBOLS + 1


class Copy(Task):
    """Read K symbols, wait, and repeat them in order once the delimiter has been shown.

    The T steps are K symbols, T - 2K - 1 blanks, the delimiter, and K blanks during which the
    symbols are asked for; until then the answer is blank. K is 10, as published, which makes
    the delay T - 20, and (T - 1) // 2 where T < 21 has no room for 10.
    """

    title = "Copy"
    paper = (
        "Hochreiter and Schmidhuber (1997), Long short-term memory, Neural Computation 9(8), "
        "1735-1780; in the form of Arjovsky, Shah and Bengio (2016), Unitary evolution recurrent "
        "neural networks, ICML, arXiv:1511.06464"
    )
    note = (
        "Reads ten symbols out of eight, then blanks, and at the delimiter, ten steps before the "
        "end, is asked to repeat them; fewer symbols where the sequence is shorter than 21 steps."
    )
    input_size = SYMBOLS + 2
    output_size = SYMBOLS + 1
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
        """B fresh sequences, one-hot, with a label at every step."""
        K = _symbols(steps)
        symbols = rng.integers(SYMBOLS, size=(K, batch_size))
        shown = np.full((steps, batch_size), BLANK)
        shown[:K] = symbols
        shown[steps - K - 1] = DELIMITER
        labels = np.full((steps, batch_size), BLANK)
        labels[steps - K :] = symbols
        return Batch(np.eye(self.input_size)[shown], labels, np.ones_like(labels, dtype=bool))

    def baseline(self, steps: int, lag: int, loss_at: str) -> float:
        """K ln 8 / T, the published line: blank until the delimiter, then one of 8 at random.

        It knows the step and none of the symbols. The last step alone costs ln 8.
        """
        return _guessed(steps, loss_at) * math.log(SYMBOLS)

    def chance(self, steps: int, lag: int, loss_at: str) -> float | None:
        """1/8 of the symbols, and all of the blanks."""
        guessed = _guessed(steps, loss_at)
        return 1 - guessed + guessed / SYMBOLS

    def optimum(self, steps: int, lag: int, loss_at: str) -> float | None:
        """0: every symbol was shown, and the step says the rest."""
        return 0.0


def _guessed(steps: int, loss_at: str) -> float:
    """On which share of the steps where the loss applies a symbol is asked for."""
    K = _symbols(steps)
    return float(min(K, 1)) if loss_at == "last" else K / steps


def _symbols(steps: int) -> int:
    return min(10, (steps - 1) // 2)
