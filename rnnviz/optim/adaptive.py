"""Optimisers that divide each weight's step by the size of its recent gradients."""

from dataclasses import dataclass
from math import sqrt
from typing import ClassVar

import numpy as np

from rnnviz.arrays import Array, Float
from rnnviz.optim.base import Memory, Optimizer


@dataclass(frozen=True)
class RMSProp(Optimizer):
    """Each weight's gradient over the root of its recent mean square."""

    title = "RMSProp"
    paper = (
        "Tieleman and Hinton (2012), Lecture 6.5: RMSProp, COURSERA: Neural networks for machine "
        "learning"
    )
    alpha: ClassVar[float] = 0.99
    epsilon: ClassVar[float] = 1e-8

    def init(self, theta: Float[Array, " N"]) -> Memory:
        """The mean square: 0."""
        return (np.zeros_like(theta),)

    def _update(
        self, theta: Float[Array, " N"], g: Float[Array, " N"], memory: Memory, rate: float
    ) -> tuple[Float[Array, " N"], Memory]:
        """v_t = a v_{t-1} + (1 - a) g^2;  theta_t = theta_{t-1} - lr g / (sqrt(v_t) + eps)."""
        g = self._decayed(theta, g)
        v = _mean(memory[0], self.alpha, g * g)
        return _moved(theta, rate, g, np.sqrt(v), self.epsilon), (v,)


@dataclass(frozen=True)
class Adam(Optimizer):
    """The gradient's running mean over the root of its running mean square.

    Both start at 0, and are divided by how much of them is no longer that start.
    """

    title = "Adam"
    paper = (
        "Kingma and Ba (2015), Adam: a method for stochastic optimization, ICLR, arXiv:1412.6980, "
        "algorithm 1"
    )
    beta1: ClassVar[float] = 0.9
    beta2: ClassVar[float] = 0.999
    epsilon: ClassVar[float] = 1e-8

    def init(self, theta: Float[Array, " N"]) -> Memory:
        """The mean, the mean square, and how many updates there were: 0."""
        return np.zeros_like(theta), np.zeros_like(theta), np.array(0)

    def _update(
        self, theta: Float[Array, " N"], g: Float[Array, " N"], memory: Memory, rate: float
    ) -> tuple[Float[Array, " N"], Memory]:
        """m_t = b1 m_{t-1} + (1 - b1) g;  v_t likewise of g^2;  both over 1 - b^t."""
        return self._step(theta, self._decayed(theta, g), memory, rate)

    def _step(
        self, theta: Float[Array, " N"], g: Float[Array, " N"], memory: Memory, rate: float
    ) -> tuple[Float[Array, " N"], Memory]:
        m, v, count = memory
        t = int(count) + 1
        m = _mean(m, self.beta1, g)
        v = _mean(v, self.beta2, g * g)
        root = np.sqrt(v)
        root *= 1 / sqrt(1 - self.beta2**t)
        moved = _moved(theta, rate / (1 - self.beta1**t), m, root, self.epsilon)
        return moved, (m, v, np.array(t))


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam with its weight decay beside it: each weight shrinks alike, whatever its gradients."""

    title = "AdamW"
    paper = (
        "Loshchilov and Hutter (2019), Decoupled weight decay regularization, ICLR, "
        "arXiv:1711.05101, algorithm 2"
    )

    def _update(
        self, theta: Float[Array, " N"], g: Float[Array, " N"], memory: Memory, rate: float
    ) -> tuple[Float[Array, " N"], Memory]:
        """theta_{t-1} times 1 - lr weight_decay, and then Adam's step."""
        return self._step((1 - rate * self.weight_decay) * theta, g, memory, rate)


def _mean(mean: Array, beta: float, new: Array) -> Array:
    """The running mean with one more value."""
    moved: Array = mean * beta
    moved += (1 - beta) * new
    return moved


def _moved(theta: Array, rate: float, along: Array, size: Array, epsilon: float) -> Array:
    """Theta - rate * along / (size + epsilon); ``size`` is written over."""
    size += epsilon
    np.divide(along, size, size)
    size *= rate
    return np.subtract(theta, size, size)
