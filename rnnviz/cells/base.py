"""What every recurrent cell offers: sizes, parameter shapes, one step and its derivative."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from rnnviz.arrays import Array, Float, Params, PerStep
from rnnviz.products import Step, rows


@dataclass(frozen=True, slots=True)
class Tape:
    """One layer's forward pass: step ``t`` maps ``h[t]`` to ``h[t + 1]``."""

    a: Float[Array, "T B GH"]
    """Holds each step's input projection until the step overwrites it."""
    h: Float[Array, "..."]
    gates: dict[str, Array]


@dataclass(frozen=True, slots=True)
class Adjoint:
    """One layer's backward pass, as one array per step.

    ``dh[t]`` is (..., B, H) and ``da[t]`` (..., B, G*H). Step ``t`` reads ``dh[t + 1]``,
    writes ``da[t]`` and adds to ``dh[t]``; leading axes stack several gradients.
    """

    dh: PerStep
    da: PerStep


@dataclass(frozen=True)
class Cell(ABC):
    """A recurrent cell: it holds sizes, not weights."""

    input_size: int
    hidden_size: int

    title: ClassVar[str]
    paper: ClassVar[str]
    gate_names: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        """Refuse a size of nothing."""
        for name in ("hidden_size", "input_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")

    @property
    def gate_count(self) -> int:
        """G: how many blocks of H rows the weights are made of."""
        return max(1, len(self.gate_names))

    @property
    def state_size(self) -> int:
        """S: how many numbers are handed from step to step."""
        return self.hidden_size

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of every parameter, in PyTorch's names and order."""
        rows = self.gate_count * self.hidden_size
        return {
            "W_ih": (rows, self.input_size),
            "W_hh": (rows, self.hidden_size),
            "b_ih": (rows,),
            "b_hh": (rows,),
        }

    @abstractmethod
    def tape(self, steps: int, batch_size: int, dtype: np.dtype[Any]) -> Tape:
        """Empty buffers for one pass."""

    def project(self, params: Params, x: Float[Array, "N B I"], a: Float[Array, "N B GH"]) -> None:
        """Put W_ih x_t + b of several steps into ``a``, in one product."""
        np.matmul(rows(x), params["W_ih"].T, out=rows(a))
        a += params["b_ih"] + params["b_hh"] if "b_hh" in params else params["b_ih"]

    def grads(
        self, tape: Tape, da: Float[Array, "N B GH"], x: Float[Array, "N B I"], steps: slice
    ) -> Params:
        """What these steps add to the derivative by every parameter, each one product."""
        da_T = rows(da).T
        db = da_T.sum(axis=1)
        return {
            "W_ih": da_T @ rows(x),
            "W_hh": da_T @ rows(tape.h[steps]),
            "b_ih": db,
            "b_hh": db.copy(),
        }

    @abstractmethod
    def forward(self, params: Params, tape: Tape) -> Step:
        """A step that turns ``tape.a[t]`` and ``tape.h[t]`` into ``tape.h[t + 1]``."""

    @abstractmethod
    def backward(self, params: Params, tape: Tape, adjoint: Adjoint) -> Step:
        """A step that carries ``adjoint.dh[t + 1]`` to ``da[t]`` and on to ``dh[t]``."""
