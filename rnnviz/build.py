"""From a config to the untrained network it describes."""

import numpy as np

from rnnviz.arrays import Array, Float, Params, frozen
from rnnviz.cells import CELLS, Cell
from rnnviz.config import RunConfig
from rnnviz.initializers import INPUT, RECURRENT, Initializer, uniform
from rnnviz.network import Layer, Network, Readout

_READOUT = 99
"""The readout's number where a layer has its own: above any layer's."""


def build(config: RunConfig, input_size: int, output_size: int) -> Network:
    """The untrained network that a config describes: equal configs give equal weights.

    Every parameter has a stream of random numbers of its own, so that another number of
    layers, another gain or another input scheme leaves all other weights as they were.

    Parameters
    ----------
    config : RunConfig
    input_size : I
    output_size : O; without a readout the outputs are the H hidden states, and O is not used
    """
    dtype = np.dtype(config.dtype)
    layers = []
    for number in range(config.layers):
        cell = CELLS[config.cell](
            input_size if number == 0 else config.hidden_size, config.hidden_size
        )
        drawn = _draw(config, cell, number)
        layers.append(Layer(cell, {name: frozen(W.astype(dtype)) for name, W in drawn.items()}))
    if config.readout == "none":
        return Network(layers)
    H = config.hidden_size
    drawn = {
        "W_hy": uniform(config.rng("weights", _READOUT, 0), H, output_size).T,
        "b_y": _row(config.rng("weights", _READOUT, 1), H, output_size),
    }
    contiguous = {name: np.ascontiguousarray(W, dtype) for name, W in drawn.items()}
    return Network(layers, Readout({name: frozen(W) for name, W in contiguous.items()}))


def _draw(config: RunConfig, cell: Cell, number: int) -> Params:
    drawn: Params = {}
    for index, (name, shape) in enumerate(cell.shapes.items()):
        rng = config.rng("weights", number, index)
        H = cell.hidden_size
        if name == "b_hh" and config.bias == "single" and cell.one_bias:
            continue
        if name == "W_hh":
            drawn[name] = config.gain * _by_gate(RECURRENT[config.init], rng, shape, H)
        elif name == "W_ih":
            drawn[name] = config.input_scale * _by_gate(INPUT[config.input_init], rng, shape, H)
        else:
            drawn[name] = _bias(config, rng, name, shape, H)
    return drawn


def _by_gate(
    scheme: Initializer, rng: np.random.Generator, shape: tuple[int, ...], H: int
) -> Array:
    rows, columns = shape
    return np.concatenate([scheme.draw(rng, H, columns) for _ in range(rows // H)])


def _bias(
    config: RunConfig, rng: np.random.Generator, name: str, shape: tuple[int, ...], H: int
) -> Float[Array, " rows"]:
    if config.bias == "uniform":
        return _row(rng, H, shape[0])
    constant = config.bias == "constant" and name == "b_ih"
    return np.full(shape, config.bias_value if constant else 0.0)


def _row(rng: np.random.Generator, H: int, size: int) -> Float[Array, " size"]:
    """PyTorch's default for a bias: U(-1/sqrt(H), 1/sqrt(H))."""
    return rng.uniform(-1 / np.sqrt(H), 1 / np.sqrt(H), size)
