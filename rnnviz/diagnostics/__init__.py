"""Questions to ask of a record; each gives a small frozen result with ``to_frame()``."""

from rnnviz.diagnostics.batch_mean import BatchMean, batch_mean
from rnnviz.diagnostics.bounds import Bounds, bounds
from rnnviz.diagnostics.cliff import pascanu_cliff
from rnnviz.diagnostics.contributions import Contributions, contributions
from rnnviz.diagnostics.decay import Decay, decay
from rnnviz.diagnostics.depth import Depth, depth
from rnnviz.diagnostics.descent import DescentStep
from rnnviz.diagnostics.directions import Axis
from rnnviz.diagnostics.eigenvalues import Eigenvalues, eigenvalues
from rnnviz.diagnostics.faults import Fault, first_fault
from rnnviz.diagnostics.fixed_points import FixedPoints, fixed_points
from rnnviz.diagnostics.gates import Gates, gates
from rnnviz.diagnostics.gradient_check import GradientCheck, gradient_check
from rnnviz.diagnostics.gradient_flow import GradientFlow, gradient_flow
from rnnviz.diagnostics.health import Health, health
from rnnviz.diagnostics.itemized import Itemized, itemized
from rnnviz.diagnostics.jacobian_spectrum import JacobianSpectrum, jacobian_spectrum
from rnnviz.diagnostics.jacobian_steps import JacobianSteps, jacobian_steps
from rnnviz.diagnostics.loss_surface import LossSurface, loss_surface
from rnnviz.diagnostics.lyapunov import Lyapunov, SumRule, lyapunov
from rnnviz.diagnostics.mean_field import MeanField, MeanFieldCheck, mean_field, mean_field_of
from rnnviz.diagnostics.precision import Precision, precision
from rnnviz.diagnostics.recall import Recall, recall
from rnnviz.diagnostics.remedy import Remedy
from rnnviz.diagnostics.roads import Roads, roads
from rnnviz.diagnostics.saturation import Saturation, saturation
from rnnviz.diagnostics.spread import Spread, spread
from rnnviz.diagnostics.state_space import StateSpace, state_space
from rnnviz.diagnostics.truncation import Truncation, truncation
from rnnviz.diagnostics.verdict import Verdict, verdict

__all__ = [
    "Spread",
    "spread",
    "Axis",
    "BatchMean",
    "Bounds",
    "Contributions",
    "Decay",
    "Depth",
    "DescentStep",
    "Eigenvalues",
    "Fault",
    "FixedPoints",
    "Gates",
    "GradientCheck",
    "GradientFlow",
    "Health",
    "Itemized",
    "JacobianSpectrum",
    "JacobianSteps",
    "LossSurface",
    "Lyapunov",
    "MeanField",
    "MeanFieldCheck",
    "Precision",
    "Recall",
    "Remedy",
    "Roads",
    "Saturation",
    "StateSpace",
    "Truncation",
    "SumRule",
    "Verdict",
    "bounds",
    "contributions",
    "batch_mean",
    "decay",
    "depth",
    "eigenvalues",
    "first_fault",
    "fixed_points",
    "gates",
    "gradient_check",
    "gradient_flow",
    "health",
    "itemized",
    "jacobian_spectrum",
    "jacobian_steps",
    "loss_surface",
    "lyapunov",
    "pascanu_cliff",
    "mean_field",
    "mean_field_of",
    "precision",
    "recall",
    "roads",
    "saturation",
    "state_space",
    "truncation",
    "verdict",
]
