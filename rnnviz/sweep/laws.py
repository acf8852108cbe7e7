"""What theory knows of a network's gradient before it is run: laws, each for its own networks."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
from scipy.special import expit, logit

from rnnviz.arrays import Array, Float
from rnnviz.config import RunConfig, TrainConfig
from rnnviz.mean_field import critical_gain, critical_input_sd, mean_field
from rnnviz.run import draw
from rnnviz.tasks import TASKS

Critical = Callable[[TrainConfig], float]

_FEW: Final = 32
"""Fewer units than this are named as few, as beside the mean field of one run."""
_DATA: Final = ("task", "steps", "batch_size", "lag", "shortest", "seed", "data_seed")


@dataclass(frozen=True)
class Law:
    """What is known of some networks."""

    name: str
    place: Callable[[TrainConfig], str]
    """The label of where a step is critical."""
    sentence: str
    source: str
    speaks_of: Callable[[TrainConfig], bool]
    factor: Critical
    """What a step back multiplies the gradient's norm by."""
    critical: Mapping[str, Critical]
    """For each knob that can be turned to it, the value at which a step is critical."""
    warnings: Callable[[TrainConfig, Float[Array, " N"]], tuple[str, ...]]
    """What to say of a base, and of the gains that the line passes through: sentences."""


def input_variance_of(config: RunConfig) -> float:
    """The variance of W_ih x_t + b that one layer expects over its weights, on its own data.

    The mean square of the inputs is that of the config's batch, over steps and sequences; the
    variances of weights and biases are those of their schemes.

    Examples
    --------
    >>> config = RunConfig(task="temporal_order", input_init="fixed", input_scale=2, bias="zero")
    >>> round(input_variance_of(config), 9)
    4.0
    """
    H, I = config.hidden_size, TASKS[config.task].input_size
    weight = {"fixed": 1.0, "uniform": 1 / (3 * H), "he": 2 / I}.get(config.input_init, 2 / (H + I))
    bias = 2 / (3 * H) if config.bias == "uniform" else 0.0
    square = _mean_square(tuple((name, getattr(config, name)) for name in _DATA))
    return config.input_scale**2 * weight * square + bias


@lru_cache(maxsize=256)
def _mean_square(data: tuple[tuple[str, Any], ...]) -> float:
    """The mean over steps and sequences of |x|^2."""
    x = draw(RunConfig(**dict(data))).x
    return float(np.einsum("tbi,tbi->", x, x) / (x.shape[0] * x.shape[1]))


_SPREAD: Final[Mapping[str, Callable[[RunConfig], float]]] = {
    "normal": lambda _: 1.0,
    "glorot_normal": lambda _: 1.0,
    "glorot_uniform": lambda _: 1.0,
    "uniform": lambda _: 1 / math.sqrt(3),
    "he": lambda _: math.sqrt(2),
    "fixed": lambda config: math.sqrt(config.hidden_size),
    "critical": lambda config: critical_gain(config.input_variance),
}
"""std(W_hh) sqrt(H) of one gate's independent weights at a gain of 1."""
_RADIUS_1: Final = ("orthogonal", "orthogonal_whole", "identity", "spectral_radius", "sparse")
"""Schemes whose gain is the spectral radius, exactly."""


def _plain(config: RunConfig) -> bool:
    """Whether one layer reads the task and hands its state on to itself alone."""
    alone = config.layers == 1 and config.directions == "forward"
    return alone and not TASKS[config.task].network


def effective_gain(config: RunConfig) -> float:
    """std(W_hh) sqrt(H), expected over the draws; the gain itself of other schemes."""
    return config.gain * (_SPREAD[config.init](config) if config.init in _SPREAD else 1.0)


def _is_mean_field(config: TrainConfig) -> bool:
    unbiased = config.bias != "constant" or config.bias_value == 0
    return _plain(config) and unbiased and config.cell == "tanh" and config.init in _SPREAD


def _critical_scale(config: TrainConfig) -> float:
    """The input scale at which tanh units of this gain have chi = 1; NaN where there is none."""
    least, one = (input_variance_of(config.replace(input_scale=scale)) for scale in (0.0, 1.0))
    room = critical_input_sd(effective_gain(config)) ** 2 - least
    return math.sqrt(room / (one - least)) if room >= 0 and one > least else math.nan


