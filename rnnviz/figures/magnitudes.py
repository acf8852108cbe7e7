"""A heatmap of magnitudes: their log10 as colours, and the number itself where one points."""

import numpy as np

from rnnviz.arrays import Array, Float
from rnnviz.figures.frame import Json, compact
from rnnviz.figures.text import mantissa_exponent
from rnnviz.figures.theme import MAGNITUDE, colorscale


def magnitudes(log10: Float[Array, "R C"], low: float, high: float, name: str, hover: str) -> Json:
    """The cells of a heatmap, without their places; one that is no finite number is left empty.

    Parameters
    ----------
    low, high : log10 of the ends of the colours
    name : of the trace
    hover : what a hover says before the number
    """
    mantissa, exponent = mantissa_exponent(log10)
    return {
        "type": "heatmap",
        "name": name,
        "z": compact(log10),
        "zmin": low,
        "zmax": high,
        "colorscale": colorscale(MAGNITUDE),
        "showscale": False,
        "hoverongaps": False,
        "customdata": exponent.astype(np.float32),
        "text": mantissa.astype(np.float32),
        "hovertemplate": f"{hover}%{{text:.2f}}×10<sup>%{{customdata}}</sup><extra></extra>",
    }
