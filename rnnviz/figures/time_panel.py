"""How much gradient reaches each step?"""

from typing import Any

import numpy as np
import plotly.graph_objects as go

from rnnviz.arrays import Array, Bool
from rnnviz.diagnostics import Eigenvalues, GradientFlow
from rnnviz.figures.factors import limit
from rnnviz.figures.flows import Flows, spoken
from rnnviz.figures.frame import Row, Words, compact, framed, heading, key, stacked
from rnnviz.figures.marks import cells, cells_note
from rnnviz.figures.norms import norm_row, time_ticks
from rnnviz.figures.text import count, short, whole_state
from rnnviz.figures.theme import CHANGE, PALETTES, Palette, Theme, colorscale
from rnnviz.figures.units import Shown, gradient_row, shown, state_row
from rnnviz.record import Record

QUESTION = "How much gradient reaches each step?"
HOW_TO_READ = (
    "All rows share one time axis. Time runs from left to right; the gradient starts at the "
    "loss and travels from right to left, one step of backpropagation for each step of time.\n\n"
    "Top strip: what each step does to the gradient's norm on the way back. Blue shrinks it, "
    "red makes it grow, near-white keeps it. Below: the hidden states of one sequence, a row "
    "for each unit, and how large the loss's derivative by each of them is: bright is large.\n\n"
    "Bottom: the norm over all units. The axis counts powers of ten, so a straight line is a "
    "constant factor per step. Thick lines were measured; the dotted line is fitted to them; "
    "dashed lines are what theory would have. Where they part, the theory does not decide."
)
STRIP, UNITS, NORMS = 24, 118, 220


def time_panel(
    record: Record,
    flow: GradientFlow,
    *,
    total: GradientFlow | None = None,
    spectrum: Eigenvalues | None = None,
    pinned: GradientFlow | None = None,
    sequence: int = 0,
    layer: int | None = None,
    theme: Theme = "light",
    caption: str = "",
) -> go.Figure:
    """The factor of each step, states, gradients by unit, and the norm over one time axis.

    Parameters
    ----------
    record : Record
    flow : the gradient that travels, ``gradient_flow(record, "last")``
    total : ``gradient_flow(record)``, where the loss applies at more than the last step
    spectrum : ``eigenvalues(record.network)``, for the lines of theory
    pinned : another run's gradient, to compare with
    sequence : the one whose units are drawn
    layer : the one that ``flow`` belongs to, the top one that reads forward by default
    """
    palette, flows = PALETTES[theme], Flows(flow, total, spectrum, pinned)
    units = shown(record, record.network.top if layer is None else layer, sequence)
    height, domains = stacked([STRIP, UNITS, UNITS, NORMS])
    tops = [high for _, high in domains]
    rows = [
        _strip_row(flow, tops[0], palette),
        state_row(units, tops[1], palette, "y2"),
        gradient_row(units, flow, tops[2], palette, "y3"),
        norm_row(flows, "y4", NORMS, palette),
    ]
    layout = _axes(flow, rows, domains, palette)
    layout["annotations"] = [note for row in rows for note in row.annotations]
    layout["annotations"].append(heading("Gradient norm", tops[3]))
    words = Words(QUESTION, subtitle(flow, units), HOW_TO_READ, alt(flows), "gradient-over-time")
    data = [trace for row in rows for trace in row.data]
    return framed(data, layout, words, height=height, theme=theme, caption=caption)


def subtitle(flow: GradientFlow, units: Shown) -> str:
    """Which derivative, of which loss, which way time runs, and what the heatmaps leave out."""
    loss = (
        f"of the loss at t = {flow.loss_state} alone"
        if flow.source == "last"
        else "of the whole loss"
    )
    by = whole_state(flow.parts)
    return f"∂L/∂{by} {loss}; the gradient travels from right to left. {units.words}"


def alt(flows: Flows) -> str:
    """What the picture shows, for those who do not see it."""
    change = flows.flow.log10_change
    shrinking, growing = int((change < 0).sum()), int((change > 0).sum())
    return (
        f"Four rows over one time axis, t = 0 to {len(change)}. {spoken(flows)} Of "
        f"{count(len(change), 'step')}, {shrinking:,} shrink the gradient and {growing:,} "
        "make it grow."
    )


def _axes(
    flow: GradientFlow, rows: list[Row], domains: list[tuple[float, float]], palette: Palette
) -> dict[str, Any]:
    layout: dict[str, Any] = {
        "xaxis": {
            "title": {"text": "time step t"},
            "anchor": "y4",
            "range": [-0.5, float(flow.t[-1]) + 0.5],
            **time_ticks(len(flow.t)),
            "showgrid": False,
            "showspikes": True,
            "spikemode": "across",
            "spikesnap": "cursor",
            "spikethickness": 1,
            "spikedash": "solid",
            "spikecolor": palette.muted,
            "hoverformat": ".1~f",
        },
        "hovermode": "x",
        "hoversubplots": "axis",
    }
    for number, (row, domain) in enumerate(zip(rows, domains, strict=True), 1):
        layout[f"yaxis{number if number > 1 else ''}"] = {**row.yaxis, "domain": domain}
    return layout


def _strip_row(flow: GradientFlow, top: float, palette: Palette) -> Row:
    """What each step does to the norm: step t lies between the states t and t + 1."""
    z = flow.log10_change[None]
    end = limit(flow.log10_change)
    masks = _broken(flow)
    place = {"type": "heatmap", "x0": 0.5, "dx": 1, "text": flow.t[None, :-1]}
    with np.errstate(over="ignore"):
        factor = 10.0**z
    steps = place | {
        "name": "factor of the step",
        "z": compact(z),
        "zmin": -end,
        "zmax": end,
        "colorscale": colorscale(CHANGE),
        "showscale": False,
        "hoverongaps": False,
        "customdata": factor,
        "hovertemplate": "step %{text}: ×%{customdata:.3g}<extra></extra>",
    }
    lowest, highest = f"×{short(10**-end)}", f"×{short(10**end)}"
    notes = [
        heading("Factor per step back", top),
        key(CHANGE, lowest, highest, top, palette),
        *cells_note(masks, top, palette),
    ]
    row = {"showticklabels": False, "fixedrange": True, "showgrid": False}
    marks = cells(masks, place, "step %{text}")
    return Row([steps, *marks], notes, row)


def _broken(flow: GradientFlow) -> dict[str, Bool[Array, "1 T"]]:
    """Steps without a factor: they end at a zero, or meet an infinity or a NaN."""
    after, change = flow.log10_norm[:-1], flow.log10_change
    masks = {"zero": np.isneginf(after), "infinite": np.isposinf(after), "nan": np.isnan(after)}
    known = np.isfinite(change) | np.logical_or.reduce(list(masks.values()))
    masks["infinite"] = masks["infinite"] | ~known
    return {kind: mask[None] for kind, mask in masks.items() if mask.any()}
