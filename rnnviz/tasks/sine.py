"""Sine: whether a network can find a frequency and follow it."""

import math

import numpy as np

from rnnviz.tasks.base import Batch, Task

LOWEST, HIGHEST = math.tau / 20, math.tau / 4
"""Radians per step: a period of 20 steps, and one of 4."""


class Sine(Task):
    """Predict the next sample of a sine, x_t = sin(w t + p).

    Each sequence has its own w from U(tau / 20, tau / 4), so a period of 4 to 20 steps, and its
    own p from U(0, tau). Two samples and w settle the next one, by Yule's
    x_{t+1} = 2 cos(w) x_t - x_{t-1}; w itself has to be found from the samples before.
    """

    title = "Sine"
    paper = (
        "Yule (1927), On a method of investigating periodicities in disturbed series, with special "
        "reference to Wolfer's sunspot numbers, Philosophical Transactions of the Royal Society A "
        "226, 267-298"
    )
    note = (
        "Reads a sine of random phase and of a random period between 4 and 20 steps, and predicts "
        "its next sample."
    )
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
        """B fresh sines, each with its own frequency and phase."""
        w = rng.uniform(LOWEST, HIGHEST, batch_size)
        p = rng.uniform(0, math.tau, batch_size)
        wave = np.sin(w * np.arange(steps + 1)[:, None] + p)[..., None]
        return Batch(wave[:-1], wave[1:], np.ones((steps, batch_size), bool))

    def baseline(self, steps: int, lag: int, loss_at: str) -> float:
        """(1 - E[cos w]^2) / 2, for answering x_t E[cos w], the best that x_t alone allows.

        The phase is uniform, so x_t says nothing about w, and nothing about whether the wave
        rises or falls: E[x_{t+1} | x_t] = x_t E[cos w].
        """
        mean_cosine = (math.sin(HIGHEST) - math.sin(LOWEST)) / (HIGHEST - LOWEST)
        return (1 - mean_cosine**2) / 2
