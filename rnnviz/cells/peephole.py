"""The long short-term memory cell whose gates look at the cell state."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit

from rnnviz.arrays import Array, Float, Params
from rnnviz.cells.base import KEEPING, Adjoint, Cell, Highway, Tape
from rnnviz.products import Step

_PEEPHOLES = ("w_ci", "w_cf", "w_co")


@dataclass(frozen=True)
class PeepholeLSTM(Cell):
    """Gates i, f, g, o; c_t = f c_{t-1} + i g; h_t = o tanh(c_t).

    Into i and f go w_ci c_{t-1} and w_cf c_{t-1}, into o goes w_co c_t, unit by unit.
    """

    title = "LSTM with peepholes"
    paper = (
        "Gers and Schmidhuber (2000), Recurrent nets that time and count, IJCNN; Gers, Schraudolph "
        "and Schmidhuber (2002), Learning precise timing with LSTM recurrent networks, JMLR 3; in "
        "the form of Graves (2013), Generating sequences with recurrent neural networks, "
        "equations 7 to 11"
    )
    gate_names = ("i", "f", "g", "o")
    state_names = ("h", "c")
    keeps = ("f", 1)
    writes = "i"
    settings = KEEPING

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """An LSTM's parameters, and a weight for each unit and each gate that looks at c."""
        return super().shapes | dict.fromkeys(_PEEPHOLES, (self.hidden_size,))

    def own(self, rng: np.random.Generator) -> Params:
        """A peephole is drawn as PyTorch draws an LSTM's weights: U(-1/sqrt(H), 1/sqrt(H))."""
        bound = 1 / np.sqrt(self.hidden_size)
        return {name: rng.uniform(-bound, bound, self.hidden_size) for name in _PEEPHOLES}

    def tape(self, steps: int, batch_size: int, dtype: np.dtype[Any]) -> Tape:
        """Empty buffers; the pre-activations become the gates where they lie."""
        a = np.empty((steps, batch_size, 4 * self.hidden_size), dtype)
        gates = dict(zip(self.gate_names, np.split(a, 4, axis=-1), strict=True))
        return Tape(a, self.empty_states(steps, batch_size, dtype), gates)

    def forward(self, params: Params, tape: Tape) -> Step:
        """i and f look at c_{t-1}, then c_t is made, then o looks at c_t."""
        w_ci, w_cf, w_co = (params[name] for name in _PEEPHOLES)
        h, c = tape.h, tape.states["c"]
        i, f, g, o = (tape.gates[name] for name in self.gate_names)

        def step(t: int) -> None:
            tape.a[t] += h[t] @ params["W_hh"].T
            i[t] = expit(i[t] + w_ci * c[t])
            f[t] = expit(f[t] + w_cf * c[t])
            np.tanh(g[t], g[t])
            c[t + 1] = f[t] * c[t] + i[t] * g[t]
            o[t] = expit(o[t] + w_co * c[t + 1])
            h[t + 1] = o[t] * np.tanh(c[t + 1])

        return step

    def backward(self, params: Params, tape: Tape, adjoint: Adjoint) -> Step:
        """c_t is heard by tanh, by o at the same step, and by i and f at the next one."""
        w_ci, w_cf, w_co = (params[name] for name in _PEEPHOLES)
        c, dc = tape.states["c"], adjoint.states["c"]
        i, f, g, o = (tape.gates[name] for name in self.gate_names)

        def step(t: int) -> None:
            dh, dh_before, tanh_c = adjoint.dh[t + 1], adjoint.dh[t], np.tanh(c[t + 1])
            da_i, da_f, da_g, da_o = np.split(adjoint.da[t], 4, axis=-1)
            da_o[...] = dh * tanh_c * o[t] * (1 - o[t])
            total = dc[t + 1] + dh * o[t] * (1 - tanh_c**2) + da_o * w_co
            da_i[...] = total * g[t] * i[t] * (1 - i[t])
            da_f[...] = total * c[t] * f[t] * (1 - f[t])
            da_g[...] = total * i[t] * (1 - g[t] ** 2)
            dc[t][...] = total * f[t] + da_i * w_ci + da_f * w_cf
            dh_before += adjoint.da[t] @ params["W_hh"]
            if "c" in adjoint.total:
                adjoint.total["c"][t + 1][...] = total

        return step

    def grads(
        self,
        params: Params,
        tape: Tape,
        da: Float[Array, "N B GH"],
        x: Float[Array, "N B I"],
        steps: slice,
    ) -> Params:
        """As for other cells, and each peephole's gate times the cell state it looks at."""
        da_i, da_f, _, da_o = np.split(da, 4, axis=-1)
        before, after = tape.states["c"][steps], tape.states["c"][1:][steps]
        seen = (da_i, before), (da_f, before), (da_o, after)
        own = {
            name: (da_gate * c).sum(axis=(0, 1))
            for name, (da_gate, c) in zip(_PEEPHOLES, seen, strict=True)
        }
        return super().grads(params, tape, da, x, steps) | own

    def highway(self, params: Params, tape: Tape) -> Highway:
        """The cell state times the forget gate."""
        return Highway("c", tape.gates["f"])
