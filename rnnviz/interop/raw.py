"""Layers as their file has them: rows of gates, but the gates in the file's own order."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from rnnviz.arrays import Array, Float, Params
from rnnviz.interop.limits import HIDDEN_UNITS, WIDTH, one_line

BY_GATES: Mapping[int, tuple[str, ...]] = {
    1: ("tanh", "relu", "sigmoid", "linear"),
    3: ("gru", "gru_cho"),
    4: ("lstm",),
}
"""The cells that weights of so many gates may be of, the likeliest first."""


BIASES = ("b_ih", "b_hh")
"""What may be left out, and is then zero."""


@dataclass(frozen=True, eq=False)
class RawLayer:
    """One layer in one direction, its weights (G*H, ...) as ours but for the order of the gates.

    Raises
    ------
    ValueError
        If the shapes do not fit together.
    """

    name: str
    cell: str
    """The likeliest cell."""
    order: tuple[str, ...]
    """The file's order of the gates, in our letters; none where there is one block."""
    weights: Params
    """``W_ih`` and ``W_hh``, and of ``b_ih`` and ``b_hh`` what there is."""
    used: tuple[str, ...]
    """The names in the file."""
    reverse: bool = False
    cells: tuple[str, ...] = ()
    """All the cells that it may be, in the order of likelihood."""
    hidden: int = 0
    """H where there is no W_hh to read it from."""

    def __post_init__(self) -> None:
        """Check that the shapes are those of a layer."""
        if "W_hh" in self.weights:
            self._check_matrices()
            self._check_biases()
        if self.hidden_size > HIDDEN_UNITS or self.input_size > WIDTH:
            raise ValueError(
                f"{self.title} must have at most {HIDDEN_UNITS} hidden units and {WIDTH} inputs, "
                f"got {self.hidden_size} and {self.input_size}"
            )

    def _check_matrices(self) -> None:
        W_ih, W_hh = self.weights["W_ih"], self.weights["W_hh"]
        shapes = f"W_ih {W_ih.shape} and W_hh {W_hh.shape}"
        if W_ih.ndim != 2 or W_hh.ndim != 2 or 0 in W_ih.shape + W_hh.shape:
            raise ValueError(f"{self.title} must have two matrices, got {shapes}")
        if len(W_ih) != len(W_hh) or len(W_hh) % W_hh.shape[1]:
            raise ValueError(
                f"{self.title} must have W_ih (G*H, I) and W_hh (G*H, H), W_hh square for each of "
                f"its G gates, got {shapes}"
            )

    def _check_biases(self) -> None:
        W_hh = self.weights["W_hh"]
        for name in ("b_ih", "b_hh"):
            if name in self.weights and self.weights[name].shape != W_hh.shape[:1]:
                raise ValueError(
                    f"{self.title} must have {name} {W_hh.shape[:1]} beside W_hh {W_hh.shape}, "
                    f"got {self.weights[name].shape}"
                )

    @property
    def title(self) -> str:
        """Its name for a sentence."""
        return f"layer {one_line(self.name)}"

    @property
    def input_size(self) -> int:
        """I."""
        return int(self.weights["W_ih"].shape[1])

    @property
    def hidden_size(self) -> int:
        """H."""
        return int(self.weights["W_hh"].shape[1]) if "W_hh" in self.weights else self.hidden


Level = tuple[RawLayer, ...]
"""What reads the same: one layer, or one forward and one in reverse."""


@dataclass(frozen=True, eq=False)
class RawReadout:
    """A linear layer that may be the readout."""

    name: str
    W_hy: Float[Array, "O H"]
    b_y: Float[Array, " O"]
    used: tuple[str, ...]
    note: str = ""

    @property
    def likely(self) -> bool:
        """Whether its name is not that of an embedding."""
        return "emb" not in self.name.lower()


@dataclass(frozen=True, eq=False)
class Found:
    """What one framework's names say is in a file."""

    framework: str
    modules: Mapping[str, tuple[Level, ...]]
    """The levels of each recurrent module, in the order of the file."""
    readouts: tuple[RawReadout, ...] = ()
    ordered: bool = True
    """Whether the order of the modules is that in which they read each other."""
    notes: tuple[str, ...] = field(default=())


def gates_of(name: str, W_hh: Array, used: str) -> int:
    """G, from the shape of a recurrent matrix (G*H, H).

    Raises
    ------
    ValueError
        If there is no cell of so many gates.
    """
    gates = len(W_hh) // W_hh.shape[1] if W_hh.ndim == 2 and W_hh.shape[1] else 0
    if gates not in BY_GATES or len(W_hh) % W_hh.shape[1]:
        raise ValueError(
            f"layer {one_line(name)} must have 1, 3 or 4 square blocks in {one_line(used)}, "
            f"for an RNN, a GRU or an LSTM, got {W_hh.shape}"
        )
    return gates


def readout(name: str, W_hy: Array, b_y: Array | None, *used: str, note: str = "") -> RawReadout:
    """A linear layer with a bias of zeros where it has none."""
    bias = np.zeros(len(W_hy), W_hy.dtype) if b_y is None else b_y
    return RawReadout(name, W_hy, bias, used, note)


def natural(name: str) -> list[tuple[int, str]]:
    """A key to sort names by, with l2 before l10."""
    parts: list[str] = [""]
    for letter in name:
        if parts[-1] and letter.isdecimal() == parts[-1][-1].isdecimal():
            parts[-1] += letter
        else:
            parts.append(letter)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]
