"""What every recurrent cell offers: sizes, parameter shapes, one step and its derivative."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Any, ClassVar

import numpy as np

from rnnviz.arrays import Array, Float, Params, PerStep
from rnnviz.products import Step, column_sums, multiply, rows


@dataclass(frozen=True, slots=True)
class Tape:
    """One layer's forward pass: step ``t`` maps ``states[...][t]`` to ``states[...][t + 1]``."""

    a: Float[Array, "T B GH"]
    """Holds each step's input projection until the step overwrites it."""
    states: dict[str, Array]
    """What is handed from step to step, each (T+1, B, H): ``h`` first, and ``c`` in an LSTM."""
    gates: dict[str, Array] = field(default_factory=dict)
    """Each gate by its name, (T, B, H)."""
    kept: dict[str, Array] = field(default_factory=dict)
    """What else the backward pass needs, a row for each step."""

    @property
    def h(self) -> Float[Array, "N B H"]:
        """Hidden states."""
        return self.states["h"]


@dataclass(frozen=True, slots=True)
class Adjoint:
    """One layer's backward pass, as one array per step; leading axes stack several gradients.

    Step ``t`` reads ``states[...][t + 1]``, writes ``da[t]``, adds to ``states["h"][t]``, where
    the loss may have left something, and writes every other part at t.
    """

    states: Mapping[str, PerStep]
    """Derivative by each part of the state as handed over, the other parts held still."""
    da: PerStep
    """Derivative by each pre-activation, (..., B, G*H), and what else a cell's ``grads`` need."""
    total: Mapping[str, PerStep] = field(default_factory=dict)
    """Where a cell leaves the total derivative by an inner part, the way through h included."""

    @property
    def dh(self) -> PerStep:
        """Derivative by the hidden states."""
        return self.states["h"]


@dataclass(frozen=True, slots=True)
class Highway:
    """The way straight on: what of a part of the state reaches the next step unchanged by gates."""

    part: str
    """The part of the state it runs along: ``h`` or ``c``."""
    kept: Float[Array, "T B H"]
    """What each step multiplies it by: the forget gate of an LSTM."""


@dataclass(frozen=True, slots=True)
class Units:
    """What a cell's one nonlinearity gave at each step, and how steep it was there."""

    value: Float[Array, "T B H"]
    slope: Float[Array, "T B H"]
    span: tuple[float, float]
    """The range of the nonlinearity: a unit near a finite end is flat."""


KEEPING = ("gate_bias", "forget_bias", "t_max")
"""Settings of every cell with a gate that keeps."""


