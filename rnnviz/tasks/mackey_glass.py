"""Mackey-Glass: whether a network can predict a chaotic series that remembers 17 steps back."""

from functools import cached_property

import numpy as np

from rnnviz.arrays import Float, frozen
from rnnviz.tasks.series import Series

TAU, BETA, GAMMA, POWER = 17, 0.2, 0.1, 10
PARTS = 10
"""Steps of the integration in one unit of time."""
SETTLING, KEPT, TRAINING = 500, 4_000, 3_200
"""Units of time that are passed over, kept, and trained on."""


class MackeyGlass(Series):
    """Predict dx/dt = 0.2 x(t - 17) / (1 + x(t - 17)^10) - 0.1 x(t), one unit of time ahead.

    Integrated by the Runge-Kutta method of order four in steps of 0.1, from x = 1.2 throughout
    the first 17 units; between two steps the past lies on the line between them.
    """

    title = "Mackey-Glass"
    paper = (
        "Mackey and Glass (1977), Oscillation and chaos in physiological control systems, Science "
        "197(4300), 287-289; tau = 17 as in Jaeger (2001), The echo state approach to analysing "
        "and training recurrent neural networks, GMD Report 148"
    )
    note = (
        "Reads a chaotic series at each unit of time, standardised, and predicts its next value; "
        "trained on its first four fifths, validated on the rest."
    )
    name = "mackey_glass"
    held_out_from = ""
    real = False

    @cached_property
    def recorded(self) -> Float[np.ndarray, " N"]:
        """The series at each unit of time."""
        count = (SETTLING + KEPT) * PARTS
        x = [1.2] * (TAU * PARTS + 1)
        for n in range(count):
            x.append(_step(x[-1], x[n], x[n + 1]))
        return frozen(np.array(x[-KEPT * PARTS :: PARTS]))

    @property
    def split(self) -> int:
        """How many values come before the held-out part."""
        return TRAINING


def _step(x: float, past: float, past_next: float) -> float:
    """One step of the integration, given the past at both its ends."""
    size = 1 / PARTS
    fed = [
        BETA * delayed / (1 + delayed**POWER)
        for delayed in (past, (past + past_next) / 2, past_next)
    ]
    k1 = fed[0] - GAMMA * x
    k2 = fed[1] - GAMMA * (x + size / 2 * k1)
    k3 = fed[1] - GAMMA * (x + size / 2 * k2)
    k4 = fed[2] - GAMMA * (x + size * k3)
    return x + size / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
