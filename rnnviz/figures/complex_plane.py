"""Eigenvalues in the complex plane, with circles around 0."""

import numpy as np

from rnnviz.arrays import Array
from rnnviz.figures.frame import Json, halo
from rnnviz.figures.theme import Palette


def plane_axes(reach: float) -> Json:
    """Two axes of the same scale, from ``-reach`` to ``reach``."""
    axis = {"range": [-reach, reach], "nticks": 7, "constrain": "domain"}
    return {
        "xaxis": {"title": {"text": "real part of λ"}, **axis},
        "yaxis": {"title": {"text": "imaginary part of λ"}, **axis, "scaleanchor": "x"},
    }


def circle(radius: float, name: str, line: Json) -> Json:
    """A circle around 0."""
    angle = np.linspace(0, 2 * np.pi, 181)
    x, y = radius * np.cos(angle), radius * np.sin(angle)
    own = {"type": "scatter", "mode": "lines", "hoverinfo": "skip"}
    return own | {"name": name, "x": x, "y": y, "line": line}


def eigenvalue_points(values: Array, palette: Palette) -> list[Json]:
    """Inside and on the unit circle as discs, outside it as diamonds."""
    beyond = np.abs(values) > 1
    kinds = [("inside", ~beyond, "circle", palette.shrinking)]
    kinds.append(("outside", beyond, "diamond", palette.growing))
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "name": f"{name} the unit circle",
            "x": values.real[where],
            "y": values.imag[where],
            "customdata": np.abs(values[where]),
            "marker": {"symbol": symbol, "size": 7, "color": colour, "opacity": 0.8},
            "hovertemplate": (
                "λ = %{x:.3g} + %{y:.3g} i<br>|λ| = %{customdata:.3g}<extra></extra>"
            ),
        }
        for name, where, symbol, colour in kinds
        if where.any()
    ]


def at_circle(text: str, radius: float, side: int, colour: str, palette: Palette) -> Json:
    """A label above the top of a circle, or below its lowest point."""
    return {
        "text": text,
        "font": {"color": colour, "shadow": halo(palette)},
        "x": 0,
        "y": side * radius,
        "yanchor": "bottom" if side > 0 else "top",
    }