def _doubts(config: TrainConfig, gains: Float[Array, " N"]) -> tuple[str, ...]:
    found = []
    if config.hidden_size < _FEW:
        found.append(f"{config.hidden_size} units are few: the theory is of endlessly many.")
    if config.cell == "tanh" and ((gains > 1) & (gains < 1.5)).any():
        found.append(
            "Between g = 1 and 1.5 a tanh network of finite size often settles on a fixed point "
            "or a cycle where the theory has chaos, so that its gradient need not grow."
        )
    return tuple(found)


def _steps_back(config: TrainConfig) -> int:
    """What a half-life is compared to: the lag where the task has one, else the sequence."""
    return config.lag if TASKS[config.task].uses_lag else config.steps


MEAN_FIELD = Law(
    "mean field",
    lambda _: "χ = 1",
    "In a tanh network of endlessly many random units a step back neither shrinks nor grows the "
    "gradient where χ = g² E[tanh′²] is 1. The input's variance is the one expected over the "
    "weights, on the drawn batch.",
    "Sompolinsky, Crisanti and Sommers (1988); Molgedey, Schuchhardt and Schuster (1992); Chen, "
    "Pennington and Schoenholz (2018), ICML",
    _is_mean_field,
    lambda config: mean_field("tanh", effective_gain(config), input_variance_of(config)).factor,
    {
        "gain": lambda config: (
            critical_gain(input_variance_of(config)) / _SPREAD[config.init](config)
        ),
        "input_scale": _critical_scale,
    },
    _doubts,
)
_RELU = Law(
    "mean field",
    lambda _: "χ = 1",
    "In a relu network of endlessly many random units half of the units pass the gradient on, so "
    "that a step back keeps its norm where g² / 2 is 1.",
    "He et al. (2015), ICCV; Chen, Pennington and Schoenholz (2018), ICML",
    lambda config: _plain(config) and config.cell == "relu" and config.init in _SPREAD,
    lambda config: effective_gain(config) / math.sqrt(2),
    {"gain": lambda config: math.sqrt(2) / _SPREAD[config.init](config)},
    _doubts,
)
_CIRCULAR = Law(
    "circular law",
    lambda _: "radius 1",
    "The eigenvalues of a random matrix of independent entries fill a circle of radius g, the "
    "entries' standard deviation times √H: a linear network's gradient holds where g is 1.",
    "Girko (1984), Circular law; Tao and Vu (2008), Random matrices: the circular law",
    lambda config: _plain(config) and config.cell == "linear" and config.init in _SPREAD,
    effective_gain,
    {"gain": lambda config: 1 / _SPREAD[config.init](config)},
    _doubts,
)
_EXACT = Law(
    "spectral radius",
    lambda _: "radius 1",
    "The spectral radius of these weights is the gain, exactly: a linear network's gradient holds "
    "where it is 1.",
    "Saxe, McClelland and Ganguli (2014), ICLR",
    lambda config: _plain(config) and config.cell == "linear" and config.init in _RADIUS_1,
    lambda config: config.gain,
    {"gain": lambda _: 1.0},
    lambda *_: (),
)
FORGET = Law(
    "forget gate",
    lambda config: "half-life = " + ("lag" if TASKS[config.task].uses_lag else "T"),
    "At zero weights a step back through the cell keeps σ(b) of the gradient, b the bias of the "
    "gate that keeps; at σ(b) = 0.5^(1/k) half of it is left k steps back, k the lag where the "
    "task has one and else the length.",
    "Gers, Schmidhuber and Cummins (2000), Learning to forget; Jozefowicz, Zaremba and Sutskever "
    "(2015), ICML",
    lambda config: (
        _plain(config) and config.cell in ("lstm", "gru") and config.gate_bias == "forget"
    ),
    lambda config: float(expit(config.forget_bias)),
    {"forget_bias": lambda config: float(logit(0.5 ** (1 / max(_steps_back(config), 1))))},
    lambda *_: (
        "The theory is of zero weights: weights and inputs move the gate, and a network's own "
        "recurrence adds to what the cell keeps.",
    ),
)
LAWS: Final = (MEAN_FIELD, _RELU, _CIRCULAR, _EXACT, FORGET)
