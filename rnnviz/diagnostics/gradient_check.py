"""Can the gradient be trusted? Each sampled entry against a central difference of the loss."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from rnnviz.arrays import Array, Float, Params
from rnnviz.bptt import bptt, predict
from rnnviz.losses import Loss
from rnnviz.network import Network

TOLERANCE = 1e-5


@dataclass(frozen=True)
class CheckedEntry:
    """One entry of one parameter: its derivative by BPTT and by central difference."""

    parameter: str
    index: tuple[int, ...]
    bptt: float
    difference: float
    error: float
    """Absolute difference, divided by the largest gradient of the same parameter."""


@dataclass(frozen=True)
class GradientCheck:
    """The sampled entries, and the worst of them."""

    entries: tuple[CheckedEntry, ...]

    @property
    def worst(self) -> CheckedEntry:
        """The entry with the largest error; one that is not a number is worse than any."""
        return max(self.entries, key=lambda e: np.inf if np.isnan(e.error) else e.error)

    @property
    def passed(self) -> bool:
        """True if every error is below 1e-5."""
        return bool(self.worst.error < TOLERANCE)

    @property
    def sentence(self) -> str:
        """What came out, with the worst entry named."""
        worst = self.worst
        word = "agrees with" if self.passed else "differs from"
        return (
            f"BPTT {word} central differences at {len(self.entries)} entries; the worst is "
            f"{worst.parameter}{list(worst.index)}, off by {worst.error:.1e} of that parameter's "
            "largest gradient."
        )

    def to_frame(self) -> pd.DataFrame:
        """One row an entry."""
        return pd.DataFrame([vars(entry) for entry in self.entries])


def gradient_check(
    network: Network,
    x: Float[Array, "T B I"],
    loss: Loss,
    *,
    per_parameter: int = 4,
    seed: int = 0,
    step: float = 1e-5,
) -> GradientCheck:
    """Compare BPTT with (L(w + step) - L(w - step)) / (2 step) at a seeded sample of entries.

    The differences are taken in float64 whatever the network's precision. In a network whose
    gradient explodes the difference itself is what fails: the loss bends within one step.

    Parameters
    ----------
    network, x, loss : as for ``bptt``
    per_parameter : entries drawn from each parameter, without repetition
    seed : draws the entries
    step : how far each entry is moved, either way
    """
    grads = bptt(network, x, loss).grads
    params = {name: W.astype(np.float64) for name, W in network.params.items()}
    x = x.astype(np.float64)
    rng = np.random.default_rng(seed)
    entries = []
    for name, W in params.items():
        scale = float(np.abs(grads[name]).max()) or 1.0
        for flat in rng.choice(W.size, min(per_parameter, W.size), replace=False):
            index = tuple(int(i) for i in np.unravel_index(flat, W.shape))
            slope = _difference(network, params, name, index, x, loss, step)
            exact = float(grads[name][index])
            entries.append(CheckedEntry(name, index, exact, slope, abs(exact - slope) / scale))
    return GradientCheck(tuple(entries))


def _difference(
    network: Network,
    params: Params,
    name: str,
    index: tuple[int, ...],
    x: Array,
    loss: Loss,
    step: float,
) -> float:
    def moved(by: float) -> float:
        W = params[name].copy()
        W[index] += by
        y = predict(network.with_params({**params, name: W}), x)
        with np.errstate(all="ignore"):
            return float(loss.value_and_grad(y)[0].sum())

    return (moved(step) - moved(-step)) / (2 * step)
