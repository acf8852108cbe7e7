"""From a config to the untrained network it describes."""

from dataclasses import fields

import numpy as np

from rnnviz.arrays import Array, Float, Params, frozen
from rnnviz.cells import CELLS, Cell
from rnnviz.config import RunConfig
from rnnviz.initializers import INPUT, RECURRENT, Initializer, uniform
from rnnviz.network import Layer, Network, Readout
from rnnviz.products import one_blas_thread
from rnnviz.stopping import breathe
from rnnviz.tasks import TASKS

_READOUT = 99
"""The readout's number where a layer has its own: above any layer's."""
_REVERSE = 100
"""What is added to a layer's number for the one that reads what it reads in reverse."""
_TIMES = 98
"""The number of a layer's stream for the times that chrono draws."""
_OWN = 99
"""The number of a layer's stream for what only its kind of cell has: above any parameter's."""


def build(config: RunConfig, input_size: int, output_size: int) -> Network:
    """The untrained network that a config describes: equal configs give equal weights.

    Every parameter has a stream of random numbers of its own, so that another number of
    layers, another gain or another input scheme leaves all other weights as they were. Weights
    that the task prescribes are not drawn.

    Parameters
    ----------
    config : RunConfig
    input_size : I
    output_size : O; without a readout the outputs are the H hidden states, and O is not used

    Raises
    ------
    ValueError
        If the config's task prescribes another network.
    """
    check_prescribed(config)
    with one_blas_thread(config.hidden_size**3):  # the same weights, to the bit, on any machine
        network = _drawn(config, input_size, output_size)
    given = TASKS[config.task].weights()
    typed = {name: frozen(W.astype(network.dtype)) for name, W in given.items()}
    return network.with_params(typed) if given else network


def check_prescribed(config: RunConfig) -> None:
    """Refuse a network other than the one that the config's task prescribes."""
    if asked := config.prescribed:
        allowed = ", ".join(f"{name} {value}" for name, value in asked.items())
        came = ", ".join(str(getattr(config, name)) for name in asked)
        raise ValueError(f"{config.task} must have {allowed}, got {came}")


def _drawn(config: RunConfig, input_size: int, output_size: int) -> Network:
    dtype = np.dtype(config.dtype)
    kind = CELLS[config.cell]
    constants = {f.name: getattr(config, f.name) for f in fields(kind) if f.name in kind.settings}
    layers = []
    size = input_size
    for number in range(config.layers):
        cell = kind(size, config.hidden_size, **constants)
        for reverse in (False, True)[: 1 + (config.directions == "both")]:
            drawn = _draw(config, cell, number + _REVERSE * reverse)
            typed = {name: frozen(W.astype(dtype)) for name, W in drawn.items()}
            layers.append(Layer(cell, typed, reverse))
        size = config.hidden_size * (1 + (config.directions == "both"))
    residual = config.residual == "add"
    if config.readout == "none":
        return Network(layers, residual=residual)
    drawn = {
        "W_hy": uniform(config.rng("weights", _READOUT, 0), size, output_size).T,
        "b_y": _row(config.rng("weights", _READOUT, 1), size, output_size),
    }
    contiguous = {name: np.ascontiguousarray(W, dtype) for name, W in drawn.items()}
    return Network(layers, Readout({name: frozen(W) for name, W in contiguous.items()}), residual)


def _draw(config: RunConfig, cell: Cell, number: int) -> Params:
    drawn: Params = {}
    own = cell.own(config.rng("weights", number, _OWN))
    for index, (name, shape) in enumerate(cell.shapes.items()):
        rng = config.rng("weights", number, index)
        H = cell.hidden_size
        if name == "b_hh" and config.bias == "single" and cell.one_bias:
            continue
        if name in own:
            drawn[name] = (config.gain if name == "w_hh" else 1.0) * own[name]
        elif name == "W_hh":
            drawn[name] = config.gain * _weights(config, RECURRENT[config.init], rng, shape, H)
        elif name == "W_ih":
            scheme = INPUT[config.input_init]
            drawn[name] = config.input_scale * _weights(config, scheme, rng, shape, H)
        else:
            drawn[name] = _bias(config, rng, name, shape, H)
    _set_gate_bias(config, cell, number, drawn)
    return drawn


def _weights(
    config: RunConfig,
    scheme: Initializer,
    rng: np.random.Generator,
    shape: tuple[int, ...],
    H: int,
) -> Array:
    rows, columns = shape
    height = rows if scheme.whole else H
    settings = {name: getattr(config, name) for name in scheme.settings}
    drawn = []
    for _ in range(rows // height):
        breathe()
        drawn.append(scheme.draw(rng, height, columns, **settings))
    return np.concatenate(drawn)


def _bias(
    config: RunConfig, rng: np.random.Generator, name: str, shape: tuple[int, ...], H: int
) -> Float[Array, " rows"]:
    if config.bias == "uniform":
        return _row(rng, H, shape[0])
    constant = config.bias == "constant" and name == "b_ih"
    return np.full(shape, config.bias_value if constant else 0.0)


def _set_gate_bias(config: RunConfig, cell: Cell, number: int, drawn: Params) -> None:
    """Set the bias of the gate that keeps the state, and for chrono of the one that writes.

    Gers, Schmidhuber and Cummins (2000) and Jozefowicz, Zaremba and Sutskever (2015) for one
    value; chrono, ln U(1, t_max - 1): Tallec and Ollivier (2018), section 2.
    """
    if cell.keeps is None or config.gate_bias == "none":
        return
    keeping, sign = cell.keeps
    H = cell.hidden_size
    bias = np.full(H, config.forget_bias)
    if config.gate_bias == "chrono":
        times = config.rng("weights", number, _TIMES).uniform(1, config.t_max - 1, H)
        bias = np.log(times)
        if cell.writes is not None:
            _set_block(cell, drawn, cell.writes, -bias)
    _set_block(cell, drawn, keeping, sign * bias)


def _set_block(cell: Cell, drawn: Params, gate: str, bias: Float[Array, " H"]) -> None:
    """Give one gate this bias in all: ``b_hh`` adds nothing to it."""
    start = cell.gate_names.index(gate) * cell.hidden_size
    block = slice(start, start + cell.hidden_size)
    drawn["b_ih"][block] = bias
    if "b_hh" in drawn:
        drawn["b_hh"][block] = 0


def _row(rng: np.random.Generator, H: int, size: int) -> Float[Array, " size"]:
    """PyTorch's default for a bias: U(-1/sqrt(H), 1/sqrt(H))."""
    return rng.uniform(-1 / np.sqrt(H), 1 / np.sqrt(H), size)