@dataclass(frozen=True)
class Cell(ABC):
    """A recurrent cell: it holds sizes and constants, not weights."""

    input_size: int
    hidden_size: int

    title: ClassVar[str]
    paper: ClassVar[str]
    gate_names: ClassVar[tuple[str, ...]] = ()
    """The blocks of H rows that the weights are made of, in order; none for a single block."""
    state_names: ClassVar[tuple[str, ...]] = ("h",)
    settings: ClassVar[tuple[str, ...]] = ()
    """Config fields that this cell has and most have not; those it is made with are its fields."""
    keeps: ClassVar[tuple[str, int] | None] = None
    """The gate that keeps the state, and 1; -1 where the gate keeps by closing."""
    writes: ClassVar[str | None] = None
    """The gate that writes, where it is another than the one that keeps."""
    in_pairs: ClassVar[bool] = False
    """Whether units come in pairs, so that H is even."""
    scale_free: ClassVar[bool] = False
    """Whether the scale of W_ih and W_hh is normalised away."""
    stacks: ClassVar[bool] = False
    """Whether W_hh and b_hh may be those of a stack of experiments, (E, ...), in forward and
    backward, with their sequences behind each other in the batch."""
    one_bias: ClassVar[bool] = True
    """Whether ``b_ih`` and ``b_hh`` are only ever added up, so that one of them will do."""

    def __post_init__(self) -> None:
        """Refuse a size of nothing."""
        for name in ("hidden_size", "input_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.in_pairs and self.hidden_size % 2:
            raise ValueError(
                f"hidden_size must be even for a cell whose units come in pairs, "
                f"got {self.hidden_size}"
            )

    @property
    def gate_count(self) -> int:
        """G: how many blocks of H rows the weights are made of."""
        return max(1, len(self.gate_names))

    @property
    def gate_spans(self) -> dict[str, tuple[float, float]]:
        """The range of each gate: of a sigmoid, or of the tanh of a candidate, g or n."""
        return {name: (-1.0, 1.0) if name in ("g", "n") else (0.0, 1.0) for name in self.gate_names}

    @property
    def state_size(self) -> int:
        """S: how many numbers are handed from step to step."""
        return len(self.state_names) * self.hidden_size

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of every parameter, in PyTorch's names and order.

        A cell's own come last, or stand where what they replace would.
        """
        rows = self.gate_count * self.hidden_size
        return {
            "W_ih": (rows, self.input_size),
            "W_hh": (rows, self.hidden_size),
            "b_ih": (rows,),
            "b_hh": (rows,),
        }

    @property
    def multiplications(self) -> int:
        """How many one step of one sequence takes, in its products with the weight matrices."""
        return sum(prod(shape) for shape in self.shapes.values() if len(shape) == 2)

    def own(self, rng: np.random.Generator) -> Params:
        """The start of every parameter that only this kind of cell has."""
        return {}

    def empty_states(self, steps: int, batch_size: int, dtype: np.dtype[Any]) -> dict[str, Array]:
        """A buffer for each part of the state."""
        shape = steps + 1, batch_size, self.hidden_size
        return {name: np.empty(shape, dtype) for name in self.state_names}

    @abstractmethod
    def tape(self, steps: int, batch_size: int, dtype: np.dtype[Any]) -> Tape:
        """Empty buffers for one pass."""

    def project(self, params: Params, x: Float[Array, "N B I"], a: Float[Array, "N B GH"]) -> None:
        """Put W_ih x_t + b of several steps into ``a``, in one product."""
        a[:] = params["b_ih"] + params["b_hh"] if "b_hh" in params else params["b_ih"]
        multiply(rows(x), params["W_ih"].T, rows(a), keep=1.0)

    @abstractmethod
    def forward(self, params: Params, tape: Tape) -> Step:
        """A step that turns ``tape.a[t]`` and the states at t into the states at t + 1."""

    @abstractmethod
    def backward(self, params: Params, tape: Tape, adjoint: Adjoint) -> Step:
        """A step that carries the derivative at t + 1 to ``da[t]`` and on to the states at t."""

    def grads(
        self,
        params: Params,
        tape: Tape,
        da: Float[Array, "N B GH"],
        x: Float[Array, "N B I"],
        steps: slice,
    ) -> Params:
        """What these steps add to the derivative by every parameter, each one product."""
        da_T = rows(da).T
        db = column_sums(rows(da))
        return {
            "W_ih": da_T @ rows(x),
            "W_hh": da_T @ rows(tape.h[steps]),
            "b_ih": db,
            "b_hh": db.copy(),
        }

    def to_input(
        self,
        params: Params,
        da: Float[Array, "T B GH"],
        x: Float[Array, "T B I"],
    ) -> tuple[Float[Array, "T B R"], Float[Array, "R I"]]:
        """Two factors whose product is the derivative by x_t."""
        return da, params["W_ih"]

    @property
    def recurrent_name(self) -> str:
        """What ``recurrent`` is, in short."""
        candidate = next((name for name in self.gate_names if name in ("g", "n")), None)
        return f"W_hh, {candidate} rows" if candidate else "W_hh"

    def recurrent(self, params: Params) -> Float[Array, "H H"]:
        """What a step would multiply the state by with its gates open and its units linear.

        For a cell with gates, the rows of W_hh that the candidate hears.
        """
        W, H = params["W_hh"], self.hidden_size
        if not self.gate_names:
            return W
        block = next(n for n, name in enumerate(self.gate_names) if name in ("g", "n"))
        return W[block * H : (block + 1) * H]

    def units(self, tape: Tape) -> Units | None:
        """The values and slopes of the nonlinearity, where there is only one."""
        return None

    def highway(self, params: Params, tape: Tape) -> Highway | None:
        """The way past the weights, where there is one."""
        return None
