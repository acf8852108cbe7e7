"""Can the gradient be trusted? Each sampled entry against a central difference of the loss."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from rnnviz.arrays import Array, Float
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
    decided: bool = True
    """False if the central difference itself is too uncertain to say anything."""

    @property
    def agrees(self) -> bool:
        """True if the difference decides, and the error is below 1e-5."""
        return self.decided and self.error < TOLERANCE


@dataclass(frozen=True)
class GradientCheck:
    """The sampled entries, and the worst of them."""

    entries: tuple[CheckedEntry, ...]

    @property
    def undecided(self) -> int:
        """At how many entries the central difference cannot decide."""
        return sum(not entry.decided for entry in self.entries)

    @property
    def worst(self) -> CheckedEntry:
        """The decided entry with the largest error (of all, if none is); NaN is worst."""
        decided = [entry for entry in self.entries if entry.decided] or self.entries
        return max(decided, key=lambda e: np.inf if np.isnan(e.error) else e.error)

    @property
    def passed(self) -> bool:
        """True if at least one entry is decided, and every decided one agrees."""
        return self.worst.agrees

    @property
    def sentence(self) -> str:
        """What came out, with the worst entry named."""
        count, decided = len(self.entries), len(self.entries) - self.undecided
        why = "the loss bends, or rounding drowns it"
        if not decided:
            return f"The central difference cannot decide at any of {count} entries: {why}."
        agreeing = sum(entry.agrees for entry in self.entries)
        found = "agrees with" if self.passed else "differs from"
        at = agreeing if self.passed else decided - agreeing
        open_ = f"; at {self.undecided} the difference cannot decide ({why})"
        return (
            f"BPTT {found} central differences at {at} of {count} entries"
            f"{open_ if self.undecided else ''}; the worst is {_off(self.worst)}."
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

    The differences are taken in float64 whatever the network's precision. Each is taken with
    the step and with half of it: where the two do not agree, the loss bends or has a kink within
    the step, as it does when the gradient explodes, and the entry is left undecided. So is one
    whose gradient is below the rounding error of the difference, as where it vanishes.

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

    def loss_of(name: str, index: tuple[int, ...], by: float) -> float:
        W = params[name].copy()
        W[index] += by
        y = predict(network.with_params({**params, name: W}), x)
        with np.errstate(all="ignore"):
            return float(loss.value_and_grad(y)[0].sum())

    rng = np.random.default_rng(seed)
    entries: list[CheckedEntry] = []
    for name, W in params.items():
        drawn = rng.choice(W.size, min(per_parameter, W.size), replace=False)
        indices = [tuple(int(i) for i in np.unravel_index(flat, W.shape)) for flat in drawn]
        slopes = [_slope(partial(loss_of, name, index), step) for index in indices]
        entries += _compared(name, grads[name], indices, slopes)
    return GradientCheck(tuple(entries))


@dataclass(frozen=True)
class _Slope:
    """A central difference, and what may be wrong with it."""

    value: float
    bent: float
    """How much it depends on the step."""
    rounding: float


def _slope(along: Callable[[float], float], step: float) -> _Slope:
    """The slope at 0 of the loss along one entry; the half step bounds the error of the whole.

    A kink exactly at 0 leaves the central difference the same at both steps, but not the second
    difference: on a smooth curve that is proportional to the step.
    """
    losses = [along(k * step) for k in (1, 0.5, 0, -0.5, -1)]
    up, half_up, centre, half_down, down = losses
    whole, half = (up - down) / (2 * step), (half_up - half_down) / step
    turn, half_turn = up - 2 * centre + down, half_up - 2 * centre + half_down
    kink = (4 * half_turn - turn) / step
    rounding = 8 * float(np.finfo(np.float64).eps) * max(map(abs, losses)) / step
    return _Slope(half, abs(whole - half) + abs(kink) / 2, rounding)


def _compared(
    name: str, grad: Array, indices: list[tuple[int, ...]], slopes: list[_Slope]
) -> list[CheckedEntry]:
    """The sampled entries of one parameter.

    Bending is judged by the smaller of both sizes: where the loss is chaotic, its differences
    are nothing beside the gradient, and no less wrong for that.
    """
    scale = _largest(grad) or 1.0
    seen = min(scale, _largest(np.array([slope.value for slope in slopes])))
    entries = []
    for index, slope in zip(indices, slopes, strict=True):
        exact = float(grad[index])
        straight = slope.bent <= max(slope.rounding, TOLERANCE * seen)
        decided = straight and slope.rounding <= TOLERANCE * scale
        error = abs(exact - slope.value) / scale
        entries.append(CheckedEntry(name, index, exact, slope.value, error, decided))
    return entries


def _largest(values: Array) -> float:
    return float(np.abs(values[np.isfinite(values)]).max(initial=0))


def _off(entry: CheckedEntry) -> str:
    where = f"{entry.parameter}{list(entry.index)}"
    if not np.isfinite(entry.error):
        return f"{where}, {entry.bptt:.1e} by BPTT and {entry.difference:.1e} by difference"
    return f"{where}, off by {entry.error:.1e} of that parameter's largest gradient"
