"""The gated recurrent unit as PyTorch has it: the reset gate acts after the product."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from rnnviz.arrays import Array, Float, Params, PerStep
from rnnviz.cells.base import KEEPING, Adjoint, Cell, Highway, Tape
from rnnviz.products import Step, adder, blocks, column_sums, columns, multiply, per_row, rows


@dataclass(frozen=True)
class GRU(Cell):
    """Gates r, z, n; n = tanh(a_n + r (W_hn h + b_hn)); h_t = (1 - z) n + z h_{t-1}."""

    title = "GRU"
    paper = (
        "Cho et al. (2014), Learning phrase representations using RNN encoder-decoder, EMNLP; the "
        "reset after the product: PyTorch documentation, torch.nn.GRU"
    )
    gate_names = ("r", "z", "n")
    keeps = ("z", 1)
    settings = KEEPING
    stacks = True
    one_bias = False  # b_hn is inside the reset gate's product, and b_in is not

    def tape(self, steps: int, batch_size: int, dtype: np.dtype[Any]) -> Tape:
        """Empty buffers; ``heard`` is W_hn h + b_hn, what the reset gate is multiplied with."""
        H = self.hidden_size
        a = np.empty((steps, batch_size, 3 * H), dtype)
        gates = {name: a[:, :, n * H : (n + 1) * H] for n, name in enumerate(self.gate_names)}
        states = self.empty_states(steps, batch_size, dtype)
        return Tape(a, states, gates, {"heard": np.empty((steps, batch_size, H), dtype)})

    def project(self, params: Params, x: Float[Array, "N B I"], a: Float[Array, "N B GH"]) -> None:
        """W_ih x_t + b, all but b_hn, with the sign of r and z turned: exp(-a) is wanted."""
        signs, b = self._signs(params["W_ih"].dtype), params["b_ih"].copy()
        b[: 2 * self.hidden_size] += params["b_hh"][: 2 * self.hidden_size]
        a[:] = signs * b
        multiply(rows(x), (signs[:, None] * params["W_ih"]).T, rows(a), keep=1.0)

    def _signs(self, dtype: np.dtype[Any]) -> Float[Array, " GH"]:
        return np.repeat(np.array([-1, -1, 1], dtype), self.hidden_size)

    def forward(self, params: Params, tape: Tape) -> Step:
        """One product, one exponential for two gates, one tanh."""
        H, heard = self.hidden_size, list(tape.kept["heard"])
        signs = self._signs(tape.a.dtype)
        b_hn = per_row(params["b_hh"][..., 2 * H :], tape.a.shape[1])
        gemm, W, transpose = adder((signs[:, None] * params["W_hh"]).mT, tape.h.shape[1])
        from_h, h_columns = np.empty_like(tape.a[0]), columns(tape.h)
        (from_h_columns,) = columns([from_h])
        from_h_rz, from_h_n = from_h[:, : 2 * H], from_h[:, 2 * H :]
        sigmoids, h = list(tape.a[:, :, : 2 * H]), list(tape.h)
        r, z, n = (list(tape.gates[name]) for name in self.gate_names)
        scratch = np.empty_like(h[0])

        def step(t: int) -> None:
            gemm(1.0, W, h_columns[t], 0.0, from_h_columns, transpose, 0, 1)
            gates = sigmoids[t]
            np.add(gates, from_h_rz, gates)
            np.exp(gates, gates)
            np.add(gates, 1, gates)
            np.reciprocal(gates, gates)
            np.add(from_h_n, b_hn, heard[t])
            np.multiply(r[t], heard[t], scratch)
            np.add(n[t], scratch, n[t])
            np.tanh(n[t], n[t])
            np.subtract(h[t], n[t], scratch)
            np.multiply(z[t], scratch, scratch)
            np.add(n[t], scratch, h[t + 1])

        return step

    def backward(self, params: Params, tape: Tape, adjoint: Adjoint) -> Step:
        """dz, dn from dh; dr from dn; what W_hh hears back is dr, dz and r dn; dh z goes past."""
        H, r = self.hidden_size, list(tape.gates["r"])
        slopes = adjoint.da if isinstance(adjoint.da, np.ndarray) else np.empty_like(tape.a)
        last_of = {block.stop - 1: block for block in blocks(len(r), tape.a[0])}
        dh, z = list(adjoint.dh), list(tape.gates["z"])
        slope, da = _by_gate(slopes, H), _by_gate(adjoint.da, H)
        heard, past = np.empty_like(adjoint.da[0]), np.empty_like(dh[0])
        (heard_by_gate,), (heard_column,) = _by_gate([heard], H), columns([heard])
        gemm, W, transpose = adder(params["W_hh"], heard_column.shape[1])
        dh_columns = columns(adjoint.dh)

        def step(t: int) -> None:
            if t in last_of:
                self._slopes(tape, last_of[t], slopes)
            # r's slope is a multiple of dn, which is a multiple of dh: r first, n after it.
            np.multiply(dh[t + 1][..., None, :], slope[t], da[t])
            heard_by_gate[..., :2, :] = da[t][..., :2, :]
            np.multiply(da[t][..., 2, :], r[t], heard_by_gate[..., 2, :])
            np.multiply(dh[t + 1], z[t], past)
            np.add(dh[t], past, dh[t])
            gemm(1.0, W, heard_column, 1.0, dh_columns[t], transpose, 0, 1)

        return step

    def _slopes(self, tape: Tape, block: slice, slopes: Array) -> None:
        """What each pre-activation's derivative is a multiple of: dh, for all three."""
        r, z, n = (tape.gates[name][block] for name in self.gate_names)
        heard_n = tape.kept["heard"][block]
        by_gate = slopes[block].reshape(*r.shape[:2], 3, self.hidden_size)
        by_gate[:, :, 2] = (1 - z) * (1 - n * n)
        by_gate[:, :, 1] = (tape.h[block] - n) * z * (1 - z)
        by_gate[:, :, 0] = by_gate[:, :, 2] * heard_n * r * (1 - r)

    def highway(self, params: Params, tape: Tape) -> Highway:
        """The hidden state times the update gate."""
        return Highway("h", tape.gates["z"])

    def grads(
        self,
        params: Params,
        tape: Tape,
        da: Float[Array, "N B GH"],
        x: Float[Array, "N B I"],
        steps: slice,
    ) -> Params:
        """As for other cells, but W_hh and b_hh hear the n gate through the reset gate."""
        heard = da.copy()
        heard[:, :, 2 * self.hidden_size :] *= tape.gates["r"][steps]
        da_T, heard_T = rows(da).T, rows(heard).T
        return {
            "W_ih": da_T @ rows(x),
            "W_hh": heard_T @ rows(tape.h[steps]),
            "b_ih": column_sums(rows(da)),
            "b_hh": column_sums(rows(heard)),
        }


def _by_gate(da: PerStep, H: int) -> list[Array]:
    return [step.reshape(*step.shape[:-1], 3, H) for step in da]
