"""How much can k steps stretch or shrink any gradient?"""

from collections.abc import Iterator

import numpy as np
import plotly.graph_objects as go

from rnnviz.arrays import Array
from rnnviz.diagnostics import GradientFlow, JacobianSpectrum
from rnnviz.figures.frame import Json, Words, framed
from rnnviz.figures.labels import placed
from rnnviz.figures.lines import Area, Curve, measured
from rnnviz.figures.marks import WORDS, edge_marks, edge_notes, kinds
from rnnviz.figures.norms import log_axis, log_range, time_ticks
from rnnviz.figures.text import count, mantissa_exponent, plain, whole_state
from rnnviz.figures.theme import PALETTES, Palette, Theme

QUESTION = "How much can k steps stretch or shrink any gradient?"
HOW_TO_READ = (
    "A gradient that travels k steps back is multiplied by a product of k matrices, one for each "
    "step. Its singular values are what that product does to different directions: the largest "
    "is the most that any gradient is stretched, the smallest the least that is left of one. "
    "Every possible gradient runs between the two lines.\n\n"
    "Each line is one rank, by the number of steps; the axis counts powers of ten, so a straight "
    "line is a constant factor per step. Lines that fan out mean that after some steps all "
    "gradients point in the few directions on top, whatever the loss was.\n\n"
    "The measured gradient, where it is drawn, is the norm of the one that did travel, divided by "
    "what it was at the loss."
)
HOW_TO_READ_UNITS = (
    "The matrix says how some of the layer's units feel the state k steps before, exactly: its "
    "rows are those units', its columns are the whole state. A gradient that arrives at these "
    "units alone is stretched by no more than the largest singular value on its way back, and by "
    "no less than the smallest.\n\n"
    "Each line is one rank, by the number of steps; the axis counts powers of ten, so a straight "
    "line is a constant factor per step. Lines that fan out mean that after some steps the units "
    "all feel the same few directions of the state.\n\n"
    "Each value is at most the one of the same rank of the whole matrix: a gradient that arrives "
    "at other units as well may be stretched more, or less, and the measured one, which does, is "
    "not drawn."
)
HEIGHT = 320
MOST_LINES = 24


def jacobian_spectrum(
    result: JacobianSpectrum,
    *,
    flow: GradientFlow | None = None,
    theme: Theme = "light",
    caption: str = "",
) -> go.Figure:
    """Singular values of the product of k steps, against k.

    Parameters
    ----------
    flow : of the last step's loss in the same layer: drawn, as a share of its norm at the loss,
        where the products end at the state that the loss looks at, and are of all units
    """
    palette, log10 = PALETTES[theme], result.log10
    travelled = _travelled(result, flow)
    y_range = log_range(np.append(log10.ravel(), [] if travelled is None else travelled))
    high = float(result.lags[-1])
    area = Area((-0.5, high + 0.5), y_range, HEIGHT)
    named = [curve for curve in _named(result, palette) if np.isfinite(curve.y).any()]
    if travelled is not None and np.isfinite(travelled).any():
        lag = np.arange(len(travelled))
        named.append(Curve(lag, travelled, "the measured gradient", palette.whole))
    smallest = log10[:, -1]
    notes, levels = edge_notes(kinds(smallest), _edge_words, area)
    data = [_line(curve, 1.0) for curve in _between(result, palette)]
    data += [_line(curve, 3.0) for curve in reversed(named)]
    data += edge_marks(result.lags, smallest, y_range, "y", "smallest, lag")
    layout = {
        "xaxis": {
            "title": {"text": "lag k: steps back"},
            "range": list(area.x),
            **time_ticks(int(high) + 1),
            "showgrid": False,
        },
        "yaxis": log_axis(y_range, "singular value"),
        "annotations": [*placed(named, area, "y", palette, levels), *notes],
        "hovermode": "closest",
    }
    how = HOW_TO_READ if result.units is None else HOW_TO_READ_UNITS
    words = Words(question(result), subtitle(result), how, alt(result), "jacobian-spectrum")
    if caption and result.units is not None:
        caption += f" · {of_units(result)}"
    return framed(data, layout, words, height=HEIGHT, theme=theme, caption=caption)


