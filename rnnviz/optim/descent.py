"""Optimisers that step along the gradient, or along a running sum of gradients."""

from dataclasses import dataclass

import numpy as np

from rnnviz.arrays import Array, Float
from rnnviz.optim.base import Memory, Optimizer


@dataclass(frozen=True)
class SGD(Optimizer):
    """Straight down the gradient."""

    title = "SGD"
    paper = (
        "Robbins and Monro (1951), A stochastic approximation method, Annals of Mathematical "
        "Statistics 22(3), 400-407"
    )

    def init(self, theta: Float[Array, " N"]) -> Memory:  # noqa: ARG002
        """Nothing."""
        return ()

    def _update(
        self, theta: Float[Array, " N"], g: Float[Array, " N"], memory: Memory, rate: float
    ) -> tuple[Float[Array, " N"], Memory]:
        """theta_t = theta_{t-1} - lr g."""
        return theta - rate * self._decayed(theta, g), memory


@dataclass(frozen=True)
class Momentum(Optimizer):
    """Down a running sum of gradients, where each counts ``momentum`` times the one after it."""

    title = "SGD with momentum"
    paper = (
        "Polyak (1964), Some methods of speeding up the convergence of iteration methods, USSR "
        "Computational Mathematics and Mathematical Physics 4(5), 1-17"
    )

    def init(self, theta: Float[Array, " N"]) -> Memory:
        """The running sum: 0."""
        return (np.zeros_like(theta),)

    def _update(
        self, theta: Float[Array, " N"], g: Float[Array, " N"], memory: Memory, rate: float
    ) -> tuple[Float[Array, " N"], Memory]:
        """m_t = mu m_{t-1} + g;  theta_t = theta_{t-1} - lr m_t."""
        (m,) = memory
        m = self.momentum * m + self._decayed(theta, g)
        return theta - rate * m, (m,)


@dataclass(frozen=True)
class Nesterov(Momentum):
    """Momentum that looks ahead: the sum counts once more before the gradient is added."""

    title = "Nesterov momentum"
    paper = (
        "Sutskever, Martens, Dahl and Hinton (2013), On the importance of initialization and "
        "momentum in deep learning, ICML; after Nesterov (1983), Soviet Mathematics Doklady 27"
    )

    def _update(
        self, theta: Float[Array, " N"], g: Float[Array, " N"], memory: Memory, rate: float
    ) -> tuple[Float[Array, " N"], Memory]:
        """m_t = mu m_{t-1} + g;  theta_t = theta_{t-1} - lr (g + mu m_t)."""
        (m,) = memory
        g = self._decayed(theta, g)
        m = self.momentum * m + g
        return theta - rate * (g + self.momentum * m), (m,)
