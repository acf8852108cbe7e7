"""What a network of endlessly many units with random weights does to a gradient.

With W_ij from N(0, g^2/H), and an input that varies from unit to unit, a pre-activation sqrt(q) z,
z standard normal, has at the fixed point the variance

    q = g^2 E[f(sqrt(q) z)^2] + the variance that input and biases add,

and a step back multiplies the squared norm of the gradient by

    chi = g^2 E[f'(sqrt(q) z)^2].

Sompolinsky, Crisanti and Sommers (1988), Chaos in random neural networks, without input;
Molgedey, Schuchhardt and Schuster (1992), Suppressing chaos in neural networks by noise, with
one; Chen, Pennington and Schoenholz (2018), Dynamical isometry and a mean field theory of RNNs,
ICML, on the gradient.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

_HOMOGENEOUS = {"relu": 0.5, "linear": 1.0}
"""E[f(sqrt(q) z)^2] / q, and E[f'^2] as well, of units that have no scale of their own."""
CELLS = ("tanh", *_HOMOGENEOUS)
"""Cells that the theory is written for."""


@dataclass(frozen=True)
class MeanField:
    """The fixed point of a random network with endlessly many units."""

    cell: str
    gain: float
    """g: the standard deviation of the recurrent weights times sqrt(H)."""
    input_variance: float
    """What input and biases add to the variance of a pre-activation."""
    q: float
    """Variance of a pre-activation: infinite where it grows without end."""
    chi: float
    """What a step back multiplies the squared norm of the gradient by."""

    @property
    def factor(self) -> float:
        """What a step back multiplies the gradient's norm by: sqrt(chi)."""
        return math.sqrt(self.chi)


def mean_field(cell: str, gain: float, input_variance: float) -> MeanField:
    """Variance of a pre-activation at the fixed point, and chi there.

    NaN where the gain or the input is not finite. At q = 0 without an input, chi is that of an
    infinitely small state.

    Parameters
    ----------
    cell : "tanh", "relu" or "linear"
    gain : g, at least 0; the weights are N(0, g^2/H)
    input_variance : at least 0

    Raises
    ------
    ValueError
        If the cell is another, or a number is negative.

    Examples
    --------
    >>> mean_field("linear", 0.5, 3.0).q, mean_field("relu", 2.0, 1.0).q
    (4.0, inf)
    >>> field = mean_field("tanh", 2.0, 0.0)
    >>> round(field.q, 4), round(field.factor, 4)
    (2.1215, 1.1673)
    """
    if cell not in CELLS:
        raise ValueError(f"mean_field takes one of {list(CELLS)}, got {cell!r}")
    if gain < 0 or input_variance < 0:
        raise ValueError(
            "mean_field takes a gain and an input_variance of at least 0, "
            f"got {gain} and {input_variance}"
        )
    fixed_point = _tanh if cell == "tanh" else partial(_homogeneous, _HOMOGENEOUS[cell])
    known = math.isfinite(gain * gain + input_variance)
    q, chi = fixed_point(gain, input_variance) if known else (math.nan, math.nan)
    return MeanField(cell, gain, input_variance, q, chi)


def critical_gain(input_variance: float) -> float:
    """The g at which tanh units neither lose gradients nor let them grow: chi = 1.

    1 without input, more with it.

    Examples
    --------
    >>> critical_gain(0.0), round(critical_gain(1.0), 3)
    (1.0, 1.856)
    """

    def without_recurrence(q: float) -> float:
        """How much of q is left for the input, if chi is 1."""
        tanh_2, sech_4 = over_normal(q)
        return q - tanh_2 / sech_4 - input_variance

    q = _root(without_recurrence, 0.0, 2 * input_variance + 10, xtol=1e-13)
    return 1 / math.sqrt(over_normal(q)[1])


def critical_input_sd(gain: float) -> float:
    """The standard deviation of the input at which tanh units of this gain have chi = 1.

    More input than this quietens the network, and its gradients vanish; less, and they grow.
    The inverse of ``critical_gain``, of the square of this. NaN below a gain of 1, where
    gradients vanish with any input and without.

    Examples
    --------
    >>> [round(critical_input_sd(g), 3) for g in (1.0, 1.5, 2.0, 3.0)]
    [0.0, 0.431, 1.279, 3.883]
    """
    if not 1 <= gain < math.inf:
        return math.nan
    # E[sech^4] is below 2 / (3 sqrt(q)), which is 1 / (2 g^2) at this end.
    q = _root(lambda q: gain**2 * over_normal(q)[1] - 1, 0.0, (4 * gain**2 / 3) ** 2, xtol=1e-14)
    return math.sqrt(max(0.0, q - gain**2 * over_normal(q)[0]))


def _root(sign: Callable[[float], float], low: float, high: float, **within: float) -> float:
    """Where a function changes its sign between two ends."""
    from scipy.optimize import brentq  # an eighth of a process's start, which few have use for

    return float(brentq(sign, low, high, **within))


def over_normal(q: float) -> tuple[float, float]:
    """E[tanh(sqrt(q) z)^2] and E[sech(sqrt(q) z)^4] over a standard normal z.

    Equally spaced points converge exponentially here, to rounding; Gauss-Hermite misses the
    narrow sech of a large q, so the points are laid where sech is not 0.
    """
    if q == 0:
        return 0.0, 1.0
    sd = math.sqrt(q)
    reach = 20 / max(sd, 2.0)
    z = reach * np.linspace(-1, 1, _POINTS)
    weight = np.exp(-(z**2) / 2) * (2 * reach / (_POINTS - 1) / math.sqrt(2 * math.pi))
    sech_2 = np.cosh(sd * z) ** -2
    sech_4 = float(weight @ sech_2**2)
    if q < 1:  # where 1 - sech^2 would lose digits
        return float(weight @ np.tanh(sd * z) ** 2), sech_4
    return 1 - float(weight @ sech_2), sech_4


_POINTS = 801


def _tanh(gain: float, input_variance: float) -> tuple[float, float]:
    if input_variance == 0 and gain <= 1:
        return 0.0, gain**2

    def excess(q: float) -> float:
        return gain**2 * over_normal(q)[0] + input_variance - q

    # E[tanh^2] > q - 2 q^2, so without input the fixed point that is not 0 lies above this.
    low = max(input_variance, (1 - gain**-2) / 4 if gain > 1 else 0.0)
    high = input_variance + gain**2
    # Rounding decides the sign where both ends are the fixed point.
    inside = excess(low) > 0 > excess(high)
    q = _root(excess, low, high, xtol=1e-300, rtol=1e-14) if inside else low
    return float(q), gain**2 * over_normal(q)[1]


def _homogeneous(slope: float, gain: float, input_variance: float) -> tuple[float, float]:
    chi = slope * gain**2
    if input_variance == 0 and chi <= 1:
        return 0.0, chi
    return (input_variance / (1 - chi) if chi < 1 else math.inf), chi
