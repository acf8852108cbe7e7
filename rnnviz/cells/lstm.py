"""The long short-term memory cell, with the forget gate."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from rnnviz.arrays import Array, Float, Params, PerStep
from rnnviz.cells.base import KEEPING, Adjoint, Cell, Highway, Tape
from rnnviz.products import Step, adder, blocks, columns, multiply, rows


@dataclass(frozen=True)
class LSTM(Cell):
    """Gates i, f, g, o; c_t = f c_{t-1} + i g; h_t = o tanh(c_t)."""

    title = "LSTM"
    paper = (
        "Hochreiter and Schmidhuber (1997), Long short-term memory, Neural Computation 9; forget "
        "gate: Gers, Schmidhuber and Cummins (2000), Learning to forget, Neural Computation 12"
    )
    gate_names = ("i", "f", "g", "o")
    state_names = ("h", "c")
    keeps = ("f", 1)
    writes = "i"
    settings = KEEPING
    stacks = True

    def tape(self, steps: int, batch_size: int, dtype: np.dtype[Any]) -> Tape:
        """Empty buffers; the pre-activations become the gates where they lie."""
        H = self.hidden_size
        a = np.empty((steps, batch_size, 4 * H), dtype)
        gates = {name: a[:, :, n * H : (n + 1) * H] for n, name in enumerate(_LAID)}
        states = self.empty_states(steps, batch_size, dtype)
        kept = {"tanh_c": np.empty((steps, batch_size, H), dtype)}
        return Tape(a, states, {name: gates[name] for name in self.gate_names}, kept)

    def project(self, params: Params, x: Float[Array, "N B I"], a: Float[Array, "N B GH"]) -> None:
        """W_ih x_t + b, the gates laid i f o g, the sigmoid ones with their sign turned."""
        b = params["b_ih"] + params["b_hh"] if "b_hh" in params else params["b_ih"]
        a[:] = self._laid(b)
        multiply(rows(x), self._laid(params["W_ih"]).T, rows(a), keep=1.0)

    def forward(self, params: Params, tape: Tape) -> Step:
        """One product, one exponential for three gates, one tanh each for g and c."""
        H = self.hidden_size
        gemm, W, transpose = adder(self._laid(params["W_hh"]).mT, tape.h.shape[1])
        heard, pre = columns(tape.h), columns(tape.a)
        sigmoids, g = list(tape.a[:, :, : 3 * H]), list(tape.gates["g"])
        i, f, o = (list(tape.gates[name]) for name in ("i", "f", "o"))
        h, c, tanh_c = list(tape.h), list(tape.states["c"]), list(tape.kept["tanh_c"])

        def step(t: int) -> None:
            gemm(1.0, W, heard[t], 1.0, pre[t], transpose, 0, 1)
            gates, now, squashed = sigmoids[t], c[t + 1], tanh_c[t]
            np.exp(gates, gates)
            np.add(gates, 1, gates)
            np.reciprocal(gates, gates)
            np.tanh(g[t], g[t])
            np.multiply(i[t], g[t], squashed)
            np.multiply(f[t], c[t], now)
            np.add(now, squashed, now)
            np.tanh(now, squashed)
            np.multiply(o[t], squashed, h[t + 1])

        return step

    def backward(self, params: Params, tape: Tape, adjoint: Adjoint) -> Step:
        """do = dh tanh(c);  dc += dh o (1 - tanh(c)^2);  di, df, dg = dc g, dc c_{t-1}, dc i."""
        H, f = self.hidden_size, list(tape.gates["f"])
        slopes = adjoint.da if isinstance(adjoint.da, np.ndarray) else np.empty_like(tape.a)
        cut = blocks(len(f), tape.a[0])
        last_of = {block.stop - 1: block for block in cut}
        through_h = np.empty_like(tape.kept["tanh_c"][cut[0]])
        dh, dc = list(adjoint.states["h"]), list(adjoint.states["c"])
        total = _totals(adjoint, dc)
        spread = [part[..., None, :] for part in total]
        slope_ifg, slope_o = _split(slopes, H)
        kept_c = [through_h[t - block.start] for block in cut for t in range(len(f))[block]]
        da_ifg, da_o = _split(adjoint.da, H)
        da_columns, dh_columns = columns(adjoint.da), columns(adjoint.dh)
        gemm, W, transpose = adder(params["W_hh"], da_columns[0].shape[1])

        def step(t: int) -> None:
            if t in last_of:
                self._slopes(tape, last_of[t], slopes, through_h)
            np.multiply(dh[t + 1], kept_c[t], total[t + 1])
            np.add(total[t + 1], dc[t + 1], total[t + 1])
            np.multiply(dh[t + 1], slope_o[t], da_o[t])
            np.multiply(spread[t + 1], slope_ifg[t], da_ifg[t])
            np.multiply(total[t + 1], f[t], dc[t])
            gemm(1.0, W, da_columns[t], 1.0, dh_columns[t], transpose, 0, 1)

        return step

    def highway(self, params: Params, tape: Tape) -> Highway:
        """The cell state times the forget gate."""
        return Highway("c", tape.gates["f"])

    def _slopes(self, tape: Tape, block: slice, slopes: Array, through_h: Array) -> None:
        """What each pre-activation's derivative is a multiple of: dc for i, f and g, dh for o."""
        i, f, g, o = (tape.gates[name][block] for name in self.gate_names)
        c_before, tanh_c = tape.states["c"][block], tape.kept["tanh_c"][block]
        by_gate = slopes[block].reshape(*slopes[block].shape[:2], 4, self.hidden_size)
        by_gate[:, :, 0] = g * i * (1 - i)
        by_gate[:, :, 1] = c_before * f * (1 - f)
        by_gate[:, :, 2] = i * (1 - g * g)
        by_gate[:, :, 3] = tanh_c * o * (1 - o)
        through_h[: len(o)] = o * (1 - tanh_c * tanh_c)

    def _laid(self, W: Float[Array, "..."]) -> Float[Array, "..."]:
        """Rows in the order i f o g, with those of the sigmoids negative: exp(-a) is wanted."""
        axis = max(0, W.ndim - 2)
        i, f, g, o = np.split(W, 4, axis=axis)
        return np.concatenate([-i, -f, -o, g], axis=axis)


_LAID = ("i", "f", "o", "g")
"""How a step's gates lie in memory: three sigmoids in one piece."""


def _split(da: PerStep, H: int) -> tuple[list[Array], list[Array]]:
    """Views of each step's derivatives: (..., 3, H) of i, f and g, and (..., H) of o."""
    by_gate = [step.reshape(*step.shape[:-1], 4, H) for step in da]
    return [step[..., :3, :] for step in by_gate], [step[..., 3, :] for step in by_gate]


def _totals(adjoint: Adjoint, dc: list[Array]) -> list[Array]:
    """Where the total derivative by c goes: a record's own array, or one buffer for all steps."""
    if "c" in adjoint.total:
        return list(adjoint.total["c"])
    return [np.empty_like(dc[0])] * len(dc)
