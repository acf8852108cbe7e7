"""What could the gradient have done at most, and at least?"""

from dataclasses import replace

import numpy as np
import plotly.graph_objects as go

from rnnviz.arrays import Array
from rnnviz.diagnostics import Bounds
from rnnviz.figures.frame import Json, Words, every, framed
from rnnviz.figures.labels import placed
from rnnviz.figures.limits import farewells, limits, taken
from rnnviz.figures.lines import Area, Curve, measured, theory
from rnnviz.figures.marks import WORDS, edge_marks, edge_notes, kinds
from rnnviz.figures.norms import LEAST_DECADES, log_axis, roomy, time_ticks
from rnnviz.figures.text import count, mantissa_exponent, ordinal, plain, whole_state
from rnnviz.figures.theme import PALETTES, Palette, Theme

QUESTION = "What could the gradient have done at most, and at least?"
HOW_TO_READ = (
    "The thick line is the gradient that was measured, from the loss on the left back through "
    "time to the right. A step back cannot multiply it by more than the largest singular value of "
    "that step's Jacobian, nor by less than the smallest: multiplied up over the steps, these "
    "give the dashed lines, which the gradient never crosses. The dotted ones are cruder and need "
    "only the weights and the slopes of the units: γ is the largest slope a unit can have, and "
    "min |f′| the smallest that one had.\n\n"
    "Where the upper bound is above the gradient at the loss and the lower bound below it, the "
    "gradient may grow or shrink as far as they know: there they say nothing, and that area is "
    "shaded. An upper bound that falls proves that the gradient vanishes; a lower bound that "
    "rises proves that it explodes. Each step's worst direction is another one, and no gradient "
    "meets them all: so bounds are true, and mostly far away."
)
HEIGHT = 340
MOST_LAGS = 1500
_ROOM = 0.7
"""How far bounds may widen the axis on each side, as a share of what was measured."""
NOTHING_SAID = "the bounds say nothing here"


def bounds(result: Bounds, *, theme: Theme = "light", caption: str = "") -> go.Figure:
    """The measured gradient by lag, its bounds, and where those say nothing."""
    palette = PALETTES[theme]
    lags = result.lag[:: every(len(result.lag), MOST_LAGS)]
    y_range = _range(result)
    area = Area((-0.02 * max(lags[-1], 1), max(lags[-1], 1) * 1.02), y_range, HEIGHT)
    line = Curve(lags, result.measured[lags], _measured_text(result), palette.measured)
    found = limits(result, lags, area, palette)
    notes, levels = edge_notes(kinds(result.measured), _edge_words, area)
    gone = farewells(found, area, palette)
    shading, said = _shaded(result, lags, y_range, palette)
    staying = [limit.curve for limit in found if limit.leaves is None]
    leaving = [replace(limit.curve, text="") for limit in found if limit.leaves is not None]
    visible = [c for c in (line, *said, *staying, *leaving) if np.isfinite(c.y).any()]
    levels += taken(gone, area)
    layout = {
        "xaxis": {
            "title": {"text": "lag k: steps back from the loss"},
            "range": list(area.x),
            **time_ticks(len(result.lag)),
            "showgrid": False,
        },
        "yaxis": log_axis(y_range, f"|∂L/∂{whole_state(result.parts, '<sub>T−k</sub>')}|"),
        "annotations": [*placed(visible, area, "y", palette, levels), *notes, *gone],
        "hovermode": "x",
    }
    data = [*shading, *(theory(limit.curve) for limit in found), _hovered(line, result)]
    data += edge_marks(lags, result.measured[lags], y_range, "y", "lag")
    words = Words(QUESTION, subtitle(result), HOW_TO_READ, alt(result), "bounds")
    if caption and not result.whole:
        caption += f" · Jacobians of {result.own:,} of {count(result.loss_state, 'lag')}"
    return framed(data, layout, words, height=HEIGHT, theme=theme, caption=caption)


def subtitle(result: Bounds) -> str:
    """Which derivative, of which loss, what the weights prove, and what was left out."""
    step = every(len(result.lag), MOST_LAGS)
    left_out = f" Every {ordinal(step)} lag is drawn." if step > 1 else ""
    condition = f" {result.pascanu.condition}" if result.pascanu else ""
    return (
        f"{_how_far(result)}∂L/∂{whole_state(result.parts)} of the loss at "
        f"t = {result.loss_state} alone, in {result.layer}; "
        f"mean of {count(result.batch_size, 'sequence')}. {result.sentence}"
        f"{condition}{left_out}"
    )


