"""What bounds do a vanilla network's weights and slopes alone set to its gradient?"""

from dataclasses import dataclass

import numpy as np

from rnnviz.arrays import Array, Float
from rnnviz.cells.vanilla import Vanilla
from rnnviz.diagnostics.gradient_flow import log10_mean
from rnnviz.network import Layer
from rnnviz.record import LayerRecord


@dataclass(frozen=True)
class Pascanu:
    """The bounds by weights and slopes alone, of a cell with s_t = f(W_ih x_t + W_hh s_{t-1} + b).

    Pascanu, Mikolov and Bengio (2013), On the difficulty of training recurrent neural networks,
    section 2.1.
    """

    gamma: float
    """The largest slope of f anywhere: 1 of tanh, 1/4 of sigmoid."""
    largest: float
    """Largest singular value of ``W_hh``."""
    smallest: float
    """Smallest singular value of ``W_hh``."""
    upper: Float[Array, " K"]
    """log10 of the norm at the loss times (gamma sigma_max)^k."""
    lower: Float[Array, " K"]
    """log10 of the norm at the loss times sigma_min min |f'| of every step passed.

    The slope is the least that a unit had at that step in that sequence.
    """

    @property
    def condition(self) -> str:
        """Which of the paper's two conditions the weights meet."""
        limit = 1 / self.gamma
        size = f"The largest singular value of W_hh is {self.largest:.3g}"
        if np.isclose(self.largest, limit, rtol=1e-6, atol=0):
            return f"{size}, just 1/γ: the gradient cannot explode, and need not vanish."
        if self.largest < limit:
            return f"{size}, below 1/γ = {limit:.3g}: enough for the gradient to vanish."
        return (
            f"{size}, above 1/γ = {limit:.3g}: the gradient cannot explode without that, and "
            "with it may still vanish."
        )


def pascanu(
    layer: Layer, cell: Vanilla, seen: LayerRecord, norms: Float[Array, "K B"]
) -> tuple[Pascanu, Array, Array]:
    """The bounds by the weights, and log10 of what each step multiplies by at least, and at most.

    By its flattest and its steepest unit, whatever its Jacobian does to them together.
    """
    W = layer.params["W_hh"].astype(np.float64)
    steps, gamma = len(norms) - 1, cell.steepest
    sizes = np.linalg.svd(W, compute_uv=False) if np.isfinite(W).all() else np.full(2, np.nan)
    slope = np.abs(cell.slope(seen.h[1 : steps + 1])).astype(np.float64)
    high, low = float(sizes[0]), float(sizes[-1])
    low = low if low > len(W) * np.finfo(np.float64).eps * high else 0.0 * low
    least, most = np.log10(slope.min(axis=2) * low), np.log10(slope.max(axis=2) * high)
    anywhere = np.full_like(least, np.log10(gamma * high))
    upper, lower = (mean_along(norms[0], size) for size in (anywhere, least))
    return Pascanu(gamma, high, low, upper, lower), least, most


def mean_along(start: Float[Array, " B"], steps: Float[Array, "M B"]) -> Float[Array, " K"]:
    """log10 of the batch mean at the loss and at each lag, if every step added this much."""
    return log10_mean(np.cumsum(np.concatenate([start[None], steps[::-1]]), axis=0))
