"""Does the theory of endlessly many random units predict this gradient?"""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from rnnviz.arrays import Array, Float
from rnnviz.cells import CELLS
from rnnviz.cells.vanilla import Vanilla
from rnnviz.diagnostics.gradient_flow import gradient_flow
from rnnviz.mean_field import CELLS as KNOWN
from rnnviz.mean_field import MeanField, critical_gain, critical_input_sd, mean_field
from rnnviz.network import Layer
from rnnviz.products import blocks, one_blas_thread
from rnnviz.record import LayerRecord, Record

__all__ = ["MeanField", "MeanFieldCheck", "critical_input_sd", "mean_field", "mean_field_of"]

BAND = 4.0
"""Times 1/H: how far, as a share of the theory, a finite random network lies from it.

Of tanh networks with Gaussian weights and an input that changes in time, H = 64 and 256, T = 100
and g from 0.7 to 3, about nine in ten seeds lie within it in most settings; fewer where the
gradient vanishes without input, and hardly any with three inputs to 256 units.
"""
_SMALL = 32
"""Fewer units than this are named as few."""
_CURVE = 81
_HARDLY = 0.2
"""Slopes that change by less in time, as a share of their size, leave every step the same."""


@dataclass(frozen=True)
class MeanFieldCheck:
    """The theory of a layer's units beside what its record measured."""

    layer: str
    theory: MeanField
    """At the layer's own gain, std(W_hh) sqrt(H), and the input variance that it saw."""
    measured: float
    """What a step back multiplies the norm by: the fit of the last loss's gradient flow."""
    hidden_size: int
    gains: Float[Array, " N"]
    """Where the curve is drawn."""
    factors: Float[Array, " N"]
    """sqrt(chi) at each of them, with the same input."""
    critical_gain: float
    """Where the curve crosses 1; NaN where the theory is not known."""
    doubtful: tuple[float, float] | None
    """Gains at which the theory is known to be off."""
    warnings: tuple[str, ...]
    """What of this layer the theory does not know, a sentence each."""

    @property
    def band(self) -> float:
        """How far a finite network may lie from the theory, as a share of it: 4/H."""
        return BAND / self.hidden_size

    @property
    def within_band(self) -> bool:
        """Whether what was measured lies that near."""
        return abs(self.measured - self.theory.factor) <= self.band * self.theory.factor

    @property
    def warning(self) -> str:
        """All warnings in a row; empty where there is none."""
        return " ".join(self.warnings)

    @property
    def sentence(self) -> str:
        """Theory and measurement in one sentence."""
        place = "within" if self.within_band else "outside"
        return (
            f"For g = {self.theory.gain:.3g} and an input variance of "
            f"{self.theory.input_variance:.3g} the theory of endlessly many units gives "
            f"×{self.theory.factor:.3g} per step back; measured ×{self.measured:.3g}, {place} the "
            f"band of ±{100 * self.band:.2g} % around it, 4/H."
        )

    def to_frame(self) -> pd.DataFrame:
        """One row a gain: the theory's factor and the ends of the band."""
        return pd.DataFrame(
            {
                "gain": self.gains,
                "factor": self.factors,
                "low": self.factors * max(0.0, 1 - self.band),
                "high": self.factors * (1 + self.band),
            }
        )


def mean_field_of(record: Record, layer: int | None = None) -> MeanFieldCheck:
    """The mean field's factor per step for a layer, beside the one that was measured.

    The gain is the standard deviation of the entries of ``W_hh`` times sqrt(H). The input
    variance is that of W_ih x_t + b over units, sequences and steps: the theory takes it as
    Gaussian over the units, of mean 0, and the same at every step.

    Parameters
    ----------
    record : Record
    layer : the top one that reads forward by default

    Raises
    ------
    ValueError
        If the cell is not tanh, relu or linear.

    Examples
    --------
    >>> import rnnviz as rv
    >>> config = rv.RunConfig(cell="linear", init="normal", gain=0.5, hidden_size=400, steps=20)
    >>> result = mean_field_of(rv.run(config))
    >>> round(result.theory.factor, 2), round(result.measured, 2), result.band
    (0.5, 0.5, 0.01)
    """
    number = record.network.top if layer is None else layer
    at, seen = record.network.layers[number], record.layers[number]
    name = next((name for name in KNOWN if type(at.cell) is CELLS[name]), None)
    if name is None or not isinstance(at.cell, Vanilla):
        raise ValueError(f"mean_field_of takes a cell of {list(KNOWN)}, got {at.cell.title}")
    W = at.params["W_hh"].astype(np.float64)
    with np.errstate(all="ignore"), one_blas_thread():
        gain = float(W.std() * math.sqrt(len(W)))
        # One weight has no spread, but a size.
        gain = gain if len(W) > 1 else float(abs(W[0, 0]))
        driven = _driven(at, seen)
        theory = mean_field(name, gain, driven.variance)
        measured = gradient_flow(record, "last", number).factor
        warnings = (*_of_network(record, number, theory), *_of_weights(W), *_of_input(driven))
        if _change_of_slopes(at.cell, seen) < _HARDLY:
            warnings += (_ALIKE,)
    gains = _gains(gain)
    curve = [mean_field(name, float(g), driven.variance).factor for g in gains]
    critical, doubtful = _critical(theory)
    if doubtful and doubtful[0] < gain < doubtful[1]:
        warnings += (_DOUBTFUL,)
    return MeanFieldCheck(
        layer=record.network.names[number],
        theory=theory,
        measured=measured,
        hidden_size=len(W),
        gains=gains,
        factors=np.array(curve),
        critical_gain=critical,
        doubtful=doubtful,
        warnings=warnings,
    )