def question(result: JacobianSpectrum) -> str:
    """What the picture answers; of some units only, how many of how many."""
    if result.units is None:
        return QUESTION
    verb = "does" if result.hidden_size == 1 else "do"
    return f"How strongly {verb} {of_units(result)} feel the state k steps before?"


def of_units(result: JacobianSpectrum) -> str:
    """How many of a layer's units were taken: 16 of 1,024 units."""
    return f"{len(result.units or ()):,} of {count(result.hidden_size, 'unit')}"


def subtitle(result: JacobianSpectrum) -> str:
    """Which product, of which layer and sequence, and what was left out."""
    by = whole_state(result.parts, "")
    size, drawn = len(result.rank), len(_ranks(result))
    left_out = f" {drawn} of {size} ranks are drawn." if drawn < size else ""
    after, who = "s", ""
    if result.units is not None:
        after, who = "u", f"u = h of {of_units(result)}, evenly spaced, "
    return (
        f"Singular values of ∂{after}(T)/∂s(T−k) in {result.layer}, {who}s = {by}, "
        f"T = {result.end}, {whose(result.sequences, result.batch_size)}.{left_out}"
    )


def whose(sequences: tuple[int, ...], batch_size: int) -> str:
    """Which sequences a picture is of."""
    if len(sequences) == 1:
        return f"sequence {sequences[0] + 1} of {batch_size}"
    return f"median of {count(len(sequences), 'sequence')}"


def alt(result: JacobianSpectrum) -> str:
    """What the picture shows, for those who do not see it."""
    log10, lag = result.log10, int(result.lags[-1])
    zeros = int(np.isneginf(log10[-1]).sum())
    nothing = f" {count(zeros, 'value')} of {len(result.rank)} are exactly 0 there." * bool(zeros)
    of = "" if result.units is None else f" of {of_units(result)}"
    return (
        f"Lines on a log scale, one for each rank{of}: at lag {lag} the largest singular value is "
        f"{plain(float(log10[-1, 0]))} and the smallest {plain(float(log10[-1, -1]))}.{nothing}"
    )


def _named(result: JacobianSpectrum, palette: Palette) -> Iterator[Curve]:
    log10, size = result.log10, len(result.rank)
    yield Curve(result.lags, log10[:, 0], "largest", palette.growing)
    if size > 2:
        middle = (size - 1) // 2
        yield Curve(result.lags, log10[:, middle], f"rank {middle + 1}", palette.measured)
    if size > 1:
        yield Curve(result.lags, log10[:, -1], "smallest", palette.shrinking)


def _ranks(result: JacobianSpectrum) -> list[int]:
    """Ranks counted from 0 that have a line, the largest and the smallest among them."""
    size = len(result.rank)
    evenly = np.rint(np.linspace(0, size - 1, min(size, MOST_LINES))).astype(int)
    return sorted({*evenly.tolist(), (size - 1) // 2})


def _between(result: JacobianSpectrum, palette: Palette) -> Iterator[Curve]:
    for rank in _ranks(result):
        log10 = result.log10[:, rank]
        if rank not in (0, (len(result.rank) - 1) // 2, len(result.rank) - 1):
            yield Curve(result.lags, log10, f"rank {rank + 1}", palette.radius)


def _line(curve: Curve, width: float) -> Json:
    mantissa, exponent = mantissa_exponent(curve.y)
    return measured(curve, width=width) | {
        "customdata": np.stack([mantissa, exponent], axis=1),
        "hovertemplate": (
            f"lag %{{x}}, {curve.text}: "
            "%{customdata[0]:.2f}×10<sup>%{customdata[1]}</sup><extra></extra>"
        ),
    }


def _travelled(result: JacobianSpectrum, flow: GradientFlow | None) -> Array | None:
    """log10 of the gradient's norm at each lag over that at the loss, in the same sequences."""
    if flow is None or flow.loss_state != result.end or flow.source != "last":
        return None
    if result.units is not None:
        return None
    norms = flow.log10_norms[flow.loss_state :: -1, list(result.sequences)]
    with np.errstate(invalid="ignore"):
        share: Array = np.median(norms - norms[0], axis=1)[: int(result.lags[-1]) + 1]
    return share


def _edge_words(kind: str, at: Array) -> str:
    return f"the smallest {WORDS[kind]} at {count(len(at), 'lag')}"
