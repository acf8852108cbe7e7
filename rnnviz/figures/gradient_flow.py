"""How does the gradient's norm change on its way back?"""

import plotly.graph_objects as go

from rnnviz.diagnostics import Eigenvalues, GradientFlow
from rnnviz.figures.flows import Flows, spoken
from rnnviz.figures.frame import Words, framed
from rnnviz.figures.norms import norm_row, time_ticks
from rnnviz.figures.text import count, whole_state
from rnnviz.figures.theme import PALETTES, Theme

QUESTION = "How does the gradient's norm change on its way back?"
HOW_TO_READ = (
    "Read from right to left: the loss is at the right, and each step to the left is one step "
    "of backpropagation. The thick line was measured; the axis counts powers of ten, so a "
    "straight line is a constant factor per step.\n\n"
    "The dotted line is the fit, the dashed ones are what theory would have: the spectral "
    "radius to the power of the lag, and the bound from the largest singular value."
)
HEIGHT = 300


def gradient_flow(
    flow: GradientFlow,
    *,
    total: GradientFlow | None = None,
    spectrum: Eigenvalues | None = None,
    pinned: GradientFlow | None = None,
    theme: Theme = "light",
    caption: str = "",
) -> go.Figure:
    """The norm of dL/dh at every state, on a log axis, with the theory over it.

    Parameters
    ----------
    flow : the gradient to show; one step's loss shows best how far it reaches
    total : the gradient of the whole loss, if it applies at more than one step
    spectrum : of the recurrent weights, for the lines of theory
    pinned : another run's gradient, to compare with
    """
    flows = Flows(flow, total, spectrum, pinned)
    row = norm_row(flows, "y", HEIGHT, PALETTES[theme])
    layout = {
        "xaxis": {
            "title": {"text": "time step t"},
            "range": [-0.5, float(flow.t[-1]) + 0.5],
            **time_ticks(len(flow.t)),
            "showgrid": False,
        },
        "yaxis": row.yaxis,
        "annotations": row.annotations,
        "hovermode": "x",
    }
    words = Words(QUESTION, subtitle(flow), HOW_TO_READ, spoken(flows), "gradient-flow")
    return framed(row.data, layout, words, height=HEIGHT, theme=theme, caption=caption)


def subtitle(flow: GradientFlow) -> str:
    """Which derivative, of which loss, and which way time runs."""
    batch = count(flow.log10_norms.shape[1], "sequence")
    loss = (
        f"of the loss at t = {flow.loss_state} alone"
        if flow.source == "last"
        else "of the whole loss"
    )
    by = whole_state(flow.parts)
    return f"|∂L/∂{by}| {loss}, mean of {batch}; the gradient travels from right to left."
