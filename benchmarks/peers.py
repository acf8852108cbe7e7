"""What a run is measured against: the same network, data and loss in PyTorch, on one thread."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

import rnnviz as rv

Work = Callable[[], object]


@dataclass(frozen=True)
class Case:
    """One size: a layer of a cell and a linear readout, scored at every step."""

    T: int
    B: int
    H: int
    cell: str = "tanh"
    dtype: str = "float64"
    I: int = 1
    O: int = 1


def ours(case: Case) -> tuple[Work, rv.Network, np.ndarray, np.ndarray]:
    """Forward and BPTT with everything recorded."""
    config = rv.RunConfig(cell=case.cell, hidden_size=case.H, dtype=case.dtype)
    network = rv.build(config, case.I, case.O)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(case.T, case.B, case.I)).astype(case.dtype)
    target = rng.normal(size=(case.T, case.B, case.O)).astype(case.dtype)
    loss = rv.losses.MSE(target)
    return lambda: rv.bptt(network, x, loss), network, x, target


STEPS = {"Tanh": torch.nn.RNNCell, "LSTM": torch.nn.LSTMCell, "GRU": torch.nn.GRUCell}
FUSED = {"Tanh": torch.nn.RNN, "LSTM": torch.nn.LSTM, "GRU": torch.nn.GRU}
"""PyTorch's modules for our cells."""


def cell_loop(network: rv.Network, x: np.ndarray, target: np.ndarray) -> Work:
    """What a user would write: a cell in a loop, ``retain_grad`` on every state."""
    kind = type(network.layers[0].cell).__name__
    cell = filled(STEPS[kind](x.shape[2], hidden(network), dtype=_dtype(x)), network)
    readout, x_twin, y_twin = readout_of(network, x), _leaf(x), torch.tensor(target)

    def work() -> object:
        _forget(cell, readout, x_twin)
        h = torch.zeros(x.shape[1], hidden(network), dtype=x_twin.dtype)
        state = (h, h) if kind == "LSTM" else h
        states = []
        for x_t in x_twin:
            state = cell(x_t, state)
            for part in state if kind == "LSTM" else (state,):
                part.retain_grad()
            states.append(state[0] if kind == "LSTM" else state)
        torch.nn.functional.mse_loss(readout(torch.stack(states)), y_twin).backward()
        return [h.grad for h in states]

    return work


def fused(network: rv.Network, x: np.ndarray, target: np.ndarray) -> Work:
    """PyTorch's whole layer, whose time loop is compiled and records nothing."""
    kind = type(network.layers[0].cell).__name__
    layer = filled(FUSED[kind](x.shape[2], hidden(network), dtype=_dtype(x)), network)
    readout, x_twin, y_twin = readout_of(network, x), _leaf(x), torch.tensor(target)

    def work() -> object:
        _forget(layer, readout, x_twin)
        h, _ = layer(x_twin)
        torch.nn.functional.mse_loss(readout(h), y_twin).backward()
        return x_twin.grad

    return work


def filled(module: torch.nn.Module, network: rv.Network) -> torch.nn.Module:
    """The module with our weights."""
    params = network.layers[0].params
    with torch.no_grad():
        for name, tensor in module.named_parameters():
            ours = name.removesuffix("_l0").replace("weight", "W").replace("bias", "b")
            tensor.copy_(torch.tensor(params[ours]))
    return module


def readout_of(network: rv.Network, x: np.ndarray) -> torch.nn.Module:
    """Our readout as PyTorch's module."""
    assert network.readout
    W_hy, b_y = (torch.tensor(network.readout.params[name]) for name in ("W_hy", "b_y"))
    module = torch.nn.Linear(W_hy.shape[1], W_hy.shape[0], dtype=_dtype(x))
    with torch.no_grad():
        module.weight.copy_(W_hy)
        module.bias.copy_(b_y)
    return module


def _forget(*leaves: torch.nn.Module | torch.Tensor) -> None:
    for leaf in leaves:
        if isinstance(leaf, torch.nn.Module):
            leaf.zero_grad(set_to_none=True)
        else:
            leaf.grad = None


def _leaf(x: np.ndarray) -> torch.Tensor:
    return torch.tensor(x, requires_grad=True)


def hidden(network: rv.Network) -> int:
    """H."""
    return network.layers[0].cell.hidden_size


def _dtype(x: np.ndarray) -> torch.dtype:
    return torch.float64 if x.dtype == np.float64 else torch.float32
