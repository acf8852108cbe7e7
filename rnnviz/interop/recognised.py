"""What a file of weights was taken for, and the network that it makes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pandas as pd

from rnnviz.arrays import Array, Params, frozen
from rnnviz.cells import CELLS
from rnnviz.interop.limits import one_line
from rnnviz.interop.raw import BIASES, Level, RawLayer, RawReadout
from rnnviz.network import Layer, Network, Readout

NO_READOUT: Final = "none"
ONE_WAY: Final = "forward"
BOTH_WAYS: Final = "both"


@dataclass(frozen=True)
class Recognised:
    """What a file of weights is taken for, and what else it could be.

    ``recognise`` makes it; ``network`` gives the network. All names are as they are in the file.
    """

    framework: str
    """``PyTorch``, ``Keras``, ``Flax`` or ``rnnviz``."""
    levels: tuple[Level, ...] = field(repr=False)
    """The layers with their weights, from the input on."""
    linear: RawReadout | None = field(repr=False)
    """The readout's weights, if there is one."""
    unused: tuple[str, ...]
    """Arrays of the file that are not part of the network."""
    notes: tuple[str, ...]
    """What was assumed, converted or left out, a sentence each."""
    choices: Mapping[str, tuple[str, ...]] = field(repr=False)
    """What can be corrected, by the name of the correction, and to what."""
    chosen: Mapping[str, str] = field(repr=False)
    """Which of the choices it is now."""

    @property
    def cell(self) -> str:
        """The key in ``CELLS``; several with commas where layers differ."""
        return ", ".join(dict.fromkeys(layer.cell for layer in self._layers))

    @property
    def input_size(self) -> int:
        """I."""
        return self._layers[0].input_size

    @property
    def hidden_size(self) -> int:
        """H of the top layer."""
        return self._layers[-1].hidden_size

    @property
    def output_size(self) -> int:
        """O: the readout's rows, or the hidden states on top."""
        top = sum(layer.hidden_size for layer in self.levels[-1])
        return len(self.linear.W_hy) if self.linear else top

    @property
    def layers(self) -> int:
        """How many levels are on each other."""
        return len(self.levels)

    @property
    def directions(self) -> str:
        """``forward``, or ``both``."""
        return BOTH_WAYS if any(len(level) > 1 for level in self.levels) else ONE_WAY

    @property
    def gates(self) -> str:
        """The order of the gates in the file, ``i f g o``; nothing where there is one block."""
        return ", ".join(dict.fromkeys(" ".join(layer.order) for layer in self._layers))

    @property
    def reset_after(self) -> bool | None:
        """Whether a GRU's reset gate acts behind the product; None for other cells."""
        cells = {layer.cell for layer in self._layers}
        return None if not cells <= {"gru", "gru_cho"} else cells == {"gru"}

    @property
    def readout(self) -> str:
        """The name of the linear layer that is the readout, or ``none``."""
        return self.linear.name if self.linear else NO_READOUT

    @property
    def _layers(self) -> list[RawLayer]:
        return [layer for level in self.levels for layer in level]

    def network(self, dtype: str = "float64") -> Network:
        """The network, its weights in ``float64`` or ``float32``.

        Raises
        ------
        ValueError
            If a weight is too large for float32.
        """
        layers = [_layer(layer, np.dtype(dtype)) for layer in self._layers]
        if self.linear is None:
            return Network(layers)
        linear = {"W_hy": self.linear.W_hy, "b_y": self.linear.b_y}
        own = {key: _typed(W, np.dtype(dtype), self.linear.name) for key, W in linear.items()}
        return Network(layers, Readout(own))

    def to_frame(self) -> pd.DataFrame:
        """What it is taken for, a row each: columns ``what`` and ``value``."""
        sizes = {layer.hidden_size for layer in self._layers}
        rows = {
            "framework": self.framework,
            "cell": ", ".join(CELLS[cell].title for cell in self.cell.split(", ")),
            "inputs": f"{self.input_size}",
            "hidden units": ", ".join(f"{size}" for size in sorted(sizes)),
            "layers": f"{self.layers}",
            "directions": self.directions,
            "gates in the file": self.gates or "one block",
            "readout": one_line(self.readout),
            "outputs": f"{self.output_size}",
        }
        return pd.DataFrame({"what": rows.keys(), "value": rows.values()})


def _layer(raw: RawLayer, dtype: "np.dtype[Any]") -> Layer:
    cell = CELLS[raw.cell](raw.input_size, raw.hidden_size)
    params: Params = {}
    for name, shape in cell.shapes.items():
        if name in raw.weights:
            W = _in_order(raw.weights[name], raw.order, cell.gate_names, raw.hidden_size)
            params[name] = _typed(W, dtype, raw.name)
        elif name in BIASES and not (name == "b_hh" and cell.one_bias):
            params[name] = frozen(np.zeros(shape, dtype))
    return Layer(cell, params, raw.reverse)


def _in_order(W: Array, order: tuple[str, ...], ours: tuple[str, ...], H: int) -> Array:
    """The blocks of H rows, one a gate, in our order."""
    if order == ours or len(W) != len(ours) * H:
        return W
    blocks = dict(zip(order, np.split(W, len(order)), strict=True))
    return np.concatenate([blocks[gate] for gate in ours])


def _typed(W: Array, dtype: "np.dtype[Any]", name: str) -> Array:
    with np.errstate(over="ignore"):
        typed = np.ascontiguousarray(W, dtype)
    if not np.isfinite(typed).all():
        raise ValueError(f"{one_line(name)} must fit into {dtype}, got {np.abs(W).max():.3g}")
    return frozen(typed.copy() if typed is W else typed)
