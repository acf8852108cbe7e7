"""The tanh cell with layer normalisation of what each step hears."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from rnnviz.arrays import Array, Float, Params
from rnnviz.cells.base import Adjoint, Cell, Tape, Units
from rnnviz.cells.layer_norm import before_norm, normalised
from rnnviz.products import Step, rows


@dataclass(frozen=True)
class TanhNorm(Cell):
    """h_t = tanh(g n_t + b), with n_t the normalised sum W_ih x_t + W_hh h_{t-1}: equation 4.

    ``g`` (H,) is the gain; the bias b is b_ih + b_hh, added after the normalisation. ``da`` has
    2H columns: the derivative by the argument of tanh, then that by the sum.
    """

    title = "tanh, layer norm"
    paper = "Ba, Kiros and Hinton (2016), Layer normalization, arXiv:1607.06450, section 3.1"

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """As for other cells, and the gain."""
        return {**super().shapes, "g": (self.hidden_size,)}

    def own(self, rng: np.random.Generator) -> Params:
        """The gain starts at 1."""
        return {"g": np.ones(self.hidden_size)}

    def tape(self, steps: int, batch_size: int, dtype: np.dtype[Any]) -> Tape:
        """Empty buffers; ``a`` is the argument of tanh, then the sum."""
        a = np.empty((steps, batch_size, 2 * self.hidden_size), dtype)
        return Tape(a, self.empty_states(steps, batch_size, dtype))

    def project(self, params: Params, x: Float[Array, "N B I"], a: Float[Array, "N B GH"]) -> None:
        """W_ih x_t where the sum will be, and the bias where the argument of tanh will be."""
        a[..., : self.hidden_size] = params["b_ih"] + params.get("b_hh", 0)
        a[..., self.hidden_size :] = x @ params["W_ih"].T

    def forward(self, params: Params, tape: Tape) -> Step:
        """The sum, its normalisation, gain and bias, tanh."""
        H, h = self.hidden_size, tape.h

        def step(t: int) -> None:
            a, total = tape.a[t, :, :H], tape.a[t, :, H:]
            total += h[t] @ params["W_hh"].T
            a += params["g"] * normalised(total)
            h[t + 1] = np.tanh(a)

        return step

    def backward(self, params: Params, tape: Tape, adjoint: Adjoint) -> Step:
        """da = dh (1 - h^2);  the derivative by the sum is g da, back through the norm."""
        H, h, dh = self.hidden_size, tape.h, adjoint.dh

        def step(t: int) -> None:
            da, by_sum = adjoint.da[t][..., :H], adjoint.da[t][..., H:]
            da[...] = dh[t + 1] * (1 - h[t + 1] ** 2)
            by_sum[...] = before_norm(params["g"] * da, tape.a[t, :, H:])
            dh[t][...] += by_sum @ params["W_hh"]

        return step

    def grads(
        self,
        params: Params,
        tape: Tape,
        da: Float[Array, "N B GH"],
        x: Float[Array, "N B I"],
        steps: slice,
    ) -> Params:
        """The matrices hear the sum, gain and bias the argument of tanh."""
        H = self.hidden_size
        by_argument, by_sum = da[..., :H], da[..., H:]
        db = rows(by_argument).sum(axis=0)
        return {
            **super().grads(params, tape, by_sum, x, steps),
            "b_ih": db,
            "b_hh": db.copy(),
            "g": rows(by_argument * normalised(tape.a[steps, :, H:])).sum(axis=0),
        }

    def to_input(
        self,
        params: Params,
        da: Float[Array, "T B GH"],
        x: Float[Array, "T B I"],
    ) -> tuple[Float[Array, "T B R"], Float[Array, "R I"]]:
        """The input is heard in the sum."""
        return da[..., self.hidden_size :], params["W_ih"]

    def units(self, tape: Tape) -> Units:
        """The hidden states themselves, tanh of what is normalised."""
        h = tape.h[1:]
        return Units(h, 1 - h**2, (-1.0, 1.0))
