"""Multiplication: whether a network can carry two numbers to the end and multiply them."""

import math

from rnnviz.arrays import Array
from rnnviz.tasks.marked import CLOSE, Marked


class Multiplication(Marked):
    """Answer, at the last step, the product of the two values that were marked."""

    title = "Multiplication"
    paper = (
        "Hochreiter and Schmidhuber (1997), Long short-term memory, Neural Computation 9(8), "
        "1735-1780, section 5.5; with marks as in the adding task here"
    )
    note = (
        "Reads a random value and a marker at each step, and answers at the last step the product "
        "of the two marked values, one in each half."
    )

    @staticmethod
    def answer(first: Array, second: Array) -> Array:
        """The product."""
        return first * second

    def baseline(self, steps: int, lag: int, loss_at: str) -> float:
        """7/144, the variance of a product of two U(0, 1), for always answering 1/4.

        At T = 1 it is one value's square, whose variance is 4/45 around 1/3.
        """
        return 4 / 45 if steps == 1 else 7 / 144

    def chance(self, steps: int, lag: int, loss_at: str) -> float | None:
        """How often the product is near enough to 1/4, and at T = 1 the square to 1/3."""
        mean = 1 / 3 if steps == 1 else 1 / 4
        least, most = (_share_below(p, steps) for p in (mean - CLOSE, mean + CLOSE))
        return most - least


def _share_below(product: float, steps: int) -> float:
    """P(U V < p) = p (1 - ln p), and P(U^2 < p) where both are the same value."""
    return math.sqrt(product) if steps == 1 else product * (1 - math.log(product))
