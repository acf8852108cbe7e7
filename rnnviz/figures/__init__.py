"""One file a picture: a pure function from a result to a Plotly figure.

A figure carries its own words as ``layout.meta``: the ``question`` above it, the ``subtitle``,
the text behind "how to read this" (``how_to_read``), the text alternative ``alt``, and the
``name`` of its exported file.
"""

from rnnviz.figures.accuracy_curve import accuracy_curve
from rnnviz.figures.batch_mean import batch_mean
from rnnviz.figures.bounds import bounds
from rnnviz.figures.contributions import contributions
from rnnviz.figures.decay import decay
from rnnviz.figures.depth import depth
from rnnviz.figures.eigenvalues import eigenvalues
from rnnviz.figures.flow_spread import flow_spread
from rnnviz.figures.gates import gates
from rnnviz.figures.ghosts import Ghost, with_ghosts
from rnnviz.figures.gradient_check import gradient_check
from rnnviz.figures.gradient_flow import gradient_flow
from rnnviz.figures.gradient_map import gradient_map
from rnnviz.figures.gradient_norm import gradient_norm
from rnnviz.figures.half_life_curve import half_life_curve
from rnnviz.figures.itemized import itemized
from rnnviz.figures.jacobian_spectrum import jacobian_spectrum
from rnnviz.figures.jacobian_steps import jacobian_steps
from rnnviz.figures.loss_curve import loss_curve
from rnnviz.figures.loss_slice import loss_slice
from rnnviz.figures.loss_surface import loss_surface
from rnnviz.figures.lyapunov import lyapunov
from rnnviz.figures.mean_field import mean_field
from rnnviz.figures.parallel import parallel
from rnnviz.figures.phase_map import phase_map
from rnnviz.figures.precision import precision
from rnnviz.figures.prediction import prediction
from rnnviz.figures.radius_curve import radius_curve
from rnnviz.figures.recall_curve import recall_curve
from rnnviz.figures.roads import roads
from rnnviz.figures.saturation import saturation
from rnnviz.figures.spectrum_path import spectrum_path
from rnnviz.figures.state_space import state_space
from rnnviz.figures.sweep_lines import sweep_lines
from rnnviz.figures.theme import Theme
from rnnviz.figures.time_panel import time_panel
from rnnviz.figures.truncation import truncation
from rnnviz.figures.unit_health import unit_health
from rnnviz.figures.update_ratios import update_ratios
from rnnviz.figures.weights import weights

__all__ = [
    "Theme",
    "Ghost",
    "with_ghosts",
    "flow_spread",
    "accuracy_curve",
    "gradient_map",
    "half_life_curve",
    "radius_curve",
    "spectrum_path",
    "unit_health",
    "update_ratios",
    "recall_curve",
    "bounds",
    "truncation",
    "contributions",
    "decay",
    "batch_mean",
    "depth",
    "eigenvalues",
    "gates",
    "gradient_check",
    "gradient_flow",
    "gradient_norm",
    "itemized",
    "jacobian_spectrum",
    "jacobian_steps",
    "loss_curve",
    "lyapunov",
    "loss_slice",
    "loss_surface",
    "mean_field",
    "parallel",
    "phase_map",
    "precision",
    "prediction",
    "roads",
    "saturation",
    "state_space",
    "sweep_lines",
    "time_panel",
    "weights",
]
