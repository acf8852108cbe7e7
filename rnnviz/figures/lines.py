"""Lines and the area they are drawn in."""

from dataclasses import dataclass

import numpy as np

from rnnviz.arrays import Array, Float, Int
from rnnviz.figures.frame import Json


@dataclass(frozen=True)
class Curve:
    """A line, and the text that stands at it."""

    x: Float[Array, " N"] | Int[Array, " N"]
    y: Float[Array, " N"]
    text: str
    colour: str
    dash: str = ""
    """Of a line that was not measured."""


@dataclass(frozen=True)
class Area:
    """Where lines are drawn: the axes' ranges, and the height in pixels."""

    x: tuple[float, float]
    y: tuple[float, float]
    height: int

    def pixels(self, curve: Curve, across: Float[Array, " G"]) -> Float[Array, " G"]:
        """The curve's height in pixels at these shares of the width; NaN off its ends.

        A curve that lies between two of them, such as a point, is at the one that is nearest.
        """
        finite = np.isfinite(curve.y)
        if not finite.any():
            return np.full(len(across), np.nan)
        x = self.x[0] + across * (self.x[1] - self.x[0])
        y = np.interp(x, curve.x[finite], curve.y[finite], np.nan, np.nan)
        if np.isnan(y).all():
            y[np.abs(x - curve.x[finite][0]).argmin()] = curve.y[finite][0]
        return (y - self.y[0]) / (self.y[1] - self.y[0]) * self.height

    def at(self, level: float) -> float:
        """The y value at a height of ``level`` pixels."""
        return self.y[0] + level / self.height * (self.y[1] - self.y[0])


def measured(curve: Curve, axis: str = "y", width: float = 3.0) -> Json:
    """A thick solid line through what was measured."""
    return {
        "type": "scatter",
        "mode": _mode(curve.y),
        "name": curve.text,
        "x": curve.x,
        "y": curve.y,
        "yaxis": axis,
        "line": {"color": curve.colour, "width": width},
        "cliponaxis": False,
    }


def theory(curve: Curve, axis: str = "y") -> Json:
    """A thin broken line through what was not measured, which says nothing to a cursor."""
    return {
        "type": "scatter",
        "mode": "lines",
        "name": curve.text,
        "x": curve.x.tolist(),
        "y": curve.y.tolist(),
        "yaxis": axis,
        "line": {"color": curve.colour, "width": 1.5, "dash": curve.dash},
        "hoverinfo": "skip",
    }


def _mode(y: Float[Array, " N"]) -> str:
    """Lines, with markers where a point has no neighbour to be joined to."""
    finite = np.isfinite(y)
    joined = np.zeros(len(y), bool)
    joined[1:] |= finite[:-1]
    joined[:-1] |= finite[1:]
    return "lines" if (joined | ~finite).all() else "lines+markers"
