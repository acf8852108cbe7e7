"""One file a picture: a pure function from a result to a Plotly figure.

A figure carries its own words as ``layout.meta``: the ``question`` above it, the ``subtitle``,
the text behind "how to read this" (``how_to_read``), the text alternative ``alt``, and the
``name`` of its exported file.
"""

from rnnviz.figures.depth import depth
from rnnviz.figures.eigenvalues import eigenvalues
from rnnviz.figures.gates import gates
from rnnviz.figures.gradient_check import gradient_check
from rnnviz.figures.gradient_flow import gradient_flow
from rnnviz.figures.gradient_norm import gradient_norm
from rnnviz.figures.loss_curve import loss_curve
from rnnviz.figures.prediction import prediction
from rnnviz.figures.roads import roads
from rnnviz.figures.saturation import saturation
from rnnviz.figures.theme import Theme
from rnnviz.figures.time_panel import time_panel
from rnnviz.figures.weights import weights

__all__ = [
    "Theme",
    "depth",
    "eigenvalues",
    "gates",
    "gradient_check",
    "gradient_flow",
    "gradient_norm",
    "loss_curve",
    "prediction",
    "roads",
    "saturation",
    "time_panel",
    "weights",
]
