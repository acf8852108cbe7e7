"""How fast does each direction grow or shrink, step by step?"""

import numpy as np
import plotly.graph_objects as go

from rnnviz.diagnostics import GradientFlow, Lyapunov
from rnnviz.figures.exponents import (
    HEIGHTS,
    MOST_COLUMNS,
    flow_row,
    named,
    ranks,
    settling_row,
    spectrum_row,
    value_of,
)
from rnnviz.figures.frame import AXIS_HEIGHT, Json, Words, every, framed, heading, stacked
from rnnviz.figures.marks import kinds
from rnnviz.figures.norms import time_ticks
from rnnviz.figures.text import count, ordinal
from rnnviz.figures.theme import PALETTES, Theme

QUESTION = "How fast does each direction of the state grow or shrink?"
HOW_TO_READ = (
    "Start a small ball of states: the steps pull it into a longer and thinner shape. A Lyapunov "
    "exponent says how fast one of its axes changes: each step multiplies it by e to the power of "
    "the exponent, on average. Above the zero line the axis grows, and two states that were "
    "nearly equal part; below it the axis shrinks, and what was different is forgotten. A gradient "
    "on its way back goes through the same steps, and after many of them the largest exponent is "
    "the slope of its norm: above 0 it explodes, below 0 it vanishes.\n\n"
    "The frame of directions is random at first and needs some steps to turn, so an exponent from "
    "few steps is rough: the row of running estimates shows how far it has settled. The thin line "
    "over the measured gradient has the slope of the largest exponent and starts at the loss.\n\n"
    "The sum rule is the test that the numbers are right: volumes are multiplied by the "
    "determinant of each step, so all exponents must add up to the mean of log|det J|, which is "
    "computed in another way. Hollow points are lost in rounding: the steps shrink that direction "
    "so much that no digit of it is left, and it may shrink faster than is drawn."
)


def lyapunov(
    result: Lyapunov,
    flow: GradientFlow | None = None,
    *,
    theme: Theme = "light",
    caption: str = "",
) -> go.Figure:
    """The exponents by rank, how they settled, and the largest as a slope over the gradient.

    Parameters
    ----------
    flow : the measured gradient of the same layer, of the last step's loss; its row is left out
        without it
    """
    palette = PALETTES[theme]
    height, domains = _rows_below_each_other(HEIGHTS[: 2 if flow is None else 3])
    rows = [spectrum_row(result, palette), settling_row(result, palette)]
    titles = ["exponents λ by rank", "running estimate of λ"]
    if flow is not None:
        rows.append(flow_row(result, flow, palette))
        titles.append("largest exponent over the measured gradient")
    data = [trace for row in rows for trace in row.data]
    notes = [note for row in rows for note in row.annotations]
    notes += [heading(title, top) for title, (_, top) in zip(titles, domains, strict=True)]
    layout: Json = {"annotations": notes, "hovermode": "closest", **_xaxes(result, flow)}
    for number, (row, domain) in enumerate(zip(rows, domains, strict=True)):
        own = {"domain": list(domain), "anchor": _axis("x", number)}
        layout[_axis("yaxis", number)] = row.yaxis | own
    words = Words(QUESTION, subtitle(result, flow), HOW_TO_READ, alt(result), "lyapunov")
    return framed(data, layout, words, height=height, theme=theme, caption=caption)


def subtitle(result: Lyapunov, flow: GradientFlow | None = None) -> str:
    """What is drawn, and the outcome of its self-test."""
    B, K = result.by_sequence.shape
    number = f"{K:,} of {result.state_size:,}" if result.state_size > K else f"{K:,}"
    after = f" after {count(result.skip, 'step')} that only turn the frame" if result.skip else ""
    left_out = ""
    if K > MOST_COLUMNS:
        left_out = f" Every {ordinal(every(K, MOST_COLUMNS))} exponent is drawn."
    if flow is not None and flow.loss_state >= MOST_COLUMNS:
        left_out += f" Every {ordinal(every(flow.loss_state + 1, MOST_COLUMNS))} lag is drawn."
    return (
        f"{number} Lyapunov exponents of layer {result.layer} in nats per step, mean of "
        f"{count(B, 'sequence')} over {count(result.steps, 'step')}{after}. "
        f"{sum_rule(result)} {dimension(result)}{left_out}"
    )


def sum_rule(result: Lyapunov) -> str:
    """The self-test in a sentence."""
    rule = result.sum_rule
    if rule is None:
        return "Sum rule: not tested, it takes all exponents."
    if np.isneginf(rule.total) and np.isneginf(rule.log_det) and rule.difference == 0:
        return "Sum rule: agrees, both sides are −∞: a step's determinant is exactly 0."
    sides = f"Σλ = {value_of(rule.total)}, mean log|det J| = {value_of(rule.log_det)}"
    if rule.outcome == "untold":
        return f"Sum rule: cannot be told, {sides}: what is left is no more than rounding."
    apart = f"they differ by {value_of(rule.difference, 2)}, rounding allows"
    word = "agrees" if rule.outcome == "agrees" else "FAILS"
    return f"Sum rule: {word}, {sides}; {apart} {value_of(rule.tolerance, 2)}."


def dimension(result: Lyapunov) -> str:
    """The Kaplan-Yorke dimension in a sentence."""
    found = result.kaplan_yorke
    if np.isnan(found):
        return "Kaplan–Yorke dimension: not known from these exponents."
    return f"Kaplan–Yorke dimension: {found:.3g} of {result.state_size:,}."


def alt(result: Lyapunov) -> str:
    """What the picture shows, for those who do not see it."""
    growing = int((result.exponents > 0).sum())
    K = len(result.exponents)
    places = "".join(
        f" {count(int(mask.sum()), 'exponent')} of {K:,}: {named(kind)}."
        for kind, mask in kinds(result.exponents).items()
    )
    return (
        f"Lyapunov exponents by rank, from {value_of(result.largest)} down to "
        f"{value_of(float(result.exponents[-1]))} nats per step; {growing:,} of {K:,} are positive."
        f"{places} {sum_rule(result)} {dimension(result)}"
    )


def _xaxes(result: Lyapunov, flow: GradientFlow | None) -> Json:
    """Three axes that have nothing in common: rank, number of steps, lag."""
    K, steps = len(result.exponents), result.steps
    axes = [
        ("rank of λ", ranks(K), time_ticks(K)),
        ("steps counted", (0, steps), time_ticks(steps)),
    ]
    if flow is not None:
        lags = flow.loss_state
        axes.append(("lag (steps back from the loss)", (-0.5, lags + 0.5), time_ticks(lags + 1)))
    return {
        _axis("xaxis", number): {
            "title": {"text": title},
            "range": list(x_range),
            "anchor": _axis("y", number),
            "showgrid": False,
            **ticks,
        }
        for number, (title, x_range, ticks) in enumerate(axes)
    }


def _rows_below_each_other(heights: tuple[int, ...]) -> tuple[int, list[tuple[float, float]]]:
    """As ``stacked``, with room for an axis below each row but the last, which has its own."""
    whole, domains = stacked([*(height + AXIS_HEIGHT for height in heights[:-1]), heights[-1]])
    above = [(low + AXIS_HEIGHT / whole, top) for low, top in domains[:-1]]
    return whole, [*above, domains[-1]]


def _axis(name: str, number: int) -> str:
    return name + (str(number + 1) if number else "")
