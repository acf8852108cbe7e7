"""Bars of what each loss leaves: summed by groups of losses over all states, and at one state."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from rnnviz.arrays import Array, Float, Int
from rnnviz.diagnostics import Itemized
from rnnviz.figures.frame import Json, every
from rnnviz.figures.text import mantissa_exponent, power
from rnnviz.figures.theme import SOURCES, Palette

MOST_STATES, MOST_BANDS = 60, 12
STATE_BARS = "norms at one state"


@dataclass(frozen=True)
class Scale:
    """What the stacked bars are measured in."""

    relative: bool
    exponent: float
    """Bars of absolute norms are in units of this power of ten."""
    top: float
    title: str
    axis: str


def scale_of(result: Itemized, relative: bool) -> Scale:
    """Shares, or a linear axis in units of the largest sum's power of ten."""
    if relative:
        return Scale(True, 0.0, 1.02, "Shares of the sum, by loss", "share")
    total = result.log10_total
    finite = total[np.isfinite(total)]
    largest = float(finite.max()) if len(finite) else 0.0
    exponent = float(np.floor(largest))
    unit = power(exponent)
    top = 1.08 * 10.0 ** (largest - exponent)
    return Scale(False, exponent, top, "Sum of the norms, by loss", f"in {unit}")


def band_bars(result: Itemized, scale: Scale, axis: str) -> Iterator[Json]:
    """A bar for each state, stacked of neighbouring losses, the first loss at the bottom."""
    step = every(len(result.t), MOST_STATES)
    states = result.t[(len(result.t) - 1) % step :: step]
    bands, starts = result.log10_bands(MOST_BANDS), result.band_starts(MOST_BANDS)
    with np.errstate(all="ignore"):
        unit = result.log10_total if scale.relative else scale.exponent
        heights = (10.0 ** (bands - unit))[:, states]
    ends = np.append(starts[1:], len(result.sources)) - 1
    for n, (start, end) in enumerate(zip(starts, ends, strict=True)):
        first, last = result.sources[start], result.sources[end]
        name = f"s = {first}" if first == last else f"s = {first} to {last}"
        mantissa, exponent = mantissa_exponent(bands[n, states])
        yield {
            "type": "bar",
            "name": f"loss at {name}",
            "x": states,
            "y": np.where(np.isfinite(heights[n]), heights[n], np.nan),
            "width": step,
            "yaxis": axis,
            "marker": {"color": _colour(n, len(starts)), "line": {"width": 0}},
            "customdata": np.stack([mantissa, exponent], axis=1),
            "hovertemplate": (
                f"state t = %{{x}}, loss at {name}: "
                "%{customdata[0]:.2f}×10<sup>%{customdata[1]}</sup><extra></extra>"
            ),
        }


def state_heading(state: int | str, relative: bool) -> str:
    """What the bars of one state are."""
    return f"{'Shares' if relative else 'Norms'} at state t = {state}, by loss"


def state_bars(
    log10: Float[Array, "M C"],
    sources: Int[Array, " M"],
    states: Int[Array, " C"],
    at: int,
    floor: float,
    relative: bool,
    palette: Palette,
) -> Json:
    """A bar for each loss at one state, in log10 from the floor of the axis.

    Its ``meta`` tells a page to draw the column of the triangle that the cursor is on.
    """
    column = int(np.argmin(np.abs(states - at)))
    values = log10[:, column]
    with np.errstate(invalid="ignore"):
        heights = np.where(np.isfinite(values), np.maximum(values - floor, 0), 0)
    return {
        "type": "bar",
        "name": STATE_BARS,
        "x": sources,
        "y": heights,
        "base": floor,
        "width": int(sources[1] - sources[0]) if len(sources) > 1 else 1,
        "xaxis": "x2",
        "yaxis": "y3",
        "marker": {"color": palette.measured, "line": {"width": 0}},
        "meta": {"columnOf": 0, "note": 0, "text": f"<b>{state_heading('{x}', relative)}</b>"},
        "hovertemplate": "loss at s = %{x}: 10<sup>%{y:.3~f}</sup><extra></extra>",
    }


def _colour(n: int, count: int) -> str:
    """A colour of the scale for one of ``count`` bands, between its neighbours' where it must."""
    place = n / max(1, count - 1) * (len(SOURCES) - 1)
    low = min(int(place), len(SOURCES) - 2)
    one, other = (_channels(SOURCES[k]) for k in (low, low + 1))
    mixed = np.round(one + (place - low) * (other - one)).astype(int)
    return "#" + "".join(f"{value:02x}" for value in mixed)


def _channels(colour: str) -> Array:
    return np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)], float)
