"""How far back does the gradient reach, as training goes on?"""

import numpy as np
import plotly.graph_objects as go

from rnnviz.arrays import Array, Float
from rnnviz.diagnostics.verdict import holding_limit
from rnnviz.figures.frame import Words
from rnnviz.figures.steps import Level, Line, Rows, Strip, over_steps
from rnnviz.figures.text import count
from rnnviz.figures.theme import PALETTES, SMALL, Palette, Theme
from rnnviz.figures.training import marks_of, told_changes
from rnnviz.history import History

QUESTION = "How far back does the gradient reach, as training goes on?"
HOW_TO_READ = (
    "Above, what a step back multiplies the gradient's norm by, fitted over the lags of the last "
    "step's loss. In the grey band it holds: over the whole sequence it changes by less than a "
    "factor of ten, and by less than a tenth at each step.\n\n"
    "Below, the same as a time: after how many steps back half of the gradient is gone, or, in "
    "another colour and with diamonds, after how many it has doubled. A moment at which the "
    "gradient holds is a square at the upper edge."
)
FACTOR_HEIGHT, TIME_HEIGHT = 150, 190
_BELOW_EDGE = 7


def half_life_curve(
    history: History, *, at: int | None = None, theme: Theme = "light", caption: str = ""
) -> go.Figure:
    """The factor per step back, and the half-life or doubling time, at each recorded moment.

    Parameters
    ----------
    history : History
    at : the step that the page looks at
    """
    palette = PALETTES[theme]
    step = np.array([moment.step for moment in history.moments], float)
    factor = np.array([moment.factor for moment in history.moments], float)
    limit = _limit(history)
    holds = (factor >= 1 / limit) & (factor <= limit)
    factors = Line(step, factor, "factor", palette.measured)
    level = Level(1.0, "1: holds", palette.fit)
    times = _times(step, factor, holds, palette)
    strips = [
        Strip([factors], "factor", [level], _wide(factor), None, FACTOR_HEADING, FACTOR_HEIGHT),
        Strip(times, "steps", span=_span(times, history), heading=TIME_HEADING, height=TIME_HEIGHT),
    ]
    rows = over_steps(strips, marks_of(history, at), palette)
    if len(step):
        _draw_holding(rows, step[holds], limit, palette)
    words = Words(QUESTION, SUBTITLE, HOW_TO_READ, alt(history, factor, holds), "half-life")
    return rows.framed(words, theme, caption)


SUBTITLE = (
    "|∂L/∂sₜ| of the last step's loss in the top layer, on one held-out batch, with the weights "
    "of each recorded moment."
)
FACTOR_HEADING, TIME_HEADING = "factor per step back", "half-life, doubling time"


def alt(history: History, factor: Float[Array, " M"], holds: Array) -> str:
    """What the picture shows, for those who do not see it."""
    if not len(factor):
        return "An empty picture: no moment recorded yet."
    shrinks, grows = int(((factor < 1) & ~holds).sum()), int(((factor > 1) & ~holds).sum())
    return (
        f"Over {count(len(factor), 'moment')} of training the factor per step back goes from "
        f"{factor[0]:.3g} to {factor[-1]:.3g}; the gradient shrinks at {shrinks:,}, holds at "
        f"{int(holds.sum()):,} and grows at {grows:,} of them.{told_changes(history)}"
    )


def _limit(history: History) -> float:
    """The factor up to which the gradient holds over the recorded lags."""
    lags = max((int(moment.lag[-1]) for moment in history.moments if len(moment.lag)), default=1)
    return holding_limit(max(lags, 1))


def _span(times: list[Line], history: History) -> tuple[float, float] | None:
    """From one step to the longest lag, in log10, where there is no time at all to be drawn."""
    if any(np.isfinite(line.y).any() for line in times):
        return None
    return 0.0, float(np.log10(2 + max((moment.lag[-1] for moment in history.moments), default=8)))


def _times(step: Array, factor: Array, holds: Array, palette: Palette) -> list[Line]:
    """Steps back to half, or to double; a gap where the other is true."""
    with np.errstate(all="ignore"):
        half, double = np.log(0.5) / np.log(factor), np.log(2) / np.log(factor)
    shrinks, grows = (
        (factor > 0) & (factor < 1) & ~holds,
        np.isfinite(factor) & (factor > 1) & ~holds,
    )
    lines = []
    if shrinks.any() or not grows.any():
        y = np.where(shrinks, half, np.nan)
        lines.append(Line(step, y, "half-life", palette.shrinking, gaps=True, symbol="circle"))
    if grows.any():
        y = np.where(grows, double, np.nan)
        lines.append(Line(step, y, "doubling time", palette.growing, gaps=True, symbol="diamond"))
    return lines


def _draw_holding(rows: Rows, step: Array, limit: float, palette: Palette) -> None:
    """The band in the upper row, and a square for each moment near the upper edge of the lower."""
    ends = {"xref": "paper", "x0": 0, "x1": 1, "yref": "y", "y0": 1 / limit, "y1": limit}
    band = {"type": "rect", "layer": "below", "fillcolor": palette.grid, "opacity": 0.8, **ends}
    rows.layout["shapes"].insert(0, band)
    if not len(step):
        return
    low, high = rows.layout["yaxis2"]["range"]
    top = high - (high - low) * _BELOW_EDGE / TIME_HEIGHT
    rows.data.append(
        {
            "type": "scatter",
            "mode": "markers",
            "name": f"holds: {len(step)}",
            "x": step,
            "y": np.full(len(step), 10.0**top),
            "yaxis": "y2",
            "marker": {"symbol": "square", "size": 8, "color": palette.muted},
            "cliponaxis": False,
            "hovertemplate": "step %{x}: holds<extra></extra>",
        }
    )
    left = step[0] < sum(rows.layout["xaxis"]["range"]) / 2
    rows.layout["annotations"].append(
        {
            "text": f"■ holds at {count(len(step), 'moment')}",
            "font": {"size": SMALL, "color": palette.muted},
            "x": 0.01 if left else 0.99,
            "xref": "paper",
            "xanchor": "left" if left else "right",
            "y": top,
            "yref": "y2",
            "yanchor": "top",
            "yshift": -5,
        }
    )


def _wide(factor: Array) -> bool:
    """Whether the factors need a log axis."""
    known = factor[np.isfinite(factor) & (factor > 0)]
    return bool(len(known) and known.max() > 10 * known.min())
