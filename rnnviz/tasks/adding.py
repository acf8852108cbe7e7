"""Adding: whether a network can carry two numbers to the end of a sequence."""

from rnnviz.arrays import Array
from rnnviz.tasks.marked import CLOSE, Marked


class Adding(Marked):
    """Answer, at the last step, the sum of the two values that were marked."""

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

    @staticmethod
    def answer(first: Array, second: Array) -> Array:
        """The sum."""
        return first + second

    def baseline(self, steps: int, lag: int, loss_at: str) -> float:
        """1/6, the published line: the variance of a sum of two U(0, 1), for always answering 1.

        At T = 1 the sum is twice one value, and its variance 1/3.
        """
        return 1 / 3 if steps == 1 else 1 / 6

    def chance(self, steps: int, lag: int, loss_at: str) -> float | None:
        """How often the sum is near enough to 1."""
        return CLOSE if steps == 1 else 1 - (1 - CLOSE) ** 2
