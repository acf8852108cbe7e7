"""What can one step do to a gradient?"""

from collections.abc import Iterator

import numpy as np
import plotly.graph_objects as go

from rnnviz.arrays import Array
from rnnviz.diagnostics import JacobianSteps
from rnnviz.figures.frame import Json, Words, every, framed
from rnnviz.figures.labels import placed
from rnnviz.figures.lines import Area, Curve, measured, theory
from rnnviz.figures.marks import WORDS, edge_marks, edge_notes, kinds
from rnnviz.figures.norms import log_axis, log_range, time_ticks
from rnnviz.figures.text import count, mantissa_exponent, ordinal, plain, whole_state
from rnnviz.figures.theme import PALETTES, Palette, Theme

QUESTION = "What can one step do to a gradient?"
HOW_TO_READ = (
    "One step back multiplies a gradient by one matrix, the step's Jacobian. Its norm is the most "
    "that it stretches any gradient, its smallest singular value the least that is left of one; "
    "their quotient is the condition number, which is large where a step treats directions very "
    "differently.\n\n"
    "The spectral radius is the factor per step if the same step were repeated for ever. Where "
    "even the norm stays below the line at 1, every gradient shrinks. A norm above 1 does not "
    "make gradients explode: it only allows it."
)
HEIGHT = 300
MOST_POINTS = 600


def jacobian_steps(
    result: JacobianSteps, *, theme: Theme = "light", caption: str = ""
) -> go.Figure:
    """Norm, spectral radius, smallest singular value and condition number at each step."""
    palette, step = PALETTES[theme], every(len(result.steps), MOST_POINTS)
    curves = list(_curves(result, step, palette))
    y_range = log_range(np.concatenate([[0.0], *(curve.y for curve in curves)]))  # 1, too
    area = Area((-0.5, float(result.steps[-1]) + 0.5), y_range, HEIGHT)
    one = Curve(np.array(area.x), np.zeros(2), "1: kept", palette.muted, "dot")
    known = [curve for curve in [*curves, one] if np.isfinite(curve.y).any()]
    smallest = _log10(result.quantiles(result.smallest)[1])
    notes, levels = edge_notes(kinds(smallest), _edge_words, area)
    data = _band(result, step, y_range, palette)
    data += [theory(one), *(_line(curve, curve is curves[0]) for curve in reversed(curves))]
    data += edge_marks(result.steps, smallest, y_range, "y", "smallest, t =")
    layout = {
        "xaxis": {
            "title": {"text": "time step t"},
            "range": list(area.x),
            **time_ticks(int(result.steps[-1]) + 1),
            "showgrid": False,
        },
        "yaxis": log_axis(y_range, "factor in one step"),
        "annotations": [*placed(known, area, "y", palette, levels), *notes],
        "hovermode": "x",
    }
    words = Words(QUESTION, subtitle(result), HOW_TO_READ, alt(result), "jacobian-steps")
    return framed(data, layout, words, height=HEIGHT, theme=theme, caption=caption)


def subtitle(result: JacobianSteps) -> str:
    """Which Jacobian, of which layer and sequences, and what was left out."""
    many = len(result.sequences)
    whose = (
        f"sequence {result.sequences[0] + 1} of {result.batch_size}"
        if many == 1
        else f"median of {count(many, 'sequence')} (band: 10–90 %)"
    )
    taken = result.every * every(len(result.steps), MOST_POINTS)
    left_out = f" Every {ordinal(taken)} step is drawn." if taken > 1 else ""
    by = whole_state(result.parts, "")
    return f"The one-step Jacobian ∂sₜ₊₁/∂sₜ in {result.layer}, s = {by}, {whose}.{left_out}"


def alt(result: JacobianSteps) -> str:
    """What the picture shows, for those who do not see it."""
    norm, radius, condition = (
        _log10(result.quantiles(values)[1])
        for values in (result.norm, result.radius, result.condition)
    )
    above = int((norm > 0).sum())
    return (
        f"Lines on a log scale over {count(len(norm), 'step')}: the norm goes from "
        f"{plain(norm.min())} to {plain(norm.max())} and is above 1 at {above:,}; the spectral "
        f"radius from {plain(radius.min())} to {plain(radius.max())}; the condition number is "
        f"{plain(condition.max())} at most."
    )


def _curves(result: JacobianSteps, step: int, palette: Palette) -> Iterator[Curve]:
    named = [
        ("norm", result.norm, palette.measured),
        ("spectral radius", result.radius, palette.other),
        ("smallest singular value", result.smallest, palette.shrinking),
        ("condition number", result.condition, palette.growing),
    ]
    for text, values, colour in named:
        yield Curve(result.steps[::step], _log10(result.quantiles(values)[1])[::step], text, colour)


def _log10(values: Array) -> Array:
    with np.errstate(all="ignore"):
        log10: Array = np.log10(values)
    return log10


def _line(curve: Curve, first: bool) -> Json:
    mantissa, exponent = mantissa_exponent(curve.y)
    return measured(curve, width=3.0 if first else 2.0) | {
        "customdata": np.stack([mantissa, exponent], axis=1),
        "hovertemplate": (
            f"t = %{{x}}, {curve.text}: "
            "%{customdata[0]:.2f}×10<sup>%{customdata[1]}</sup><extra></extra>"
        ),
    }


def _band(
    result: JacobianSteps, step: int, y_range: tuple[float, float], palette: Palette
) -> list[Json]:
    if len(result.sequences) == 1:
        return []
    low, _, high = _log10(result.quantiles(result.norm))[:, ::step]
    low, high = (np.clip(edge, y_range[0] - 1, y_range[1] + 1) for edge in (low, high))
    edge = {"type": "scatter", "mode": "lines", "x": result.steps[::step], "hoverinfo": "skip"}
    line = {"line": {"width": 0, "color": palette.measured}}
    fill = {"fill": "tonexty", "fillcolor": palette.band}
    return [
        edge | line | {"name": "10 %", "y": low},
        edge | line | fill | {"name": "90 %", "y": high},
    ]


def _edge_words(kind: str, at: Array) -> str:
    return f"the smallest {WORDS[kind]} at {count(len(at), 'step')}"
