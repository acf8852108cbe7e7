"""What every optimiser offers: a memory to begin with, and an update."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from rnnviz.arrays import Array, Float

Memory = tuple[Array, ...]
"""What an optimiser keeps from one update to the next: all of it, so that training can go on."""


@dataclass(frozen=True)
class Optimizer(ABC):
    """A rule that moves the weights: it holds rates, not memory.

    All parameters are one vector theta, for none of these rules looks at more than one weight
    and its own past. Meaning and defaults are those of ``torch.optim``.
    """

    learning_rate: float
    """Of an update that is not given one of its own."""
    momentum: float = 0.9
    """Read by ``Momentum`` and ``Nesterov`` alone."""
    weight_decay: float = 0.0
    """Times theta, added to the gradient (an L2 penalty); ``AdamW`` takes it off theta itself."""

    title: ClassVar[str]
    paper: ClassVar[str]

    @abstractmethod
    def init(self, theta: Float[Array, " N"]) -> Memory:
        """The memory before the first update."""

    def update(
        self,
        theta: Float[Array, " N"],
        g: Float[Array, " N"],
        memory: Memory,
        rate: float | None = None,
    ) -> tuple[Float[Array, " N"], Memory]:
        """The next weights and memory, as new arrays.

        Parameters
        ----------
        theta, g : the weights and the gradient, (N,)
        memory : what ``init`` or the last update gave
        rate : this update's learning rate; ``learning_rate`` if left out
        """
        return self._update(theta, g, memory, self.learning_rate if rate is None else rate)

    @abstractmethod
    def _update(
        self, theta: Float[Array, " N"], g: Float[Array, " N"], memory: Memory, rate: float
    ) -> tuple[Float[Array, " N"], Memory]: ...

    def _decayed(self, theta: Float[Array, " N"], g: Float[Array, " N"]) -> Float[Array, " N"]:
        """The gradient of the loss with weight_decay / 2 times the squared norm of theta."""
        return g + self.weight_decay * theta if self.weight_decay else g