def _how_far(result: Bounds) -> str:
    """How many lags the steps' own Jacobians bound, and what bounds the others."""
    if result.whole:
        return ""
    one = result.own == 1
    first = f"The first {'lag' if one else count(result.own, 'lag')} of {result.loss_state:,}"
    if result.pascanu is None:
        return f"{first}. "
    return (
        f"{first} {'is' if one else 'are'} bounded by each step's Jacobian, the others by the "
        "singular values of W_hh times the steepest and the flattest unit's slope. "
    )


def alt(result: Bounds) -> str:
    """What the picture shows, for those who do not see it."""
    at = int(result.lag[-1])
    return (
        f"{_how_far(result)}Lines over the lag on a log scale. The gradient's norm is "
        f"{plain(result.measured[0])} at the loss and {plain(result.measured[-1])} at lag {at}, "
        f"where the bounds allow {plain(result.lower[-1])} to {plain(result.upper[-1])}. "
        f"{result.sentence}"
    )


def _measured_text(result: Bounds) -> str:
    batch = result.batch_size
    return f"measured, mean of {batch}" if batch > 1 else "measured"


def _shaded(
    result: Bounds, lags: Array, y_range: tuple[float, float], palette: Palette
) -> tuple[list[Json], list[Curve]]:
    """The area between bounds that say nothing, and a line for its words to stand at."""
    silent = result.silent.copy()
    if not silent.any():
        return [], []
    # The wedge opens at the loss.
    silent[:-1] |= silent[1:] & (result.lag[:-1] == 0)
    low, high = (np.clip(line, *y_range)[lags] for line in (result.lower, result.upper))
    low, high = (np.where(silent[lags], line, result.measured[0]) for line in (low, high))
    edge = {"type": "scatter", "mode": "lines", "x": lags, "hoverinfo": "skip"}
    line = {"line": {"width": 0, "color": palette.bound}}
    fill = {"fill": "tonexty", "fillcolor": palette.unsure}
    middle = _wider_gap(result.measured[lags], low, high)
    words = Curve(lags, np.where(silent[lags], middle, np.nan), NOTHING_SAID, palette.bound)
    return [
        edge | line | {"name": "lower edge", "y": low},
        edge | line | fill | {"name": NOTHING_SAID, "y": high},
    ], [words]


def _wider_gap(line: Array, low: Array, high: Array) -> Array:
    """The middle of the wider of the two gaps beside a line, all along."""
    line = np.clip(np.where(np.isfinite(line), line, low), low, high)
    above = float(np.sum(high - line)) >= float(np.sum(line - low))
    return np.asarray((line + high) / 2 if above else (line + low) / 2)


def _hovered(line: Curve, result: Bounds) -> Json:
    parts = [
        mantissa_exponent(own[line.x]) for own in (result.measured, result.lower, result.upper)
    ]
    return measured(line) | {
        "customdata": np.stack([number for part in parts for number in part], axis=1),
        "hovertemplate": (
            "lag %{x}: %{customdata[0]:.2f}×10<sup>%{customdata[1]}</sup><br>bounds "
            "%{customdata[2]:.2f}×10<sup>%{customdata[3]}</sup> to "
            "%{customdata[4]:.2f}×10<sup>%{customdata[5]}</sup><extra></extra>"
        ),
    }


def _range(result: Bounds) -> tuple[float, float]:
    """All that was measured, and some of the bounds, which leave the picture at its edges."""
    finite = result.measured[np.isfinite(result.measured)]
    if not len(finite):
        return -1.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    room = _ROOM * max(high - low, LEAST_DECADES)
    drawn = np.concatenate([result.lower, result.upper])
    drawn = drawn[~np.isnan(drawn)]
    low = max(min(low, float(drawn.min(initial=low))), low - room)
    high = min(max(high, float(drawn.max(initial=high))), high + room)
    return roomy(low, high)


def _edge_words(kind: str, at: Array) -> str:
    return (
        f"{WORDS[kind]} from lag {at[0]}" if kind == "zero" else f"{WORDS[kind]} at {len(at)} lags"
    )
