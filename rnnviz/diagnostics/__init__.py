"""Questions to ask of a record; each gives a small frozen result with ``to_frame()``."""

from rnnviz.diagnostics.depth import Depth, depth
from rnnviz.diagnostics.eigenvalues import Eigenvalues, eigenvalues
from rnnviz.diagnostics.faults import Fault, first_fault
from rnnviz.diagnostics.gates import Gates, gates
from rnnviz.diagnostics.gradient_check import GradientCheck, gradient_check
from rnnviz.diagnostics.gradient_flow import GradientFlow, gradient_flow
from rnnviz.diagnostics.lyapunov import Lyapunov, lyapunov
from rnnviz.diagnostics.remedy import Remedy
from rnnviz.diagnostics.roads import Roads, roads
from rnnviz.diagnostics.saturation import Saturation, saturation
from rnnviz.diagnostics.verdict import Verdict, verdict

__all__ = [
    "Depth",
    "Eigenvalues",
    "Fault",
    "Gates",
    "GradientCheck",
    "GradientFlow",
    "Lyapunov",
    "Remedy",
    "Roads",
    "Saturation",
    "Verdict",
    "depth",
    "eigenvalues",
    "first_fault",
    "gates",
    "gradient_check",
    "gradient_flow",
    "lyapunov",
    "roads",
    "saturation",
    "verdict",
]
