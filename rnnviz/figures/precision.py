"""From which lag on does a precision lose the gradient?"""

from collections.abc import Iterator

import numpy as np
import plotly.graph_objects as go

from rnnviz.arrays import Array, Int
from rnnviz.diagnostics import Precision
from rnnviz.diagnostics.precision import Computed
from rnnviz.figures.frame import Json, Words, every, framed, heading, stacked
from rnnviz.figures.labels import placed
from rnnviz.figures.lines import Area, Curve, measured, theory
from rnnviz.figures.marks import WORDS, edge_marks, kinds, square
from rnnviz.figures.norms import log_axis, roomy, time_ticks
from rnnviz.figures.text import count, mantissa_exponent, ordinal, plain, power, whole_state
from rnnviz.figures.theme import PALETTES, Palette, Theme

QUESTION = "From which lag on does a precision lose the gradient?"
HOW_TO_READ = (
    "The thick line is the true gradient, with its scale carried along so that no number is too "
    "small for it. The other two are the same run, with the same weights and the same loss, in "
    "float32 and in emulated float16: all that is stored between steps is rounded to float16, and "
    "within a step arithmetic is float32. As long as the lines lie on each other, the precision "
    "is good enough.\n\n"
    "The dotted lines are where a precision's numbers end. Below its smallest normal number a "
    "float is subnormal: it has fewer digits the smaller it is. Below the smallest subnormal "
    "number there is only 0, and a gradient that is 0 teaches nothing. Hardware that flushes "
    "subnormal numbers to 0 loses it at the upper of the two lines already.\n\n"
    "A line that levels off at the smallest numbers is not a gradient that holds: each step's "
    "product is rounded back up to the number it came from. The lower row shows what share of "
    "the entries is subnormal; it falls again where they become 0."
)
HEIGHTS = (330, 110)
MOST_COLUMNS = 600
_WIDTHS = {"float64": 6.0, "float32": 3.5, "float16": 2.0}
_MARKS, _WORDS = 7, 15
"""Pixels from one row of marks, or of words, to the next."""
_APART = 34
"""Pixels between two limits from which on each has a label of its own."""


def precision(result: Precision, *, theme: Theme = "light", caption: str = "") -> go.Figure:
    """The norm in three precisions by lag, and below it the share of subnormal entries."""
    palette = PALETTES[theme]
    height, (upper, lower) = stacked(HEIGHTS)
    lags = result.lag[:: every(len(result.lag), MOST_COLUMNS)]
    ends = -0.5, float(max(result.lag[-1], 1)) + 0.5
    edges = list(_edges(result))
    y_range = _range(result, edges)
    area = Area(ends, y_range, HEIGHTS[0])
    norms = list(_norms(result, lags, palette))
    limits = list(_limits(result, area, palette))
    notes, levels = _notes(edges, area)
    known = [curve for curve in [*norms, *limits] if np.isfinite(curve.y).any()]
    shares = [_share(one, lags, palette) for one in result.all]
    below = Area(ends, (0.0, 1.0), HEIGHTS[1])
    labels = placed(known, area, "y", palette, levels)
    labels += placed([s for s in shares if s.text], below, "y2", palette)
    data = [theory(curve) for curve in limits]
    data += [_line(curve, one) for curve, one in zip(norms, result.all, strict=True)]
    data += _marks(result, area)
    data += [_share_line(curve, one) for curve, one in zip(shares, result.all, strict=True)]
    by = whole_state(result.parts, "<sub>T−k</sub>")
    layout = {
        "xaxis": _lag_axis(result, ends),
        "yaxis": log_axis(y_range, f"|∂L/∂{by}|") | {"domain": list(upper)},
        "yaxis2": _share_axis(lower),
        "annotations": [
            heading("norm of the gradient", upper[1]),
            heading("share of subnormal entries", lower[1]),
            *labels,
            *notes,
        ],
        "hovermode": "closest",
    }
    words = Words(QUESTION, subtitle(result), HOW_TO_READ, alt(result), "precision")
    return framed(data, layout, words, height=height, theme=theme, caption=caption)


def subtitle(result: Precision) -> str:
    """Which derivative, of which loss, in which layer, and what was left out."""
    loss = "the last step's loss alone" if result.source == "last" else "the whole loss"
    step = every(len(result.lag), MOST_COLUMNS)
    left_out = f" Every {ordinal(step)} lag is drawn." if step > 1 else ""
    scale = result.loss_scale
    scaled = "" if scale == 1 else f" Loss scale {scale:g}, divided out again."
    return (
        f"|∂L/∂{whole_state(result.parts)}| of {loss}, in {result.layer}, mean of "
        f"{count(result.batch_size, 'sequence')}; to the right is back in time.{scaled}{left_out}"
    )


def alt(result: Precision) -> str:
    """What the picture shows, for those who do not see it."""
    last = result.lag[-1]
    ends = ", ".join(f"{plain(one.log10_norm[-1])} in {one.name}" for one in result.all)
    return (
        f"Three lines over the lag on a log scale. The gradient's norm is "
        f"{plain(result.float64.log10_norm[0])} at lag 0 in float64; at lag {last:,} it is {ends}. "
        f"{result.sentence}"
    )


def _colour(name: str, palette: Palette) -> str:
    colours = {"float64": palette.measured, "float32": palette.other, "float16": palette.bound}
    return colours[name]


def _norms(result: Precision, lags: Array, palette: Palette) -> Iterator[Curve]:
    for one in result.all:
        text = "float64, its scale carried along" if one.name == "float64" else one.name
        yield Curve(lags, one.log10_norm[lags], text, _colour(one.name, palette))


