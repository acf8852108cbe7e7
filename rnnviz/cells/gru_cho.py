"""The gated recurrent unit as it was first written: the reset gate acts before the product."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit

from rnnviz.arrays import Array, Float, Params
from rnnviz.cells.base import KEEPING, Adjoint, Cell, Highway, Tape
from rnnviz.products import Step, rows


@dataclass(frozen=True)
class ChoGRU(Cell):
    """Gates r, z, n; n = tanh(a_n + W_hn (r h)); h_t = (1 - z) n + z h_{t-1}: equations 5 to 8."""

    title = "GRU (Cho)"
    paper = (
        "Cho et al. (2014), Learning phrase representations using RNN encoder-decoder, EMNLP, "
        "equations 5 to 8"
    )
    gate_names = ("r", "z", "n")
    keeps = ("z", 1)
    settings = KEEPING

    def tape(self, steps: int, batch_size: int, dtype: np.dtype[Any]) -> Tape:
        """Empty buffers; the pre-activations become the gates where they lie."""
        a = np.empty((steps, batch_size, 3 * self.hidden_size), dtype)
        gates = dict(zip(self.gate_names, np.split(a, 3, axis=-1), strict=True))
        return Tape(a, self.empty_states(steps, batch_size, dtype), gates)

    def forward(self, params: Params, tape: Tape) -> Step:
        """r, z = sigma(a + W_h h);  n = tanh(a_n + W_hn (r h));  h_t = (1 - z) n + z h."""
        W_rz, W_n = self._by_what_they_hear(params["W_hh"])
        h, sigmoids = tape.h, tape.a[:, :, : 2 * self.hidden_size]
        r, z, n = (tape.gates[name] for name in self.gate_names)

        def step(t: int) -> None:
            sigmoids[t] += h[t] @ W_rz.T
            expit(sigmoids[t], sigmoids[t])
            n[t] += (r[t] * h[t]) @ W_n.T
            np.tanh(n[t], n[t])
            h[t + 1] = (1 - z[t]) * n[t] + z[t] * h[t]

        return step

    def backward(self, params: Params, tape: Tape, adjoint: Adjoint) -> Step:
        """dz, dn from dh; d(r h) from dn, and dr from that; h hears all four ways."""
        W_rz, W_n = self._by_what_they_hear(params["W_hh"])
        r, z, n = (tape.gates[name] for name in self.gate_names)

        def step(t: int) -> None:
            h, dh, dh_before = tape.h[t], adjoint.dh[t + 1], adjoint.dh[t]
            da_r, da_z, da_n = np.split(adjoint.da[t], 3, axis=-1)
            da_n[...] = dh * (1 - z[t]) * (1 - n[t] ** 2)
            da_z[...] = dh * (h - n[t]) * z[t] * (1 - z[t])
            through_reset = da_n @ W_n
            da_r[...] = through_reset * h * r[t] * (1 - r[t])
            da_rz = adjoint.da[t][..., : 2 * self.hidden_size]
            dh_before += dh * z[t] + through_reset * r[t] + da_rz @ W_rz

        return step

    def grads(
        self,
        params: Params,
        tape: Tape,
        da: Float[Array, "N B GH"],
        x: Float[Array, "N B I"],
        steps: slice,
    ) -> Params:
        """As for other cells, but the n rows of W_hh hear r h."""
        grads = super().grads(params, tape, da, x, steps)
        reset = tape.gates["r"][steps] * tape.h[steps]
        _, W_n = self._by_what_they_hear(grads["W_hh"])
        W_n[:] = rows(da[:, :, 2 * self.hidden_size :]).T @ rows(reset)
        return grads

    def highway(self, params: Params, tape: Tape) -> Highway:
        """The hidden state times the update gate."""
        return Highway("h", tape.gates["z"])

    def _by_what_they_hear(self, W_hh: Float[Array, "GH H"]) -> tuple[Array, Array]:
        """The rows of r and z, which hear h, and those of n, which hear r h."""
        return W_hh[: 2 * self.hidden_size], W_hh[2 * self.hidden_size :]
