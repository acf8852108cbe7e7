"""What one forward pass and BPTT saw: every state, and every derivative of the loss."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rnnviz.arrays import Array, Float, Params, frozen
from rnnviz.cells import Tape
from rnnviz.network import Network


@dataclass(frozen=True)
class LayerRecord:
    """One layer's pass: step t maps ``s[t]`` to ``s[t + 1]``, and ``s[0]`` is the initial state.

    A reverse layer's steps are counted as it takes them: its first reads the last input.
    """

    x: Float[Array, "T B I"]
    """What the layer read."""
    pre: Array
    """``da``, and behind it what else some cells' parameters need the derivative by."""
    parts: dict[str, Array]
    """Derivative by each part of the state as handed over, the other parts held still."""
    grads: Params
    """Derivative of the loss by each parameter, under the parameter's name."""
    tape: Tape
    inner: dict[str, Array]
    """Total derivative by each part of the state that is not h, the way through h included."""

    @cached_property
    def s(self) -> Float[Array, "N B S"]:
        """States: the parts that are handed from step to step, side by side."""
        return _joined(self.tape.states)

    @cached_property
    def ds(self) -> Float[Array, "N B S"]:
        """Total derivative of the loss by each state."""
        return _joined(self.parts)

    @property
    def da(self) -> Float[Array, "T B GH"]:
        """Derivative of the loss by each pre-activation: what each nonlinearity is taken of."""
        size = max(1, len(self.gates)) * self.h.shape[2]
        return self.pre if self.pre.shape[2] == size else self.pre[:, :, :size]

    @property
    def h(self) -> Float[Array, "N B H"]:
        """Hidden states: the part of ``s`` that other layers see."""
        return self.tape.h

    @property
    def dh(self) -> Float[Array, "N B H"]:
        """Total derivative of the loss by each hidden state: the h part of ``ds``."""
        return self.parts["h"]

    @property
    def c(self) -> Float[Array, "N B H"]:
        """Cell states, where the cell has them."""
        return self._inner(self.tape.states)

    @property
    def dc(self) -> Float[Array, "N B H"]:
        """Total derivative by each cell state, the way through h included."""
        return self._inner(self.inner)

    def _inner(self, parts: dict[str, Array]) -> Array:
        if "c" not in parts:
            raise AttributeError(f"c is a state of an LSTM, got a cell with {list(parts) or ['h']}")
        return parts["c"]

    @property
    def gates(self) -> dict[str, Array]:
        """Each gate by its name, (T, B, H); empty for a vanilla cell."""
        return self.tape.gates


def _joined(parts: dict[str, Array]) -> Array:
    """The parts of a state side by side, (N, B, S); itself where there is one."""
    arrays = list(parts.values())
    return arrays[0] if len(arrays) == 1 else frozen(np.concatenate(arrays, axis=2))


@dataclass(frozen=True, slots=True)
class Record:
    """Everything that one forward pass and one BPTT saw; all arrays are read-only."""

    network: Network
    x: Float[Array, "T B I"]
    y: Float[Array, "T B O"]
    dy: Float[Array, "T B O"]
    """The loss's direct derivative by each output."""
    dx: Float[Array, "T B I"]
    loss_t: Float[Array, " T"]
    """Each step's share of the loss; they add up to ``loss``."""
    layers: tuple[LayerRecord, ...]
    grads: Params
    """Derivative of the loss by each parameter: ``{"l0.W_hh": ..., "readout.W_hy": ...}``."""

    @property
    def loss(self) -> float:
        """The loss: the sum of the steps' shares."""
        return float(self.loss_t.sum())

    @property
    def steps(self) -> int:
        """T."""
        return len(self.x)

    @property
    def batch_size(self) -> int:
        """B."""
        return int(self.x.shape[1])

    @property
    def top(self) -> LayerRecord:
        """The last layer that reads forward."""
        return self.layers[self.network.top]

    @property
    def s(self) -> Float[Array, "N B S"]:
        """The top layer's states."""
        return self.top.s

    @property
    def ds(self) -> Float[Array, "N B S"]:
        """The top layer's total derivatives by each state."""
        return self.top.ds

    @property
    def h(self) -> Float[Array, "N B H"]:
        """The top layer's hidden states."""
        return self.top.h

    @property
    def dh(self) -> Float[Array, "N B H"]:
        """The top layer's total derivatives by each hidden state."""
        return self.top.dh

    @property
    def c(self) -> Float[Array, "N B H"]:
        """The top layer's cell states."""
        return self.top.c

    @property
    def dc(self) -> Float[Array, "N B H"]:
        """The top layer's total derivatives by each cell state."""
        return self.top.dc

    @property
    def gates(self) -> dict[str, Array]:
        """The top layer's gates by name, each (T, B, H)."""
        return self.top.gates

    @property
    def da(self) -> Float[Array, "T B GH"]:
        """The top layer's derivatives by each pre-activation."""
        return self.top.da
