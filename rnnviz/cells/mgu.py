"""The minimal gated unit: one gate forgets and resets."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit

from rnnviz.arrays import Array, Float, Params
from rnnviz.cells.base import KEEPING, Adjoint, Cell, Highway, Tape
from rnnviz.products import Step, rows


@dataclass(frozen=True)
class MGU(Cell):
    """Gates f, n; n = tanh(a_n + W_hn (f h)); h_t = (1 - f) h_{t-1} + f n."""

    title = "MGU"
    paper = (
        "Zhou, Wu, Zhang and Zhou (2016), Minimal gated unit for recurrent neural networks, "
        "arXiv:1603.09420"
    )
    gate_names = ("f", "n")
    keeps = ("f", -1)
    settings = KEEPING

    def tape(self, steps: int, batch_size: int, dtype: np.dtype[Any]) -> Tape:
        """Empty buffers; the pre-activations become the gates where they lie."""
        a = np.empty((steps, batch_size, 2 * self.hidden_size), dtype)
        gates = dict(zip(self.gate_names, np.split(a, 2, axis=-1), strict=True))
        return Tape(a, self.empty_states(steps, batch_size, dtype), gates)

    def forward(self, params: Params, tape: Tape) -> Step:
        """f = sigma(a_f + W_hf h);  n = tanh(a_n + W_hn (f h));  h_t = (1 - f) h + f n."""
        W_f, W_n = np.split(params["W_hh"], 2)
        h, f, n = tape.h, tape.gates["f"], tape.gates["n"]

        def step(t: int) -> None:
            f[t] += h[t] @ W_f.T
            expit(f[t], f[t])
            n[t] += (f[t] * h[t]) @ W_n.T
            np.tanh(n[t], n[t])
            h[t + 1] = (1 - f[t]) * h[t] + f[t] * n[t]

        return step

    def backward(self, params: Params, tape: Tape, adjoint: Adjoint) -> Step:
        """dn from dh; d(f h) from dn; df from both; h hears past f, through f h and through f."""
        W_f, W_n = np.split(params["W_hh"], 2)
        f, n = tape.gates["f"], tape.gates["n"]

        def step(t: int) -> None:
            h, dh, dh_before = tape.h[t], adjoint.dh[t + 1], adjoint.dh[t]
            da_f, da_n = np.split(adjoint.da[t], 2, axis=-1)
            da_n[...] = dh * f[t] * (1 - n[t] ** 2)
            through_reset = da_n @ W_n
            da_f[...] = (dh * (n[t] - h) + through_reset * h) * f[t] * (1 - f[t])
            dh_before += dh * (1 - f[t]) + through_reset * f[t] + da_f @ W_f

        return step

    def grads(
        self,
        params: Params,
        tape: Tape,
        da: Float[Array, "N B GH"],
        x: Float[Array, "N B I"],
        steps: slice,
    ) -> Params:
        """As for other cells, but the n rows of W_hh hear f h."""
        grads = super().grads(params, tape, da, x, steps)
        H, reset = self.hidden_size, tape.gates["f"][steps] * tape.h[steps]
        grads["W_hh"][H:] = rows(da[:, :, H:]).T @ rows(reset)
        return grads

    def highway(self, params: Params, tape: Tape) -> Highway:
        """The hidden state times what the gate leaves of it, 1 - f."""
        return Highway("h", 1 - tape.gates["f"])