def _limits(result: Precision, area: Area, palette: Palette) -> Iterator[Curve]:
    """Where each precision's numbers end, as far as the axis goes there."""
    x = np.array([0.0, float(max(result.lag[-1], 1))])
    for one in result.all:
        colour = _colour(one.name, palette)
        for value, text in _named_limits(one, area):
            if area.y[0] < value < area.y[1]:
                yield Curve(x, np.full(2, value), text, colour, "dot")


def _named_limits(one: Computed, area: Area) -> Iterator[tuple[float, str]]:
    normal, subnormal = one.smallest_normal, one.smallest_subnormal
    low, high = area.y
    apart = (normal - subnormal) / (high - low) * area.height > _APART
    zero = f"{one.name}: 0 below {_size(subnormal)}"
    both = f"{one.name}: subnormal {_size(subnormal)} to {_size(normal)}"
    yield normal, f"{one.name}: subnormal below {_size(normal)}" if apart or low > subnormal else ""
    yield subnormal, zero if apart else both
    yield one.largest, f"{one.name}: infinite above {_size(one.largest)}"


def _size(log10: float) -> str:
    (mantissa,), (exponent,) = mantissa_exponent(np.array([log10]))
    return f"{mantissa:.1f}×{power(exponent)}"


def _edges(result: Precision) -> Iterator[tuple[Computed, str, Int[Array, " M"]]]:
    """Each precision and kind of number that no log axis can show, with its lags.

    In the order of the rows of marks, from the edges inwards.
    """
    for one in result.all[::-1]:
        for kind, mask in kinds(one.log10_norm).items():
            yield one, kind, np.flatnonzero(mask)


def _marks(result: Precision, area: Area) -> Iterator[Json]:
    """At the edges, a row of marks for each precision."""
    for row, one in enumerate(result.all[::-1]):
        inside = area.at(float(_MARKS * row)), area.at(float(area.height - _MARKS * row))
        yield from edge_marks(result.lag, one.log10_norm, inside, "y", f"{one.name}, lag")


def _notes(edges: list[tuple[Computed, str, Array]], area: Area) -> tuple[list[Json], list[float]]:
    """The words to the marks, and how many pixels high each stands."""
    notes: list[Json] = []
    levels: list[float] = []
    for one, kind, at in edges:
        low = kind == "zero"
        before = sum((level < area.height / 2) == low for level in levels)
        offset = 3 * _MARKS + 8 + _WORDS * before
        level = float(offset if low else area.height - offset)
        where = _from(at, len(one.log10_norm))
        notes.append(
            {
                "text": f"{square(kind)} {one.name}: {WORDS[kind]} {where}",
                "x": 0.99,
                "xref": "paper",
                "xanchor": "right",
                "y": area.at(level),
                "yref": "y",
                "yanchor": "middle",
            }
        )
        levels.append(level)
    return notes, levels


def _from(at: Array, lags: int) -> str:
    if len(at) == lags - at[0]:
        return f"from lag {at[0]:,}"
    return f"at {count(len(at), 'lag')}, first at {at[0]:,}"


def _range(result: Precision, edges: list[tuple[Computed, str, Array]]) -> tuple[float, float]:
    """All that was computed, and a strip for each row of words."""
    every_norm = np.concatenate([one.log10_norm for one in result.all])
    finite = every_norm[np.isfinite(every_norm)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (-1.0, 1.0)
    low, high = roomy(low, high)
    under = sum(kind == "zero" for _, kind, _ in edges)
    over = len(edges) - under
    rooms = [3 * _MARKS + 8 + _WORDS * rows if rows else 0 for rows in (under, over)]
    decade = (high - low) / (HEIGHTS[0] - sum(rooms))
    return low - rooms[0] * decade, high + rooms[1] * decade


def _line(curve: Curve, one: Computed) -> Json:
    mantissa, exponent = mantissa_exponent(curve.y)
    line = measured(curve, width=_WIDTHS[one.name])
    return line | {
        "customdata": np.stack([mantissa, exponent], axis=1),
        "hovertemplate": (
            f"lag %{{x}}, {one.name}: "
            "%{customdata[0]:.2f}×10<sup>%{customdata[1]}</sup><extra></extra>"
        ),
    }


def _share(one: Computed, lags: Array, palette: Palette) -> Curve:
    """The share of subnormal entries, with a label where there are any."""
    share = one.share("subnormal")
    text = one.name if share.any() else ""
    return Curve(lags, share[lags], text, _colour(one.name, palette))


def _share_line(curve: Curve, one: Computed) -> Json:
    others = np.stack([one.share(kind)[curve.x] for kind in ("zero", "infinite", "nan")], axis=1)
    line = measured(curve, "y2", _WIDTHS[one.name] / 1.5)
    return line | {
        "name": f"{one.name}, subnormal",
        "customdata": others,
        "hovertemplate": (
            f"lag %{{x}}, {one.name}: %{{y:.1%}} subnormal, %{{customdata[0]:.1%}} exactly 0, "
            "%{customdata[1]:.1%} infinite, %{customdata[2]:.1%} NaN<extra></extra>"
        ),
    }


def _lag_axis(result: Precision, ends: tuple[float, float]) -> Json:
    return {
        "title": {"text": "lag k, steps back from the loss"},
        "range": list(ends),
        **time_ticks(len(result.lag)),
        "showgrid": False,
        "anchor": "y2",
    }


def _share_axis(domain: tuple[float, float]) -> Json:
    return {
        "title": {"text": "share"},
        "range": [-0.02, 1.02],
        "domain": list(domain),
        "tickvals": [0, 0.5, 1],
        "ticktext": ["0", "50 %", "100 %"],
    }
