"""How far back does the network remember?"""

from typing import Protocol, runtime_checkable

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from rnnviz.arrays import Array
from rnnviz.figures.frame import Json, Words, framed
from rnnviz.figures.labels import placed
from rnnviz.figures.lines import Area, Curve, measured, theory
from rnnviz.figures.marks import edge_marks, edge_notes, kinds_of_values
from rnnviz.figures.norms import time_ticks
from rnnviz.figures.text import count
from rnnviz.figures.theme import PALETTES, Palette, Theme

QUESTION = "How far back does the network remember?"
HOW_TO_READ = (
    "Each point is how well the network answers when what it was asked for lies so many steps "
    "back. A line that stays high reaches far; where it falls to the level of guessing the "
    "network has forgotten, or has not learnt to remember.\n\n"
    "Compare it with the gradient: a lag that no gradient reaches is one that training cannot "
    "teach."
)
HEIGHT = 260


@runtime_checkable
class ByLag(Protocol):
    """Answers told apart by their lag."""

    def to_frame(self) -> pd.DataFrame:
        """One row a lag: ``lag``, and ``accuracy`` for classes or ``r2`` for values."""


def recall_curve(
    result: ByLag, *, chance: float | None = None, theme: Theme = "light", caption: str = ""
) -> go.Figure:
    """How well the network answers by how far back it was told.

    Parameters
    ----------
    result : with a ``lag`` and an ``accuracy``, or an ``r2``, in its frame
    chance : what guessing gets, where it is known
    """
    palette, frame = PALETTES[theme], result.to_frame()
    is_share = "accuracy" in frame
    lag = frame["lag"].to_numpy(float)
    score = frame["accuracy" if is_share else "r2"].to_numpy(float)
    name = "right answers" if is_share else "R²"
    area = Area((lag.min(initial=0) - 0.5, lag.max(initial=1) + 0.5), _range(score), HEIGHT)
    data, notes = _drawn(lag, score, name, chance, area, palette)
    layout = {
        "xaxis": {
            "title": {"text": "lag: steps back to what was asked for"},
            "range": list(area.x),
            "showgrid": False,
            **time_ticks(round(area.x[1] - area.x[0])),
        },
        "yaxis": {"title": {"text": name}, "range": list(area.y), "nticks": 6}
        | ({"tickformat": ".0%"} if is_share else {}),
        "annotations": notes,
        "hovermode": "x",
    }
    subtitle = _subtitle(is_share)
    words = Words(QUESTION, subtitle, HOW_TO_READ, alt(lag, score, name), "recall-by-lag")
    return framed(data, layout, words, height=HEIGHT, theme=theme, caption=caption)


def alt(lag: Array, score: Array, name: str) -> str:
    """What the picture shows, for those who do not see it."""
    known = np.isfinite(score)
    if not known.any():
        return "An empty picture: no lag has an answer."
    best, worst = np.nanargmax(score), np.nanargmin(score)
    return (
        f"A line over {count(len(lag), 'lag')}: {name} {score[known][0]:.3g} at lag "
        f"{lag[known][0]:.0f} and {score[known][-1]:.3g} at lag {lag[known][-1]:.0f}; best at lag "
        f"{lag[best]:.0f} with {score[best]:.3g}, worst at lag {lag[worst]:.0f} with "
        f"{score[worst]:.3g}."
    )


def _subtitle(is_share: bool) -> str:
    if is_share:
        return "Share of right answers by lag, on held-out data."
    return "R² by lag, on held-out data: 1 is exact, 0 no better than always the mean."


def _drawn(
    lag: Array, score: Array, name: str, chance: float | None, area: Area, palette: Palette
) -> tuple[list[Json], list[Json]]:
    line = Curve(lag, score, name, palette.measured)
    curves = [line]
    if chance is not None:
        text = f"guessing: {chance:.3g}"
        curves.append(Curve(np.array(area.x), np.full(2, chance), text, palette.muted, "dash"))
    hover = {"hovertemplate": "lag %{x}: %{y:.3g}<extra></extra>"}
    points = {"mode": "lines+markers", "marker": {"size": 5}} if len(lag) <= 60 else {}
    data = [theory(curve) for curve in curves[1:]]
    data.append(measured(line, width=2.5) | hover | points)
    data += edge_marks(lag, np.where(np.isfinite(score), 0.0, score), area.y, "y", "lag")
    masks = kinds_of_values(score)
    notes, levels = edge_notes(masks, lambda _, at: f"no answer at {count(len(at), 'lag')}", area)
    return data, [*placed(curves, area, "y", palette, levels), *notes]


def _range(score: Array) -> tuple[float, float]:
    """From 0 to 1, and lower where an answer is worse than none."""
    known = score[np.isfinite(score)]
    low = max(float(known.min(initial=0.0)), -1.0)
    return low - 0.03 * (1 - low), 1.0 + 0.03 * (1 - low)
