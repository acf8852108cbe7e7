"""Optimisers: how a gradient moves the weights. To add one: write it, name it in ``OPTIMIZERS``.

Each is a pure pair: ``init`` makes the memory, and ``update`` takes weights, gradient and
memory and gives the next weights and memory.
"""

from rnnviz.optim.adaptive import Adam, AdamW, RMSProp
from rnnviz.optim.base import Memory, Optimizer
from rnnviz.optim.clipping import Clipped, clip, clip_norm, clip_value, norm
from rnnviz.optim.descent import SGD, Momentum, Nesterov
from rnnviz.optim.noise import noisy
from rnnviz.optim.projection import nearest_orthogonal, reprojected
from rnnviz.optim.schedules import SCHEDULES, rate

__all__ = [
    "OPTIMIZERS",
    "SCHEDULES",
    "SGD",
    "Adam",
    "AdamW",
    "Clipped",
    "Memory",
    "Momentum",
    "Nesterov",
    "Optimizer",
    "RMSProp",
    "clip",
    "clip_norm",
    "clip_value",
    "nearest_orthogonal",
    "noisy",
    "norm",
    "rate",
    "reprojected",
]

OPTIMIZERS: dict[str, type[Optimizer]] = {
    "sgd": SGD,
    "momentum": Momentum,
    "nesterov": Nesterov,
    "rmsprop": RMSProp,
    "adam": Adam,
    "adamw": AdamW,
}
