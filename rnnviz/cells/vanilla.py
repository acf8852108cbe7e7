"""The vanilla recurrent cell, h_t = f(W_ih x_t + W_hh h_{t-1} + b), for four choices of f."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy.special import expit

from rnnviz.arrays import Array, Params
from rnnviz.cells.base import Adjoint, Cell, Tape, Units
from rnnviz.products import Step, adder, blocks, columns


class Vanilla(Cell):
    """Elman's cell: Elman (1990), Finding structure in time, Cognitive Science 14."""

    paper = "Elman (1990), Finding structure in time, Cognitive Science 14, 179-211"
    span: ClassVar[tuple[float, float]]
    """The range of f: a unit near a finite end is flat."""
    stacks = True
    steepest: ClassVar[float] = 1.0
    """The largest slope of f anywhere: gamma of Pascanu, Mikolov and Bengio (2013)."""

    @staticmethod
    @abstractmethod
    def activate(a: Array) -> None:
        """Overwrite pre-activations with f of them."""

    @staticmethod
    @abstractmethod
    def slope(h: Array, out: Array | None = None) -> Array:
        """The derivative of f, from its value h: exact, and no second copy of ``a`` is kept."""

    def units(self, tape: Tape) -> Units:
        """The hidden states themselves."""
        h = tape.h[1:]
        return Units(h, self.slope(h), self.span)

    def tape(self, steps: int, batch_size: int, dtype: np.dtype[Any]) -> Tape:
        """Empty buffers; a step's pre-activation and its state share one row."""
        states = self.empty_states(steps, batch_size, dtype)
        return Tape(a=states["h"][1:], states=states)

    def forward(self, params: Params, tape: Tape) -> Step:
        """a_t += h_{t-1} W_hh^T;  h_t = f(a_t)."""
        gemm, W, transpose = adder(params["W_hh"].mT, tape.h.shape[1])
        h, activate = columns(tape.h), self.activate

        def step(t: int) -> None:
            a_t = h[t + 1]
            gemm(1.0, W, h[t], 1.0, a_t, transpose, 0, 1)
            activate(a_t)

        return step

    def backward(self, params: Params, tape: Tape, adjoint: Adjoint) -> Step:
        """da_t = dh_t f'(a_t);  dh_{t-1} += da_t W_hh."""
        h, dh_columns, da_columns = tape.h[1:], columns(adjoint.dh), columns(adjoint.da)
        gemm, W, transpose = adder(params["W_hh"], da_columns[0].shape[1])
        last_of = {block.stop - 1: block for block in blocks(len(h), h[0])}
        if isinstance(adjoint.da, np.ndarray):
            # The slopes wait where da will be, a block of steps at a time.
            slopes, dh, da, slope = adjoint.da, dh_columns, da_columns, da_columns
        else:
            slopes = np.empty_like(h)
            dh, da, slope = list(adjoint.dh), list(adjoint.da), list(slopes)
        multiply = np.multiply

        def step(t: int) -> None:
            if t in last_of:
                self.slope(h[last_of[t]], out=slopes[last_of[t]])
            multiply(dh[t + 1], slope[t], da[t])
            gemm(1.0, W, da_columns[t], 1.0, dh_columns[t], transpose, 0, 1)

        return step


@dataclass(frozen=True)
class Tanh(Vanilla):
    """f = tanh, bounded by 1, slope 1 - h^2."""

    title = "tanh"
    span = (-1.0, 1.0)

    @staticmethod
    def activate(a: Array) -> None:
        """h = tanh(a)."""
        np.tanh(a, a)

    @staticmethod
    def slope(h: Array, out: Array | None = None) -> Array:
        """1 - h^2."""
        return np.subtract(1, np.multiply(h, h, out), out)


@dataclass(frozen=True)
class ReLU(Vanilla):
    """f = max(0, a), slope 0 or 1; the slope at exactly 0 is 0, as in PyTorch."""

    title = "ReLU"
    span = (0.0, np.inf)

    @staticmethod
    def activate(a: Array) -> None:
        """h = max(0, a)."""
        np.maximum(a, 0, out=a)

    @staticmethod
    def slope(h: Array, out: Array | None = None) -> Array:
        """1 where the unit is on, else 0."""
        return np.greater(h, 0, np.empty_like(h) if out is None else out)


@dataclass(frozen=True)
class Linear(Vanilla):
    """f = identity: the gradient is a power of W_hh, and nothing else."""

    title = "linear"
    span = (-np.inf, np.inf)

    @staticmethod
    def activate(a: Array) -> None:
        """h = a: nothing to do."""

    @staticmethod
    def slope(h: Array, out: Array | None = None) -> Array:
        """1 everywhere."""
        out = np.empty_like(h) if out is None else out
        out[:] = 1
        return out


@dataclass(frozen=True)
class Sigmoid(Vanilla):
    """f = 1 / (1 + exp(-a)), slope h (1 - h), at most a quarter."""

    title = "sigmoid"
    span = (0.0, 1.0)
    steepest = 0.25

    @staticmethod
    def activate(a: Array) -> None:
        """h = 1 / (1 + exp(-a))."""
        expit(a, a)

    @staticmethod
    def slope(h: Array, out: Array | None = None) -> Array:
        """h (1 - h)."""
        return np.subtract(h, np.multiply(h, h, out), out)
