"""The gated recurrent unit with layer normalisation of its inputs and its recurrence."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit

from rnnviz.arrays import Array, Float, Params
from rnnviz.cells.base import KEEPING, Adjoint, Cell, Highway, Tape
from rnnviz.cells.layer_norm import before_norm, normalised
from rnnviz.products import Step, rows


@dataclass(frozen=True)
class GRUNorm(Cell):
    """Gates r, z of LN(W_ih x_t; g_ih, b_ih) + LN(W_hh h_{t-1}; g_hh, b_hh), over their 2H rows.

    n = tanh(LN(W_in x_t; g_in, b_in) + r LN(W_hn h_{t-1}; g_hn, b_hn)), over its H rows;
    h_t = (1 - z) n + z h_{t-1}; LN(z; g, b) = g n + b for n the normalised z. The gains ``g_ih``
    and ``g_hh`` (3H,) are the paper's alpha: 2 and 1 in the rows of r and z, 3 and 4 in those of
    n; b_ih and b_hh are its beta. The paper's z is our 1 - z, and its U our W_hn.
    """

    title = "GRU, layer norm"
    paper = (
        "Ba, Kiros and Hinton (2016), Layer normalization, arXiv:1607.06450, section 3.1 and "
        "supplementary material"
    )
    scale_free = True
    gate_names = ("r", "z", "n")
    keeps = ("z", 1)
    settings = KEEPING
    one_bias = False  # b_hn is inside the reset gate's product, and b_in is not

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """As for other cells, and the gains."""
        return {**super().shapes, **dict.fromkeys(("g_ih", "g_hh"), (3 * self.hidden_size,))}

    def own(self, rng: np.random.Generator) -> Params:
        """Gains start at 1."""
        return {name: np.ones(3 * self.hidden_size) for name in ("g_ih", "g_hh")}

    def tape(self, steps: int, batch_size: int, dtype: np.dtype[Any]) -> Tape:
        """Empty buffers; ``a`` becomes the gates, ``heard`` is W_hh h."""
        H = self.hidden_size
        a = np.empty((steps, batch_size, 3 * H), dtype)
        gates = {name: a[:, :, n * H : (n + 1) * H] for n, name in enumerate(self.gate_names)}
        return Tape(a, self.empty_states(steps, batch_size, dtype), gates, {"heard": a.copy()})

    def project(self, params: Params, x: Float[Array, "N B I"], a: Float[Array, "N B GH"]) -> None:
        """LN(W_ih x_t; g_ih, b_ih)."""
        a[:] = params["g_ih"] * _normalised(x @ params["W_ih"].T) + params["b_ih"]

    def forward(self, params: Params, tape: Tape) -> Step:
        """The gates r and z, the candidate n, and the state between it and the last."""
        H, h, heard = self.hidden_size, tape.h, tape.kept["heard"]

        def step(t: int) -> None:
            heard[t] = h[t] @ params["W_hh"].T
            from_h = _from_h(params, heard[t])
            r, z, n = (tape.gates[name][t] for name in self.gate_names)
            r_and_z = tape.a[t, :, : 2 * H]
            r_and_z += from_h[:, : 2 * H]
            expit(r_and_z, r_and_z)
            n += r * from_h[:, 2 * H :]
            np.tanh(n, n)
            h[t + 1] = (1 - z) * n + z * h[t]

        return step

    def backward(self, params: Params, tape: Tape, adjoint: Adjoint) -> Step:
        """As for a GRU; what W_hh hears back, dr, dz and r dn, comes through its norm."""
        H, h, dh = self.hidden_size, tape.h, adjoint.dh

        def step(t: int) -> None:
            r, z, n = (tape.gates[name][t] for name in self.gate_names)
            heard, d = tape.kept["heard"][t], dh[t + 1]
            from_h_n = _from_h(params, heard)[:, 2 * H :]
            by_n = d * (1 - z) * (1 - n**2)
            by_r = by_n * from_h_n * r * (1 - r)
            by_z = d * (h[t] - n) * z * (1 - z)
            np.concatenate([by_r, by_z, by_n], axis=-1, out=adjoint.da[t])
            by_from_h = np.concatenate([by_r, by_z, by_n * r], axis=-1)
            dh[t][...] += d * z + _before_norm(params["g_hh"] * by_from_h, heard) @ params["W_hh"]

        return step

    def grads(
        self,
        params: Params,
        tape: Tape,
        da: Float[Array, "N B GH"],
        x: Float[Array, "N B I"],
        steps: slice,
    ) -> Params:
        """Each matrix hears the gates through its norm, W_hh the n gate through r as well."""
        heard, seen = tape.kept["heard"][steps], x @ params["W_ih"].T
        by_from_h = da.copy()
        by_from_h[:, :, 2 * self.hidden_size :] *= tape.gates["r"][steps]
        by_heard = _before_norm(params["g_hh"] * by_from_h, heard)
        return {
            "W_ih": rows(_before_norm(params["g_ih"] * da, seen)).T @ rows(x),
            "W_hh": rows(by_heard).T @ rows(tape.h[steps]),
            "b_ih": rows(da).sum(axis=0),
            "b_hh": rows(by_from_h).sum(axis=0),
            "g_ih": rows(da * _normalised(seen)).sum(axis=0),
            "g_hh": rows(by_from_h * _normalised(heard)).sum(axis=0),
        }

    def to_input(
        self, params: Params, da: Float[Array, "T B GH"], x: Float[Array, "T B I"]
    ) -> tuple[Float[Array, "T B R"], Float[Array, "R I"]]:
        """The gates' derivatives, back through the norm of W_ih x."""
        W_ih = params["W_ih"]
        return _before_norm(params["g_ih"] * da, x @ W_ih.T), W_ih

    def highway(self, params: Params, tape: Tape) -> Highway:
        """The hidden state times the update gate."""
        return Highway("h", tape.gates["z"])


def _from_h(params: Params, heard: Array) -> Array:
    """LN(W_hh h; g_hh, b_hh)."""
    return params["g_hh"] * _normalised(heard) + params["b_hh"]


def _normalised(z: Array) -> Array:
    """The rows of r and z normalised together, those of n by themselves."""
    end = 2 * z.shape[-1] // 3
    return np.concatenate([normalised(z[..., :end]), normalised(z[..., end:])], axis=-1)


def _before_norm(d: Array, z: Array) -> Array:
    end = 2 * z.shape[-1] // 3
    parts = before_norm(d[..., :end], z[..., :end]), before_norm(d[..., end:], z[..., end:])
    return np.concatenate(parts, axis=-1)
