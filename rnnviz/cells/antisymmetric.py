"""The antisymmetric cell: one Euler step of an equation that neither grows nor forgets."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from rnnviz.arrays import Array, Float, Params
from rnnviz.cells.base import Adjoint, Cell, Highway, Tape, Units
from rnnviz.products import Step


@dataclass(frozen=True)
class Antisymmetric(Cell):
    """h_t = h_{t-1} + eps tanh(A h_{t-1} + W_ih x_t + b), with A = W_hh - W_hh^T - gamma I.

    Of W_hh only the antisymmetric part acts, so its diagonal does nothing and has no gradient.
    """

    step_size: float = 0.1
    """eps, of the Euler step."""
    diffusion: float = 0.01
    """gamma: makes up for the growth of each Euler step."""

    title = "Antisymmetric RNN"
    paper = (
        "Chang, Chen, Haber and Chi (2019), AntisymmetricRNN: a dynamical system view on "
        "recurrent neural networks, ICLR"
    )
    settings = ("step_size", "diffusion")

    def tape(self, steps: int, batch_size: int, dtype: np.dtype[Any]) -> Tape:
        """Empty buffers; each pre-activation becomes its tanh where it lies."""
        a = np.empty((steps, batch_size, self.hidden_size), dtype)
        return Tape(a, self.empty_states(steps, batch_size, dtype))

    def forward(self, params: Params, tape: Tape) -> Step:
        """One product, one tanh, one step along it."""
        A_T, h = self._acting(params).T, tape.h

        def step(t: int) -> None:
            a_t = tape.a[t]
            a_t += h[t] @ A_T
            np.tanh(a_t, a_t)
            h[t + 1] = h[t] + self.step_size * a_t

        return step

    def backward(self, params: Params, tape: Tape, adjoint: Adjoint) -> Step:
        """da_t = eps dh_t (1 - tanh(a_t)^2);  dh_{t-1} += dh_t + da_t A."""
        A, squashed = self._acting(params), tape.a

        def step(t: int) -> None:
            dh_t, before = adjoint.dh[t + 1], adjoint.dh[t]
            da_t = adjoint.da[t]
            da_t[...] = self.step_size * dh_t * (1 - squashed[t] ** 2)
            before += dh_t + da_t @ A

        return step

    def grads(
        self,
        params: Params,
        tape: Tape,
        da: Float[Array, "N B GH"],
        x: Float[Array, "N B I"],
        steps: slice,
    ) -> Params:
        """As for other cells, but W_hh acts twice, once with the other sign: G - G^T."""
        found = super().grads(params, tape, da, x, steps)
        G = found["W_hh"]
        return found | {"W_hh": G - G.T}

    @property
    def recurrent_name(self) -> str:
        """What ``recurrent`` is, in short."""
        return "I + ε(W_hh − W_hhᵀ − γI)"

    def recurrent(self, params: Params) -> Float[Array, "H H"]:
        """I + eps A."""
        A = self._acting(params)
        return np.eye(len(A), dtype=A.dtype) + self.step_size * A

    def units(self, tape: Tape) -> Units:
        """The tanh, not yet added to the state."""
        return Units(tape.a, self.step_size * (1 - tape.a**2), (-1.0, 1.0))

    def highway(self, params: Params, tape: Tape) -> Highway:
        """The hidden state, whole."""
        return Highway("h", np.ones_like(tape.a))

    def _acting(self, params: Params) -> Float[Array, "H H"]:
        W = params["W_hh"]
        return W - W.T - self.diffusion * np.eye(len(W), dtype=W.dtype)
