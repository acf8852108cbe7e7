"""How do the eigenvalues of the recurrent weights move during training?"""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from rnnviz.arrays import Array
from rnnviz.figures.complex_plane import at_circle, circle, eigenvalue_points, plane_axes
from rnnviz.figures.frame import Json, Words, every, framed
from rnnviz.figures.text import count
from rnnviz.figures.theme import PALETTES, Palette, Theme
from rnnviz.history import History
from rnnviz.moments import Moment

QUESTION = "How do the eigenvalues of the recurrent weights move during training?"
HOW_TO_READ = (
    "Each point is an eigenvalue of what a step alone multiplies the state by, with the weights "
    "of one moment of training. Points inside the unit circle shrink a gradient along their "
    "direction at each step back, points outside make it grow, and the angle is how fast it "
    "turns.\n\n"
    "Small grey dots are where eigenvalues were at moments before, and open rings where they "
    "started. The axes are the same at every moment, so that what moves is the points."
)
HEIGHT = 380
MOST_MOMENTS, MOST_DOTS = 12, 3000
"""Of former moments in the trail, and of their points."""
_FAR = 3.0
"""The largest radius that is drawn, in those of a moment in the middle of all."""


def spectrum_path(
    history: History, at: int | None = None, *, theme: Theme = "light", caption: str = ""
) -> go.Figure:
    """Eigenvalues at one moment, the unit circle, and where they were before.

    Parameters
    ----------
    history : History
    at : a training step; the recorded moment nearest to it is drawn, the last if left out
    """
    palette = PALETTES[theme]
    number = _nearest(history.moments, at)
    reach = _reach(history.moments)
    axes = plane_axes(reach)
    notes: list[Json] = []
    data = [circle(1.0, "unit circle", {"color": palette.ink, "width": 1.5})]
    if number is None:
        notes.append({"text": "no moment yet", "x": 0, "y": 0})
    else:
        values = history.moments[number].eigenvalues
        data += _trail(history.moments[:number], palette)
        data += eigenvalue_points(values[np.isfinite(values)], palette)
        notes.append(_corner(f"<b>step {history.moments[number].step:,}</b>", "left", palette))
        notes += [_corner(text, "right", palette) for text in _unseen(values, reach)]
    notes.append(at_circle("|λ| = 1", 1.0, -1, palette.ink, palette))
    words = Words(QUESTION, subtitle(history, number), HOW_TO_READ, alt(history, number), NAME)
    layout = {**axes, "annotations": notes, "hovermode": "closest"}
    return framed(data, layout, words, height=HEIGHT, theme=theme, caption=caption)


NAME = "eigenvalues-over-training"


def subtitle(history: History, number: int | None) -> str:
    """What is drawn, of which moment."""
    which = "the top layer's recurrent weights, without units, gates or inputs"
    if number is None:
        return f"The eigenvalues λ of {which}."
    moments = len(history.moments)
    step = history.moments[number].step
    return f"The eigenvalues λ of {which}, before step {step:,}; moment {number + 1} of {moments}."


def alt(history: History, number: int | None) -> str:
    """What the picture shows, for those who do not see it."""
    if number is None:
        return "An empty picture: no moment recorded yet."
    moment = history.moments[number]
    size = np.abs(moment.eigenvalues)
    if not np.isfinite(size).any():
        return f"No eigenvalue at step {moment.step:,} is a finite number."
    return (
        f"At step {moment.step:,}, {count(len(size), 'eigenvalue')} in the complex plane, "
        f"{int((size > 1).sum()):,} of them outside the unit circle; the spectral radius is "
        f"{size[np.isfinite(size)].max():.3g}."
    )


def _nearest(moments: Sequence[Moment], at: int | None) -> int | None:
    if not moments:
        return None
    steps = np.array([moment.step for moment in moments])
    return len(steps) - 1 if at is None else int(np.argmin(np.abs(steps - at)))


def _reach(moments: Sequence[Moment]) -> float:
    """Where both axes end at every moment: the largest radius, unless it is a few moments' own."""
    sizes = [np.abs(moment.eigenvalues) for moment in moments]
    radii = np.array([size[np.isfinite(size)].max(initial=0.0) for size in sizes])
    if not len(radii):
        return 1.3
    return 1.18 * min(float(radii.max(initial=1.0)), _FAR * max(1.0, float(np.median(radii))))


def _trail(before: Sequence[Moment], palette: Palette) -> list[Json]:
    """Points of some former moments, faint, and of the first as rings."""
    if not before:
        return []
    some = before[:: every(len(before), MOST_MOMENTS)]
    points = np.concatenate([moment.eigenvalues for moment in some])
    points = points[:: every(max(len(points), 1), MOST_DOTS)]
    dots = {"size": 3, "color": palette.muted, "opacity": 0.45}
    rings = {"symbol": "circle-open", "size": 7, "color": palette.muted, "opacity": 0.7}
    return [
        _points(points, "moments before", dots),
        _points(before[0].eigenvalues, f"step {before[0].step}", rings),
    ]


def _points(values: Array, name: str, marker: Json) -> Json:
    own = {"type": "scatter", "mode": "markers", "hoverinfo": "skip", "name": name}
    return own | {"x": values.real, "y": values.imag, "marker": marker}


def _unseen(values: Array, reach: float) -> list[str]:
    """In words, what no point in the picture stands for."""
    finite = np.isfinite(values)
    far = values[finite & (np.maximum(np.abs(values.real), np.abs(values.imag)) > reach)]
    told = []
    if len(far):
        told.append(f"{len(far):,} outside the picture, up to |λ| = {np.abs(far).max():.3g}")
    if not finite.all():
        told.append(f"{int((~finite).sum()):,} not finite")
    return [", ".join(told)] if told else []


def _corner(text: str, side: str, palette: Palette) -> Json:
    own = {"text": text, "bgcolor": palette.veil, "xref": "paper", "yref": "paper", "y": 1}
    return own | {"x": 0 if side == "left" else 1, "xanchor": side, "yanchor": "top"}