@dataclass(frozen=True)
class _Driven:
    """What W_ih x_t + b is over units, sequences and steps."""

    mean: float
    variance: float
    by_step: Float[Array, " T"]
    """Mean square at each step."""


def _driven(layer: Layer, seen: LayerRecord) -> _Driven:
    steps, batch_size = seen.x.shape[:2]
    total, by_step = 0.0, np.empty(steps)
    for block in blocks(steps, seen.h[0]):
        x = seen.x[block]
        a = np.empty((len(x), batch_size, layer.cell.hidden_size), seen.h.dtype)
        layer.cell.project(layer.params, x, a)
        a = a.astype(np.float64)
        by_step[block] = np.mean(a**2, axis=(1, 2))
        total += float(a.sum()) / (a.size / len(x))
    mean = total / steps
    return _Driven(mean, float(np.maximum(0.0, by_step.mean() - mean**2)), by_step)


def _change_of_slopes(cell: Vanilla, seen: LayerRecord) -> float:
    """How much a unit's slope changes in time, as a share of the slopes' size: 0 where none does.

    The standard deviation over the steps, root mean square over units and sequences.
    """
    h = seen.h[1:]
    total, squares = np.zeros(h.shape[1:]), 0.0
    for block in blocks(len(h), h[0]):
        slope = cell.slope(h[block]).astype(np.float64)
        total += slope.sum(axis=0)
        squares += float(np.sum(slope**2))
    mean_square = squares / h.size
    if mean_square == 0:
        return 0.0
    kept = float(np.mean((total / len(h)) ** 2)) / mean_square
    return math.sqrt(max(0.0, 1 - kept))


def _gains(gain: float) -> Float[Array, " N"]:
    """Evenly from 0 to beyond this one, with this one and the bend at 1 among them."""
    known = gain if math.isfinite(gain) else 1.0
    return np.unique([*np.linspace(0, max(2.0, 1.6 * known), _CURVE), 1.0, known])


def _critical(theory: MeanField) -> tuple[float, tuple[float, float] | None]:
    """Where chi is 1, and the gains of a tanh network at which the theory is in doubt."""
    if theory.cell != "tanh":
        return (1.0 if theory.cell == "linear" else math.sqrt(2)), None
    if not math.isfinite(theory.input_variance):
        return math.nan, None
    critical = critical_gain(theory.input_variance)
    return critical, (_DOUBT if critical < _DOUBT[1] else None)


_DOUBT = 1.0, 1.5
"""Gains between which a tanh network is near the edge of chaos, unless much input quietens it."""
_DOUBTFUL = (
    "Between g = 1 and 1.5 a tanh network of finite size often settles on a fixed "
    "point or a cycle where the theory has chaos, so that its gradient need not grow."
)
_ALIKE = (
    "Here every step multiplies by nearly the same matrix, so one eigenvalue decides and not the "
    "average over many steps: a finite network may lie outside the band."
)


def _of_network(record: Record, number: int, theory: MeanField) -> list[str]:
    H = record.network.layers[number].cell.hidden_size
    found = []
    if H < _SMALL:
        found.append(f"{H} units are few: the theory is of endlessly many.")
    if theory.q == math.inf:
        limit = 2 if theory.cell == "relu" else 1
        found.append(
            f"With g^2 above {limit} the state of a {theory.cell} network grows without end, and "
            "q is infinite; the factor holds until numbers overflow."
        )
    if number not in record.network.levels[-1]:
        found.append(
            "The gradient of a lower layer is fed from above at every step, and the theory knows "
            "one layer alone."
        )
    return found


def _of_weights(W: Float[Array, "H H"]) -> list[str]:
    """Whether the weights are unlike independent draws: too regular, or their own mirror image."""
    H, square = len(W), float(np.sum(W**2))
    if H < 8 or not 0 < square < np.inf:
        return []
    # 2 for independent entries of one size, 1 for an orthogonal matrix: Marchenko and Pastur.
    spread = H * float(np.sum((W @ W.T) ** 2)) / square**2
    mirrored = float(np.sum(W * W.T)) / square
    if 1.5 < spread < 3 and abs(mirrored) < 0.5:
        return []
    return [
        "W_hh is not like independent random draws, which the theory takes it for: orthogonal, "
        "identity and trained weights have a spectrum of their own."
    ]


def _of_input(driven: _Driven) -> list[str]:
    found = []
    if driven.mean**2 > driven.variance > 0:
        found.append(
            f"The input shifts all units by {driven.mean:.3g} on average, and the theory has a "
            "mean of 0."
        )
    if driven.by_step.std() > driven.by_step.mean():
        found.append("The input comes in bursts, and the theory takes its average over time.")
    return found
