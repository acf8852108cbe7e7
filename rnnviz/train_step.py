"""What one step of training saw: its numbers, and the network after it."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from rnnviz.arrays import Array, Float, frozen
from rnnviz.moments import MEASURED, Moment, state_arrays, state_from
from rnnviz.network import Network
from rnnviz.optim import Memory

COLUMNS = (
    "step",
    "loss",
    "validation_loss",
    "accuracy",
    "validation_accuracy",
    "grad_norm",
    "clipped_norm",
    "learning_rate",
    "threshold",
    *MEASURED,
)
"""What every history has; behind it ``ratio.<parameter>`` for each, and ``PULLS`` if used."""

PULLS = ("omega", "floss")
"""What the weights are pulled by beside the loss."""


@dataclass(frozen=True, slots=True, eq=False)
class TrainStep:
    """One step: what was measured before the weights moved, and the network after it."""

    number: int
    """Counted from 0: step n reads batch n, and step 0 is the untrained network's run."""
    loss: float
    """The task's alone, whatever else the weights are pulled by."""
    validation_loss: float | None
    """On one held-out batch, every ``VALIDATE_EVERY`` steps and at the last; None between."""
    grad_norm: float
    clipped_norm: float
    """Euclidean norm of all gradients together, before and after clipping."""
    network: Network
    memory: Memory
    """What the optimiser keeps, so that training can go on from here."""
    fault: str | None = None
    """Why training ended here with the weights left as they were, in one sentence."""
    reached: str | None = None
    """Which stop rule ended training here, in one sentence."""
    learning_rate: float = math.nan
    """What the schedule made of the config's."""
    threshold: float = math.nan
    """What the gradient, or each of its entries, was shortened to if it was longer."""
    accuracy: float | None = None
    validation_accuracy: float | None = None
    """Share of right answers; None where the task has no such thing, or it was not taken."""
    omega: float | None = None
    """The regulariser, not yet weighted; None where it is not used."""
    floss: float | None = None
    """The mean squared Lyapunov exponent, not yet weighted; None where flossing is not used."""
    ratios: Float[Array, " P"] | None = None
    """log10 of ||update|| / ||W|| by parameter: -inf for no update, NaN where W was 0."""
    moment: Moment | None = None
    """Taken before this step's weights moved, where the plan has one."""
    norms: Float[Array, " M"] | None = None
    """Every gradient norm so far, where clipping goes by them."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of ``row``."""
        return columns_of(self.network, self._pulls)

    @property
    def row(self) -> tuple[float, ...]:
        """The numbers under ``columns``; NaN where there is none."""
        return (
            float(self.number),
            self.loss,
            _number(self.validation_loss),
            _number(self.accuracy),
            _number(self.validation_accuracy),
            self.grad_norm,
            self.clipped_norm,
            self.learning_rate,
            self.threshold,
            *(self.moment.measured if self.moment else _UNMEASURED),
            *self._ratios(),
            *self._pulls.values(),
        )

    @property
    def _pulls(self) -> dict[str, float]:
        """What was used of ``PULLS``."""
        pulls: dict[str, float | None] = {name: getattr(self, name) for name in PULLS}
        return {name: value for name, value in pulls.items() if value is not None}

    def _ratios(self) -> list[float]:
        if self.ratios is None:
            return [math.nan] * len(self.network.params)
        ratios: list[float] = self.ratios.tolist()
        return ratios

    def arrays(self) -> dict[str, Array]:
        """The step without its moment as named arrays: what ``from_arrays`` takes."""
        words = {"fault": np.array(self.fault or ""), "reached": np.array(self.reached or "")}
        norms = {} if self.norms is None else {"norms": self.norms}
        state = state_arrays(self.network, self.memory)
        pulls = {name: np.array(value) for name, value in self._pulls.items()}
        return {"row": np.array(self.row)} | words | norms | pulls | state

    @classmethod
    def from_arrays(cls, arrays: dict[str, Array], like: Network) -> "TrainStep":
        """The step whose ``arrays`` these are, of a network built as ``like`` is.

        Examples
        --------
        >>> from rnnviz.config import TrainConfig
        >>> from rnnviz.train import train
        >>> config = TrainConfig(hidden_size=4, steps=5, batch_size=2, iterations=2)
        >>> _, step = train(config)
        >>> TrainStep.from_arrays(step.arrays(), step.network).loss == step.loss
        True
        """
        row = arrays["row"]
        network, memory = state_from(arrays, like)
        end = len(COLUMNS) + len(network.params)
        told = dict(zip(COLUMNS, row.tolist(), strict=False))
        optional = ("validation_loss", "accuracy", "validation_accuracy")
        return cls(
            number=int(told["step"]),
            **{name: told[name] for name in _PLAIN},
            **{name: _optional(told[name]) for name in optional},  # type: ignore[arg-type]
            network=network,
            memory=memory,
            fault=str(arrays["fault"]) or None,
            reached=str(arrays["reached"]) or None,
            omega=_kept(arrays, "omega"),
            floss=_kept(arrays, "floss"),
            ratios=frozen(row[len(COLUMNS) : end].copy()),
            norms=frozen(arrays["norms"]) if "norms" in arrays else None,
        )


_UNMEASURED = (math.nan,) * len(MEASURED)
_PLAIN = ("loss", "grad_norm", "clipped_norm", "learning_rate", "threshold")


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _optional(value: float) -> float | None:
    return None if math.isnan(value) else value


def _kept(arrays: dict[str, Array], name: str) -> float | None:
    return float(arrays[name]) if name in arrays else None


def columns_of(network: Network, pulls: Iterable[str] = ()) -> tuple[str, ...]:
    """The columns of a history of training this network, with those of ``PULLS`` that are used."""
    ratios = (f"ratio.{name}" for name in network.params)
    return (*COLUMNS, *ratios, *pulls)
