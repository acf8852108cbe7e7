"""A fused layer of PyTorch, found in a module and copied out as layers of ours.

Nothing is imported for it: whoever has such a layer has PyTorch.
"""

from typing import Any, Final

import numpy as np

from rnnviz.arrays import Array
from rnnviz.cells import CELLS
from rnnviz.network import Layer, Network

KINDS: Final = ("RNN", "LSTM", "GRU")
_MODULE: Final = "torch.nn.modules.rnn"
_PARAMS = {"weight_ih": "W_ih", "weight_hh": "W_hh", "bias_ih": "b_ih", "bias_hh": "b_hh"}


def kind_of(part: Any) -> str | None:
    """RNN, LSTM or GRU, also of a class made from one; None of any other module."""
    ways = type(part).__mro__
    found = (kind.__name__ for kind in ways if kind.__module__ == _MODULE)
    return next((name for name in found if name in KINDS), None)


def layer_of(module: Any) -> Any:
    """The one fused layer in a module.

    Raises
    ------
    ValueError
        If there is none, or several.
    """
    found = [part for part in module.modules() if kind_of(part)]
    if len(found) != 1:
        names = ", ".join(str(kind_of(part)) for part in found) or "none"
        raise ValueError(f"the module must have one nn.RNN, nn.LSTM or nn.GRU, got {names}")
    return found[0]


def check(layer: Any) -> None:
    """Refuse a layer that no cell here can stand for.

    Raises
    ------
    ValueError
    """
    kind, dtype = kind_of(layer), str(layer.weight_hh_l0.dtype)
    if layer.proj_size:
        raise ValueError(f"the {kind}'s proj_size must be 0, got {layer.proj_size}")
    if layer.dropout and layer.training and layer.num_layers > 1:
        raise ValueError(
            f"the {kind}'s own dropout must be 0, or the module in eval mode, as what it drops "
            f"between its layers cannot be seen; got {layer.dropout:g}"
        )
    if dtype not in {"torch.float32", "torch.float64"}:
        raise ValueError(f"the {kind}'s weights must be float32 or float64, got {dtype}")


def network_of(layer: Any) -> Network:
    """The layer's own weights, level by level, forward and in reverse; no bias is one of zeros."""
    kind = str(kind_of(layer))
    cell = CELLS[layer.nonlinearity if kind == "RNN" else kind.lower()]
    ways = (False, True)[: 1 + layer.bidirectional]
    return Network(
        [
            _layer(layer, cell, f"_l{level}{'_reverse' * reverse}", reverse=reverse)
            for level in range(layer.num_layers)
            for reverse in ways
        ]
    )


def numpy_of(tensor: Any) -> Array:
    """A tensor's numbers in an array of their own."""
    return np.array(tensor.detach().cpu().numpy())


def _layer(layer: Any, cell: Any, end: str, *, reverse: bool) -> Layer:
    given = {ours: getattr(layer, name + end, None) for name, ours in _PARAMS.items()}
    weights = {name: numpy_of(W) for name, W in given.items() if W is not None}
    rows, H = weights["W_hh"].shape
    for name in ("b_ih", "b_hh"):
        weights.setdefault(name, np.zeros(rows, weights["W_hh"].dtype))
    return Layer(cell(weights["W_ih"].shape[1], H), weights, reverse)
