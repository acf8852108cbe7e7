"""What does the loss look like around these weights, and where does descent step?"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

import numpy as np
import pandas as pd

from rnnviz.arrays import Array, Float
from rnnviz.bptt import States
from rnnviz.diagnostics.descent import DescentStep, Plane
from rnnviz.diagnostics.directions import Axis
from rnnviz.losses import Loss
from rnnviz.network import Network
from rnnviz.products import one_blas_thread

Start = Literal["centre", "steepest"] | Sequence[float]


@dataclass(frozen=True)
class LossSurface:
    """The loss on a grid of one or two coordinates around a network's weights."""

    axes: tuple[Axis, ...]
    centre: tuple[float, ...]
    """Where the network stands on each axis: an entry's value, 0 on other axes."""
    offsets: tuple[Float[Array, " N"], ...]
    """Grid along each axis, from the centre, in units of the axis: weights, for an entry."""
    loss: Float[Array, "*G"]
    """(N,), or (N, M) with the first axis along the rows; not finite where a pass overflows."""
    slope: Float[Array, "*G A"] | None
    """Derivative of the loss by each axis at each point, by BPTT, where it was asked for."""
    gradient_norm: Float[Array, "*G"] | None
    """Norm of the gradient over all weights at each point, where it was asked for."""
    step: DescentStep

    @property
    def passes(self) -> int:
        """Forward passes that the grid takes; each with a backward pass if gradients are asked."""
        return int(self.loss.size)

    @property
    def not_finite(self) -> int:
        """Points at which the loss is infinite or not a number."""
        return int((~np.isfinite(self.loss)).sum())

    @property
    def values(self) -> tuple[Float[Array, " N"], ...]:
        """Grid along each axis in its own numbers: the weight's value where it is an entry."""
        pairs = zip(self.centre, self.offsets, strict=True)
        return tuple(centre + offsets for centre, offsets in pairs)

    def tangent(self, offset: Float[Array, " P"]) -> Float[Array, " P"]:
        """The loss that the slope at the step's start foretells this far along the first axis."""
        step = self.step
        with np.errstate(all="ignore"):
            return np.asarray(step.loss + step.slope[0] * (offset - step.start[0]))

    def to_frame(self) -> pd.DataFrame:
        """One row a point: its coordinates, the loss, and the slopes if they were taken."""
        grids = np.meshgrid(*self.values, indexing="ij")
        columns = {f"at_{n}": grid.ravel() for n, grid in enumerate(grids)}
        columns["loss"] = self.loss.ravel()
        if self.slope is not None and self.gradient_norm is not None:
            by_axis = self.slope.reshape(-1, len(self.axes)).T
            columns |= {f"slope_{n}": slope for n, slope in enumerate(by_axis)}
            columns["gradient_norm"] = self.gradient_norm.ravel()
        return pd.DataFrame(columns)


