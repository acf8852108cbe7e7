"""The leaky cell: a recurrent network in continuous time, taken in steps of alpha."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from rnnviz.arrays import Array, Float, Params
from rnnviz.cells.base import Adjoint, Cell, Highway, Tape, Units
from rnnviz.products import Step


@dataclass(frozen=True)
class Leaky(Cell):
    """h_t = (1 - alpha) h_{t-1} + alpha tanh(W_ih x_t + W_hh h_{t-1} + b).

    An Euler step of tau dh/dt = -h + tanh(...), with alpha the step's length over tau.
    """

    alpha: float = 0.5
    """What share of the state each step replaces: 1 is the tanh cell."""

    title = "Leaky tanh"
    paper = (
        "Jaeger, Lukosevicius, Popovici and Siewert (2007), Optimization and applications of echo "
        "state networks with leaky-integrator neurons, Neural Networks 20; with a gate for alpha: "
        "Tallec and Ollivier (2018), Can recurrent neural networks warp time?, ICLR"
    )
    settings = ("alpha",)

    def tape(self, steps: int, batch_size: int, dtype: np.dtype[Any]) -> Tape:
        """Empty buffers; each pre-activation becomes its tanh where it lies."""
        a = np.empty((steps, batch_size, self.hidden_size), dtype)
        return Tape(a, self.empty_states(steps, batch_size, dtype))

    def forward(self, params: Params, tape: Tape) -> Step:
        """One product, one tanh, and the mean of old and new."""
        W_T, h = params["W_hh"].T, tape.h

        def step(t: int) -> None:
            a_t = tape.a[t]
            a_t += h[t] @ W_T
            np.tanh(a_t, a_t)
            h[t + 1] = (1 - self.alpha) * h[t] + self.alpha * a_t

        return step

    def backward(self, params: Params, tape: Tape, adjoint: Adjoint) -> Step:
        """da_t = alpha dh_t (1 - tanh(a_t)^2);  dh_{t-1} += (1 - alpha) dh_t + da_t W_hh."""
        W, squashed = params["W_hh"], tape.a

        def step(t: int) -> None:
            dh_t, before = adjoint.dh[t + 1], adjoint.dh[t]
            da_t = adjoint.da[t]
            da_t[...] = self.alpha * dh_t * (1 - squashed[t] ** 2)
            before += (1 - self.alpha) * dh_t + da_t @ W

        return step

    @property
    def recurrent_name(self) -> str:
        """What ``recurrent`` is, in short."""
        return "(1 − α)I + αW_hh"

    def recurrent(self, params: Params) -> Float[Array, "H H"]:
        """(1 - alpha) I + alpha W_hh."""
        W = params["W_hh"]
        return (1 - self.alpha) * np.eye(len(W), dtype=W.dtype) + self.alpha * W

    def units(self, tape: Tape) -> Units:
        """The tanh, not yet mixed with the old state."""
        return Units(tape.a, self.alpha * (1 - tape.a**2), (-1.0, 1.0))

    def highway(self, params: Params, tape: Tape) -> Highway:
        """The hidden state times 1 - alpha."""
        return Highway("h", np.full_like(tape.a, 1 - self.alpha))
