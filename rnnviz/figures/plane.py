"""The plane that states are drawn in: places, ranges and axes, in a unit that reads well."""

from dataclasses import dataclass

import numpy as np

from rnnviz.arrays import Array, Float
from rnnviz.diagnostics import FixedPoints, StateSpace
from rnnviz.figures.frame import Json
from rnnviz.figures.norms import time_ticks
from rnnviz.figures.points import Field
from rnnviz.figures.text import power

_MARGIN = 0.08
_FAR = 1.0
"""How many times the spread of the paths a fixed point may widen the picture on each side."""


@dataclass(frozen=True)
class Plane:
    """Where everything lies; one component alone is drawn over time."""

    x: Float[Array, "N B"]
    y: Float[Array, "N B"]
    points: Float[Array, "P 2"]
    inside: Array
    """Which of the fixed points the picture has room for."""
    field: Field
    xaxis: Json
    yaxis: Json


def plane(result: StateSpace, sequences: int, points: FixedPoints | None, height: int) -> Plane:
    """The first sequences' states, and the fixed points that lie near enough."""
    path = result.path[:, :sequences]
    unit = _unit(path)
    along = path / 10.0**unit
    alone = path.shape[2] == 1
    x = np.repeat(result.t[:, None].astype(float), sequences, axis=1) if alone else along[..., 0]
    y = along[..., 0] if alone else along[..., 1]
    still = _projected(result, points, unit)
    ends = np.array([[x.min(), x.max()], [y.min(), y.max()]])
    reach = _FAR * max(float((ends[:, 1] - ends[:, 0])[int(alone) :].max()), 1e-3)
    lows, highs = ends[:, 0] - reach, ends[:, 1] + reach
    near = np.isfinite(still) & (still >= lows) & (still <= highs)
    inside = np.asarray(near.all(axis=1))
    x_range, y_range = (
        _range(np.append(states.ravel(), still[inside, n])) for n, states in enumerate((x, y))
    )
    titles = [_title(n, result, unit) for n in range(1 if alone else 2)]
    equal = {} if alone else {"scaleanchor": "x", "scaleratio": 1}
    first = {"title": {"text": "time step t"}, **time_ticks(len(x))} if alone else titles[0]
    return Plane(
        x,
        y,
        still,
        inside,
        Field(x_range, y_range, height, not alone),
        {"nticks": 7, **first, "range": list(x_range)},
        {"nticks": 7, **titles[-1], "range": list(y_range), **equal},
    )


def _unit(path: Float[Array, "N B C"]) -> int:
    """The power of ten that the axes count in: 0 where plain numbers read well."""
    largest = float(np.abs(path).max())
    exponent = int(np.floor(np.log10(largest))) if largest > 0 else 0
    return 0 if -3 <= exponent < 4 else max(exponent, -300)


def _projected(result: StateSpace, points: FixedPoints | None, unit: int) -> Float[Array, "P 2"]:
    """The fixed points in the plane; over time, at its end."""
    if points is None:
        return np.empty((0, 2))
    with np.errstate(all="ignore"):
        still = result.project(points.points)[:, :2] / 10.0**unit
    if still.shape[1] == 2:
        return still
    return np.column_stack([np.full(len(still), float(result.t[-1])), still])


def _range(values: Float[Array, " N"]) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    margin = _MARGIN * (high - low) or 0.5
    return low - margin, high + margin


def _title(n: int, result: StateSpace, unit: int) -> Json:
    share = f"{100 * result.share[n]:.3g} % of the variance" if result.share[n] else "no variance"
    times = f", ×{power(float(unit))}" if unit else ""
    return {"title": {"text": f"PC {n + 1} ({share}){times}"}}