def loss_surface(
    network: Network,
    x: Float[Array, "T B I"],
    loss: Loss,
    axes: Sequence[Axis],
    *,
    s0: States | None = None,
    span: float | Sequence[float] = 1.0,
    points: int = 41,
    gradients: bool = False,
    start: Start = "centre",
    learning_rate: float = 0.1,
    clip: float = 1.0,
) -> LossSurface:
    """The loss of every network on a grid around this one, and the step that descent would take.

    Each point is a forward pass. Pascanu, Mikolov and Bengio (2013), On the difficulty of
    training recurrent neural networks, ICML, section 2.3; Li et al. (2018), Visualizing the loss
    landscape of neural nets, NeurIPS, section 4, for random directions.

    Parameters
    ----------
    network, x, loss, s0 : as for ``bptt``
    axes : one or two directions
    span : how far the grid goes to either side, in units of the axis, or one for each axis
    points : along each axis; an odd number has the network itself in the middle
    gradients : take BPTT's gradient at every point too, at about four times the cost
    start : where the step is taken: "centre", an offset along each axis, or "steepest", the
        point of the grid with the largest finite gradient, which takes all of them
    learning_rate : of plain gradient descent
    clip : norm over all weights that a gradient is shortened to; 0 never clips

    Returns
    -------
    LossSurface
        A loss that is not finite is kept as it came.

    Raises
    ------
    ValueError
        If an axis does not exist or both are the same, or a number makes no sense.

    Examples
    --------
    A linear unit h_1 = w h_0 with h_0 = 1 and target 2 has the loss (w - 2)^2:

    >>> import rnnviz as rv
    >>> W = {"W_ih": np.zeros((1, 1)), "W_hh": np.full((1, 1), 3.0), "b_ih": np.zeros(1)}
    >>> network = rv.Network([rv.Layer(rv.CELLS["linear"](1, 1), W)])
    >>> surface = loss_surface(network, np.zeros((1, 1, 1)), rv.losses.MSE(np.full((1, 1, 1), 2.0)),
    ...                        [Axis("l0.W_hh", (0, 0))], s0=np.ones((1, 1)), points=5, clip=0.0)
    >>> surface.values[0].tolist(), surface.loss.tolist(), surface.step.slope.tolist()
    ([2.0, 2.5, 3.0, 3.5, 4.0], [0.0, 0.25, 1.0, 2.25, 4.0], [2.0])
    """
    _check(axes, points, learning_rate, clip)
    offsets = tuple(np.linspace(-reach, reach, points) for reach in _spans(span, len(axes)))
    grid = [np.array(offset) for offset in product(*offsets)]
    shape = (points,) * len(axes)
    with np.errstate(all="ignore"), one_blas_thread():
        plane = Plane.around(network, x, loss, s0, axes)
        slope = norm = None
        if gradients or start == "steepest":
            steps = [plane.step_from(offset, learning_rate, clip) for offset in grid]
            losses = np.array([step.loss for step in steps])
            slope = np.array([step.slope for step in steps]).reshape(*shape, len(axes))
            norm = np.array([step.norm for step in steps]).reshape(shape)
        else:
            losses = np.array([plane.loss_at(offset) for offset in grid])
        chosen = plane.step_from(_start(start, grid, norm, len(axes)), learning_rate, clip)
    centre = tuple(axis.value(network) for axis in axes)
    return LossSurface(tuple(axes), centre, offsets, losses.reshape(shape), slope, norm, chosen)


def _start(
    start: Start, grid: list[Array], norm: Float[Array, "*G"] | None, axes: int
) -> Float[Array, " A"]:
    if start == "steepest" and norm is not None:
        finite = np.where(np.isfinite(norm), norm, -1)
        return grid[int(finite.argmax())] if finite.max() >= 0 else np.zeros(axes)
    if start == "centre":
        return np.zeros(axes)
    if isinstance(start, str) or len(start) != axes or not np.isfinite(start).all():
        raise ValueError(f"start must be 'centre', 'steepest' or {axes} offsets, got {start!r}")
    return np.array(start, float)


def _spans(span: float | Sequence[float], axes: int) -> list[float]:
    spans = [float(reach) for reach in (span if isinstance(span, Sequence) else [span] * axes)]
    if len(spans) != axes or not all(0 < reach < np.inf for reach in spans):
        raise ValueError(f"span must be above 0, one or one for each axis, got {span}")
    return spans


def _check(axes: Sequence[Axis], points: int, learning_rate: float, clip: float) -> None:
    if len(axes) not in (1, 2):
        raise ValueError(f"a loss surface must have 1 or 2 axes, got {len(axes)}")
    if points < 2:
        raise ValueError(f"points must be at least 2, got {points}")
    for name, number in (("learning_rate", learning_rate), ("clip", clip)):
        if not 0 <= number < np.inf:
            raise ValueError(f"{name} must be at least 0 and finite, got {number}")
