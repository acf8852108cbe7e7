"""Influence balancing: one number that helps in the short run and harms in the long run."""

from types import MappingProxyType

import numpy as np

from rnnviz.arrays import Params
from rnnviz.tasks.base import Batch, Task

UNITS, POSITIVE = 23, 10
START = 0.5
"""The number that moves, before training; trained to the end it is -1/6."""
TARGET = 1.0
SIGNS = np.where(np.arange(UNITS) < POSITIVE, 1.0, -1.0)
"""What the number is multiplied by in each unit's bias."""


class Influence(Task):
    """Bring the first of 23 linear units to 1 by one number θ: s_t = A s_{t-1} + θ (1, .., -1, ..).

    A has 1/2 on its diagonal and just above it, so a unit hears of the k-th one behind it after
    about 2k steps. The 10 units nearest to the first add θ and the 13 behind them take it away: it
    settles at (20 - 26) θ, yet of the last 40 steps alone more θ is the more of it.
    """

    title = "Influence balancing"
    paper = (
        "Tallec and Ollivier (2018), Unbiased online recurrent optimization, ICLR, "
        "arXiv:1702.05043; here from the state 0, with the loss at the last step"
    )
    note = (
        "Reads nothing but zeros, and has to be at 1 after the last step. The network is given, "
        "and one number moves, which does at once the opposite of what it does in the end."
    )
    continues = True
    input_size = 1
    output_size = 1
    network = MappingProxyType(
        {
            "cell": "linear",
            "layers": 1,
            "hidden_size": UNITS,
            "directions": "forward",
            "readout": "linear",
        }
    )

    def weights(self) -> Params:
        """The chain of units, each reading the next, and the first of them read out."""
        half = np.full(UNITS, 0.5)
        return {
            "l0.W_ih": np.zeros((UNITS, 1)),
            "l0.W_hh": np.diag(half) + np.diag(half[1:], 1),
            "l0.b_ih": START * SIGNS,
            "l0.b_hh": np.zeros(UNITS),
            "readout.W_hy": np.eye(1, UNITS),
            "readout.b_y": np.zeros(1),
        }

    def allowed(self, params: Params, still: Params | None = None) -> Params:
        """θ times the signs, the nearest to these biases; nothing else moves."""
        b_ih = params["l0.b_ih"]
        signs = SIGNS.astype(b_ih.dtype)
        still = still or {name: np.zeros_like(W) for name, W in params.items()}
        return still | {"l0.b_ih": signs * (signs @ b_ih / UNITS)}

    def sample(
        self,
        rng: np.random.Generator,
        steps: int,
        batch_size: int,
        lag: int,
        *,
        held_out: bool = False,
    ) -> Batch:
        """B equal sequences: nothing in them is random."""
        shape = (steps, batch_size, 1)
        asked = np.broadcast_to(np.arange(steps)[:, None] == steps - 1, shape[:2])
        return Batch(np.zeros(shape), np.full(shape, TARGET), asked)

    def baseline(self, steps: int, lag: int, loss_at: str) -> float:
        """1, what always answering 0 scores: θ = 0."""
        return TARGET**2
