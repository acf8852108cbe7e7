"""Optimisers: how a gradient moves the weights. To add one: write it, name it in ``OPTIMIZERS``.

Each is a pure pair: ``init`` makes the memory, and ``update`` takes weights, gradient and
memory and gives the next weights and memory. All parameters are one vector theta, for none of
these rules looks at more than one weight and its own past. Meaning and defaults are PyTorch's.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from rnnviz.arrays import Array, Float

Memory = tuple[Array, ...]
"""What an optimiser keeps from one update to the next."""


@dataclass(frozen=True)
class Optimizer(ABC):
    """A rule that moves the weights: it holds rates, not memory."""

    learning_rate: float
    momentum: float = 0.9
    """Read by ``Momentum`` alone."""

    title: ClassVar[str]
    paper: ClassVar[str]

    @abstractmethod
    def init(self, theta: Float[Array, " N"]) -> Memory:
        """The memory before the first update."""

    @abstractmethod
    def update(
        self, theta: Float[Array, " N"], g: Float[Array, " N"], memory: Memory
    ) -> tuple[Float[Array, " N"], Memory]:
        """The next weights and memory, as new arrays."""


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

    def update(
        self, theta: Float[Array, " N"], g: Float[Array, " N"], memory: Memory
    ) -> tuple[Float[Array, " N"], Memory]:
        """theta_t = theta_{t-1} - lr g."""
        return theta - self.learning_rate * g, memory


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

    def update(
        self, theta: Float[Array, " N"], g: Float[Array, " N"], memory: Memory
    ) -> tuple[Float[Array, " N"], Memory]:
        """m_t = mu m_{t-1} + g;  theta_t = theta_{t-1} - lr m_t."""
        (m,) = memory
        m = self.momentum * m + g
        return theta - self.learning_rate * m, (m,)


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

    def update(
        self, theta: Float[Array, " N"], g: Float[Array, " N"], memory: Memory
    ) -> tuple[Float[Array, " N"], Memory]:
        """v_t = a v_{t-1} + (1 - a) g^2;  theta_t = theta_{t-1} - lr g / (sqrt(v_t) + eps)."""
        (v,) = memory
        v = self.alpha * v + (1 - self.alpha) * g * g
        return theta - self.learning_rate * g / (np.sqrt(v) + self.epsilon), (v,)


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

    def update(
        self, theta: Float[Array, " N"], g: Float[Array, " N"], memory: Memory
    ) -> tuple[Float[Array, " N"], Memory]:
        """m_t = b1 m_{t-1} + (1 - b1) g;  v_t likewise of g^2;  both over 1 - b^t."""
        m, v, count = memory
        t = int(count) + 1
        m = self.beta1 * m + (1 - self.beta1) * g
        v = self.beta2 * v + (1 - self.beta2) * g * g
        m_hat = m / (1 - self.beta1**t)
        v_hat = v / (1 - self.beta2**t)
        moved = theta - self.learning_rate * m_hat / (np.sqrt(v_hat) + self.epsilon)
        return moved, (m, v, np.array(t))


OPTIMIZERS: dict[str, type[Optimizer]] = {
    "sgd": SGD,
    "momentum": Momentum,
    "rmsprop": RMSProp,
    "adam": Adam,
}


def norm(g: Float[Array, " N"]) -> float:
    """Euclidean norm, the largest entry taken out first, so that no square under- or overflows.

    Infinite or NaN entries give an infinity or a NaN.

    Examples
    --------
    >>> f"{norm(np.array([3e-200, 4e-200])):.3g}, {norm(np.array([3e200, 4e200])):.3g}"
    '5e-200, 5e+200'
    """
    largest = float(np.abs(g).max(initial=0))
    if largest == 0 or not np.isfinite(largest):
        return largest
    return largest * float(np.sqrt(np.square(g / largest).sum()))


def clip(g: Float[Array, " N"], limit: float) -> tuple[Float[Array, " N"], float, float]:
    """The gradient, shortened to norm ``limit`` if it is longer; its norm before and after.

    As ``torch.nn.utils.clip_grad_norm_``; a limit of 0 never clips. Pascanu, Mikolov and Bengio
    (2013), On the difficulty of training recurrent neural networks, ICML, arXiv:1211.5063.

    Examples
    --------
    >>> clip(np.array([3.0, 4.0]), limit=10.0)[1:]
    (5.0, 5.0)
    """
    length = norm(g)
    if limit == 0:
        return g, length, length
    factor = min(limit / (length + 1e-6), 1.0)
    with np.errstate(invalid="ignore"):
        return g * factor, length, length * factor
