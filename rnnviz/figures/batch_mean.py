"""Does the gradient vanish, or do the sequences disagree?"""

import numpy as np
import plotly.graph_objects as go

from rnnviz.arrays import Array
from rnnviz.diagnostics import BatchMean
from rnnviz.figures.frame import Json, Words, every, framed, heading, stacked
from rnnviz.figures.labels import placed
from rnnviz.figures.lines import Area, Curve, measured, theory
from rnnviz.figures.marks import WORDS, edge_marks, edge_notes, kinds
from rnnviz.figures.norms import log_axis, log_range, time_ticks
from rnnviz.figures.text import count, mantissa_exponent, ordinal, plain, whole_state
from rnnviz.figures.theme import PALETTES, Theme

QUESTION = "Does the gradient vanish, or do the sequences disagree?"
HOW_TO_READ = (
    "Each sequence of the batch has a gradient of its own. Above, one line is the mean of their "
    "norms: how large a gradient is, on average. The other is the norm of their mean: what is "
    "left of them when they are averaged, as training does.\n\n"
    "Below is the second by the first. At 1 all sequences pull the same way. Sequences that pull "
    "in directions that have nothing to do with each other give about 1 / √B, the dashed line: "
    "their mean is small, and no gradient has vanished. Only where the upper line falls has one."
)
NORMS, COHERENCE = 220, 120
MOST_POINTS = 2500


def batch_mean(result: BatchMean, *, theme: Theme = "light", caption: str = "") -> go.Figure:
    """The norm of the mean and the mean of the norms, and the one by the other."""
    palette, step = PALETTES[theme], every(len(result.t), MOST_POINTS)
    height, ((low_2, top_2), (low_1, top_1)) = stacked([NORMS, COHERENCE])
    t = result.t[(len(result.t) - 1) % step :: step]
    ends = (-0.5, float(result.t[-1]) + 0.5)
    y_range = log_range(np.concatenate([result.mean_of_norms, result.norm_of_mean]))
    upper, lower = Area(ends, y_range, NORMS), Area(ends, (-0.06, 1.12), COHERENCE)
    norms = [
        Curve(t, result.mean_of_norms[t], "mean of the norms", palette.measured),
        Curve(t, result.norm_of_mean[t], "norm of the mean", palette.other),
    ]
    coherence = Curve(t, result.coherence[t], "coherence", palette.whole)
    flat = np.full(2, result.independent)
    text = f"independent: 1/√B = {result.independent:.3g}"
    independent = Curve(np.array([0, result.t[-1]]), flat, text, palette.radius, "dash")
    notes, levels = edge_notes(kinds(result.mean_of_norms), _edge_words, upper, "y2")
    labels = placed([c for c in norms if np.isfinite(c.y).any()], upper, "y2", palette, levels)
    labels += placed([coherence, independent], lower, "y", palette)
    by = whole_state(result.parts, "<sub>t</sub>")
    layout = {
        "xaxis": {
            "title": {"text": "time step t"},
            "range": list(ends),
            **time_ticks(len(result.t)),
            "showgrid": False,
        },
        "yaxis": _share_axis(lower) | {"domain": [low_1, top_1]},
        "yaxis2": log_axis(upper.y, f"|∂L/∂{by}|") | {"domain": [low_2, top_2]},
        "annotations": [*labels, *notes, heading("Norms", top_2), heading("Coherence", top_1)],
        "hovermode": "x",
    }
    hover = {"hovertemplate": "t = %{x}, coherence: %{y:.3g}<extra></extra>"}
    data = [theory(independent), measured(coherence) | hover]
    data += [_line(curve) for curve in norms[::-1]] + _marks(result, upper)
    words = Words(QUESTION, subtitle(result), HOW_TO_READ, alt(result), "batch-mean")
    return framed(data, layout, words, height=height, theme=theme, caption=caption)


def subtitle(result: BatchMean) -> str:
    """Which derivative, of which loss, and what was left out."""
    loss = (
        f"the loss at t = {result.loss_state} alone"
        if result.source == "last"
        else "the whole loss"
    )
    step = every(len(result.t), MOST_POINTS)
    left_out = f" Every {ordinal(step)} state is drawn." if step > 1 else ""
    return (
        f"∂L/∂{whole_state(result.parts)} of {loss}, in {result.layer}, over "
        f"{count(result.batch_size, 'sequence')}.{left_out}"
    )


def alt(result: BatchMean) -> str:
    """What the picture shows, for those who do not see it."""
    at = result.loss_state
    known = result.coherence[np.isfinite(result.coherence)]
    spread = f"from {known.min():.3g} to {known.max():.3g}" if len(known) else "no number anywhere"
    nothing = [
        f"{WORDS[k]} at {count(int(m.sum()), 'state')}"
        for k, m in kinds(result.mean_of_norms).items()
    ]
    places = f" The mean of the norms is {', '.join(nothing)}." if nothing else ""
    return (
        f"Two charts over time. At t = {at} the mean of the norms is "
        f"{plain(result.mean_of_norms[at])} and the norm of the mean "
        f"{plain(result.norm_of_mean[at])}; at t = 0 they are {plain(result.mean_of_norms[0])} "
        f"and {plain(result.norm_of_mean[0])}. The coherence is {spread}; independent sequences "
        f"would give {result.independent:.3g}.{places}"
    )


def _line(curve: Curve) -> Json:
    mantissa, exponent = mantissa_exponent(curve.y)
    return measured(curve, "y2", 3.0 if curve.text.startswith("mean") else 2.25) | {
        "customdata": np.stack([mantissa, exponent], axis=1),
        "hovertemplate": (
            f"t = %{{x}}, {curve.text}: "
            "%{customdata[0]:.2f}×10<sup>%{customdata[1]}</sup><extra></extra>"
        ),
    }


def _marks(result: BatchMean, area: Area) -> list[Json]:
    return edge_marks(result.t, result.mean_of_norms, area.y, "y2", "t =")


def _share_axis(area: Area) -> Json:
    return {"title": {"text": "coherence"}, "range": list(area.y), "tickvals": [0, 0.5, 1]}


def _edge_words(kind: str, at: Array) -> str:
    return f"{WORDS[kind]} at {count(len(at), 'state')}"
