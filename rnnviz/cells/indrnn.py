"""The independently recurrent cell: each unit hears itself, and no other unit of its layer."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from rnnviz.arrays import Array, Float, Params
from rnnviz.cells.base import Adjoint, Cell, Tape, Units
from rnnviz.products import Step, rows


@dataclass(frozen=True)
class IndRNN(Cell):
    """h_t = relu(W_ih x_t + w_hh h_{t-1} + b), w_hh (H,) unit by unit: the paper's u."""

    title = "IndRNN"
    paper = (
        "Li, Li, Cook, Zhu and Gao (2018), Independently recurrent neural network (IndRNN): "
        "building a longer and deeper RNN, CVPR"
    )

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """A vanilla cell's parameters, with a vector for W_hh."""
        shapes = super().shapes
        H = self.hidden_size
        return {"W_ih": shapes["W_ih"], "w_hh": (H,), "b_ih": (H,), "b_hh": (H,)}

    def own(self, rng: np.random.Generator) -> Params:
        """w_hh ~ U(0, 1), so that different units remember for different times.

        The authors' advice for ReLU: github.com/Sunnydreamrain/IndRNN_pytorch.
        """
        return {"w_hh": rng.uniform(0, 1, self.hidden_size)}

    def tape(self, steps: int, batch_size: int, dtype: np.dtype[Any]) -> Tape:
        """Empty buffers; a step's pre-activation and its state share one row."""
        states = self.empty_states(steps, batch_size, dtype)
        return Tape(states["h"][1:], states)

    def forward(self, params: Params, tape: Tape) -> Step:
        """No product, only a multiple of each unit."""
        w, h = params["w_hh"], tape.h

        def step(t: int) -> None:
            a_t = h[t + 1]
            a_t += w * h[t]
            np.maximum(a_t, 0, out=a_t)

        return step

    def backward(self, params: Params, tape: Tape, adjoint: Adjoint) -> Step:
        """da_t = dh_t where the unit is on;  dh_{t-1} += da_t w_hh."""
        w, h = params["w_hh"], tape.h

        def step(t: int) -> None:
            da_t, before = adjoint.da[t], adjoint.dh[t]
            da_t[...] = adjoint.dh[t + 1] * (h[t + 1] > 0)
            before += da_t * w

        return step

    def grads(
        self,
        params: Params,
        tape: Tape,
        da: Float[Array, "N B GH"],
        x: Float[Array, "N B I"],
        steps: slice,
    ) -> Params:
        """As for other cells, and w_hh hears each unit's own past."""
        db = rows(da).sum(axis=0)
        return {
            "W_ih": rows(da).T @ rows(x),
            "w_hh": (da * tape.h[steps]).sum(axis=(0, 1)),
            "b_ih": db,
            "b_hh": db.copy(),
        }

    @property
    def recurrent_name(self) -> str:
        """What ``recurrent`` is, in short."""
        return "w_hh"

    def recurrent(self, params: Params) -> Float[Array, "H H"]:
        """w_hh on the diagonal."""
        return np.diag(params["w_hh"])

    def units(self, tape: Tape) -> Units:
        """The hidden states themselves; a unit is flat where it is off."""
        h = tape.h[1:]
        return Units(h, (h > 0).astype(h.dtype), (0.0, np.inf))
