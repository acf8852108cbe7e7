"""Questions to ask of a record; each gives a small frozen result with ``to_frame()``."""

from rnnviz.diagnostics.eigenvalues import Eigenvalues, eigenvalues
from rnnviz.diagnostics.faults import Fault, first_fault
from rnnviz.diagnostics.gradient_check import GradientCheck, gradient_check
from rnnviz.diagnostics.gradient_flow import GradientFlow, gradient_flow
from rnnviz.diagnostics.lyapunov import Lyapunov, lyapunov
from rnnviz.diagnostics.remedy import Remedy
from rnnviz.diagnostics.saturation import Saturation, saturation
from rnnviz.diagnostics.verdict import Verdict, verdict

__all__ = [
    "Eigenvalues",
    "Fault",
    "GradientCheck",
    "GradientFlow",
    "Lyapunov",
    "Remedy",
    "Saturation",
    "Verdict",
    "eigenvalues",
    "first_fault",
    "gradient_check",
    "gradient_flow",
    "lyapunov",
    "saturation",
    "verdict",
]
