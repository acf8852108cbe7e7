"""Digits: whether a network can recognise a digit that it reads pixel by pixel."""

import gzip
from functools import cached_property
from importlib.resources import files

import numpy as np

from rnnviz.arrays import Array, Float, Int, frozen
from rnnviz.tasks.base import Batch, Task, last_step

PIXELS, LEVELS, DIGITS = 64, 16, 10
TRAINING = 1_437
"""Digits that are trained on, in the file's order; the other fifth is held out."""


class Digits(Task):
    """Read the 64 pixels of an 8 x 8 digit row by row, and say at the last step which it is.

    Fewer steps read the first pixels only.
    """

    title = "Digits, pixel by pixel"
    paper = (
        "Le, Jaitly and Hinton (2015), A simple way to initialize recurrent networks of rectified "
        "linear units, arXiv:1504.00941, section 4.2, there on larger digits; data: Alpaydin and "
        "Kaynak (1998), Optical recognition of handwritten digits, UCI"
    )
    note = (
        "Reads a handwritten digit of 8 x 8 pixels, a pixel a step, and says at the last step "
        "which it is; trained on 1,437 digits, validated on the 360 others."
    )
    continues = True
    input_size = 1
    output_size = DIGITS
    classes = True
    real = True

    @cached_property
    def pixels(self) -> Float[Array, "N P"]:
        """Every digit's pixels, from 0 to 1."""
        return frozen(self._table[:, :-1] / LEVELS)

    @cached_property
    def labels(self) -> Int[Array, " N"]:
        """Which digit each is."""
        return frozen(self._table[:, -1].astype(int))

    @cached_property
    def _table(self) -> Array:
        packed = (files("rnnviz") / "data" / "digits.csv.gz").read_bytes()
        return np.array([r.split(",") for r in gzip.decompress(packed).decode().split()], float)

    def max_steps(self) -> int:
        """As many as there are pixels."""
        return PIXELS

    def sample(
        self,
        rng: np.random.Generator,
        steps: int,
        batch_size: int,
        lag: int,
        *,
        held_out: bool = False,
    ) -> Batch:
        """B digits; the label stands at every step and is asked at the last."""
        if not 1 <= steps <= PIXELS:
            raise ValueError(f"steps must be in [1, {PIXELS}] for digits, got {steps}")
        low, high = (TRAINING, len(self.labels)) if held_out else (0, TRAINING)
        drawn = rng.integers(low, high, batch_size)
        x = np.ascontiguousarray(self.pixels[drawn, :steps].T)[..., None]
        labels = np.tile(self.labels[drawn], (steps, 1))
        return Batch(x, labels, last_step(steps, batch_size))

    def baseline(self, steps: int, lag: int, loss_at: str) -> float:
        """How uncertain the digit is by the shares of the training part alone, about ln 10."""
        shares = np.bincount(self.labels[:TRAINING]) / TRAINING
        return float(-np.sum(shares * np.log(shares)))

    def chance(self, steps: int, lag: int, loss_at: str) -> float | None:
        """1/10, for any of them."""
        return 1 / DIGITS
