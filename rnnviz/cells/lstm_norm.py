"""The LSTM with layer normalisation of its inputs, its recurrence and its cell state."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit

from rnnviz.arrays import Array, Float, Params
from rnnviz.cells.base import KEEPING, Adjoint, Cell, Highway, Tape
from rnnviz.cells.layer_norm import before_norm, normalised
from rnnviz.products import Step, rows


@dataclass(frozen=True)
class LSTMNorm(Cell):
    """Gates i, f, g, o of LN(W_hh h_{t-1}; g_hh, b_hh) + LN(W_ih x_t; g_ih, b_ih).

    c_t = f c_{t-1} + i g; h_t = o tanh(LN(c_t; g_c, b_c)), with LN(z; g, b) = g n + b for n the
    normalised z. The first two are taken over all 4H rows. ``g_hh``, ``g_ih`` (4H,) and ``g_c``
    (H,) are the paper's alpha 1, 2 and 3, ``b_hh``, ``b_ih`` and ``b_c`` its beta; its further
    bias b would only be added to b_hh and b_ih, and is left out. ``da`` has 5H columns: the four
    gates' arguments, then that of tanh(LN(c)).
    """

    title = "LSTM, layer norm"
    paper = (
        "Ba, Kiros and Hinton (2016), Layer normalization, arXiv:1607.06450, section 3.1 and "
        "supplementary material"
    )
    scale_free = True
    gate_names = ("i", "f", "g", "o")
    state_names = ("h", "c")
    keeps = ("f", 1)
    writes = "i"
    settings = KEEPING

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """As for other cells, and the gains, and the bias of the cell state."""
        H = self.hidden_size
        own = {"g_ih": (4 * H,), "g_hh": (4 * H,), "g_c": (H,), "b_c": (H,)}
        return {**super().shapes, **own}

    def own(self, rng: np.random.Generator) -> Params:
        """Gains start at 1, the bias of the cell state at 0."""
        starts = {"g_ih": 1.0, "g_hh": 1.0, "g_c": 1.0, "b_c": 0.0}
        return {name: np.full(self.shapes[name], start) for name, start in starts.items()}

    def tape(self, steps: int, batch_size: int, dtype: np.dtype[Any]) -> Tape:
        """Empty buffers; ``a`` becomes the gates and tanh(LN(c)), ``heard`` is W_hh h."""
        H = self.hidden_size
        a = np.empty((steps, batch_size, 5 * H), dtype)
        gates = {name: a[:, :, n * H : (n + 1) * H] for n, name in enumerate(self.gate_names)}
        kept = {"tanh_c": a[:, :, 4 * H :], "heard": np.empty_like(a[:, :, : 4 * H])}
        return Tape(a, self.empty_states(steps, batch_size, dtype), gates, kept)

    def project(self, params: Params, x: Float[Array, "N B I"], a: Float[Array, "N B GH"]) -> None:
        """LN(W_ih x_t) and both biases."""
        b = params["b_ih"] + params.get("b_hh", 0)
        a[..., : 4 * self.hidden_size] = params["g_ih"] * normalised(x @ params["W_ih"].T) + b

    def forward(self, params: Params, tape: Tape) -> Step:
        """The gates, the cell state, and what of its normalisation the output gate lets out."""
        H, h, c = self.hidden_size, tape.h, tape.states["c"]
        tanh_c, heard = tape.kept["tanh_c"], tape.kept["heard"]

        def step(t: int) -> None:
            heard[t] = h[t] @ params["W_hh"].T
            tape.a[t, :, : 4 * H] += params["g_hh"] * normalised(heard[t])
            i, f, g, o = (tape.gates[name][t] for name in self.gate_names)
            for gate in (i, f, o):
                expit(gate, gate)
            np.tanh(g, g)
            c[t + 1] = f * c[t] + i * g
            tanh_c[t] = np.tanh(params["g_c"] * normalised(c[t + 1]) + params["b_c"])
            h[t + 1] = o * tanh_c[t]

        return step

    def backward(self, params: Params, tape: Tape, adjoint: Adjoint) -> Step:
        """As for an LSTM, with dc from h and dh from the gates each back through its norm."""
        H, c = self.hidden_size, tape.states["c"]
        dh, dc, total = adjoint.dh, adjoint.states["c"], adjoint.total.get("c")

        def step(t: int) -> None:
            i, f, g, o = (tape.gates[name][t] for name in self.gate_names)
            tanh_c, d = tape.kept["tanh_c"][t], dh[t + 1]
            by_tanh = d * o * (1 - tanh_c**2)
            by_c = dc[t + 1] + before_norm(params["g_c"] * by_tanh, c[t + 1])
            if total is not None:
                total[t + 1][...] = by_c
            by_ifg = by_c * g * i * (1 - i), by_c * c[t] * f * (1 - f), by_c * i * (1 - g**2)
            by_o = d * tanh_c * o * (1 - o)
            da = adjoint.da[t]
            np.concatenate([*by_ifg, by_o, by_tanh], axis=-1, out=da)
            dc[t][...] = by_c * f
            by_heard = before_norm(params["g_hh"] * da[..., : 4 * H], tape.kept["heard"][t])
            dh[t][...] += by_heard @ params["W_hh"]

        return step

    def grads(
        self,
        params: Params,
        tape: Tape,
        da: Float[Array, "N B GH"],
        x: Float[Array, "N B I"],
        steps: slice,
    ) -> Params:
        """Each matrix hears the gates through its norm, each gain its normalised sum."""
        H, heard, seen = self.hidden_size, tape.kept["heard"][steps], x @ params["W_ih"].T
        by_gates, by_tanh = da[..., : 4 * H], da[..., 4 * H :]
        db = rows(by_gates).sum(axis=0)
        c = tape.states["c"][1:][steps]
        return {
            "W_ih": rows(before_norm(params["g_ih"] * by_gates, seen)).T @ rows(x),
            "W_hh": rows(before_norm(params["g_hh"] * by_gates, heard)).T @ rows(tape.h[steps]),
            "b_ih": db,
            "b_hh": db.copy(),
            "g_ih": rows(by_gates * normalised(seen)).sum(axis=0),
            "g_hh": rows(by_gates * normalised(heard)).sum(axis=0),
            "g_c": rows(by_tanh * normalised(c)).sum(axis=0),
            "b_c": rows(by_tanh).sum(axis=0),
        }

    def to_input(
        self, params: Params, da: Float[Array, "T B GH"], x: Float[Array, "T B I"]
    ) -> tuple[Float[Array, "T B R"], Float[Array, "R I"]]:
        """The gates' derivatives, back through the norm of W_ih x."""
        by_gates, W_ih = da[..., : 4 * self.hidden_size], params["W_ih"]
        return before_norm(params["g_ih"] * by_gates, x @ W_ih.T), W_ih

    def highway(self, params: Params, tape: Tape) -> Highway:
        """The cell state times the forget gate."""
        return Highway("c", tape.gates["f"])
