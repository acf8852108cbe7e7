"""What one forward pass and BPTT saw: every state, and every derivative of the loss."""

from dataclasses import dataclass

from rnnviz.arrays import Array, Float, Params
from rnnviz.cells import Tape
from rnnviz.network import Network


@dataclass(frozen=True, slots=True)
class LayerRecord:
    """One layer's pass: step t maps ``s[t]`` to ``s[t + 1]``, and ``s[0]`` is the initial state."""

    da: Float[Array, "T B GH"]
    """Derivative of the loss by each pre-activation."""
    s: Float[Array, "N B S"]
    ds: Float[Array, "N B S"]
    """Total derivative of the loss by each state."""
    grads: Params
    """Derivative of the loss by each parameter, under the parameter's name."""
    tape: Tape

    @property
    def h(self) -> Float[Array, "N B H"]:
        """Hidden states: the part of ``s`` that other layers see."""
        return self.s

    @property
    def dh(self) -> Float[Array, "N B H"]:
        """Total derivative of the loss by each hidden state: the h part of ``ds``."""
        return self.ds

    @property
    def gates(self) -> dict[str, Array]:
        """Each gate by its name, (T, B, H); empty for a vanilla cell."""
        return self.tape.gates


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
    def s(self) -> Float[Array, "N B S"]:
        """The last layer's states."""
        return self.layers[-1].s

    @property
    def ds(self) -> Float[Array, "N B S"]:
        """The last layer's total derivatives by each state."""
        return self.layers[-1].ds

    @property
    def h(self) -> Float[Array, "N B H"]:
        """The last layer's hidden states."""
        return self.layers[-1].h

    @property
    def dh(self) -> Float[Array, "N B H"]:
        """The last layer's total derivatives by each hidden state."""
        return self.layers[-1].dh

    @property
    def da(self) -> Float[Array, "T B GH"]:
        """The last layer's derivatives by each pre-activation."""
        return self.layers[-1].da
