"""Fixed points as marks whose shape says their kind."""

import numpy as np

from rnnviz.diagnostics import FixedPoints
from rnnviz.figures.frame import Json
from rnnviz.figures.plane import Plane
from rnnviz.figures.points import Place
from rnnviz.figures.text import count
from rnnviz.figures.theme import Palette

MOST_LABELS = 6
SYMBOLS = {
    "stable node": "circle",
    "stable spiral": "circle",
    "marginal": "circle-x-open",
    "saddle": "diamond-open",
    "unstable": "circle-open",
}
_INPUTS = {"zero": "zero input", "mean": "the mean input", "given": "the given input"}


def stand_stills(at: Plane, points: FixedPoints | None, palette: Palette) -> list[Json]:
    """A trace for each kind that the picture has room for."""
    if points is None:
        return []
    traces = []
    for kind, symbol in SYMBOLS.items():
        own = np.array([own == kind for own in points.kinds], bool) & at.inside
        if not own.any():
            continue
        columns = points.spectral_radius[own], points.unstable[own], points.led[own]
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": f"{kind}: {int(own.sum())}",
                "x": at.points[own, 0],
                "y": at.points[own, 1],
                "customdata": np.column_stack(columns),
                "marker": {
                    "symbol": symbol,
                    "size": 12,
                    "color": palette.ink,
                    "line": {"width": 2, "color": palette.ink},
                },
                "cliponaxis": False,
                "hovertemplate": (
                    f"fixed point, {kind}<br>largest |λ| = %{{customdata[0]:.3g}}"
                    "<br>unstable directions: %{customdata[1]}"
                    "<br>starts that led here: %{customdata[2]}<extra></extra>"
                ),
            }
        )
    return traces


def labels(at: Plane, points: FixedPoints | None, palette: Palette) -> list[Place]:
    """One of each kind, then more of them, those first that most starts led to."""
    if points is None:
        return []
    inside = [int(n) for n in np.flatnonzero(at.inside)]
    first = [next(n for n in inside if points.kinds[n] == kind) for kind in _kinds(points, inside)]
    inside = [*first, *(n for n in inside if n not in first)]
    return [
        Place(float(at.points[n, 0]), float(at.points[n, 1]), _label(points, n), palette.ink)
        for n in inside[:MOST_LABELS]
    ]


def found(points: FixedPoints) -> str:
    """How many fixed points there are of each kind, under what input, and which starts failed."""
    whole = len(points.points)
    kinds = ", ".join(_counted(number, kind) for kind, number in points.counts.items())
    said = f"{count(whole, 'fixed point')} under {_INPUTS[points.held]}"
    said += f" ({kinds})" if whole else ""
    said += f" from {count(points.starts, 'start')} of Newton's method"
    if points.left_out:
        said += f"; {points.left_out:,} more not kept"
    if points.not_converged:
        said += f"; {count(points.not_converged, 'start')} found none"
    return said + "."


def outside_note(at: Plane, palette: Palette) -> list[Json]:
    """How many fixed points lie too far away to be drawn."""
    far = int((~at.inside).sum())
    if not far:
        return []
    return [
        {
            "text": f"{count(far, 'fixed point')} beyond the picture",
            "font": {"color": palette.muted},
            "x": 1,
            "xref": "paper",
            "xanchor": "right",
            "y": 0,
            "yref": "paper",
            "yanchor": "bottom",
            "bgcolor": palette.veil,
        }
    ]


def _label(points: FixedPoints, n: int) -> str:
    kind = points.kinds[n]
    if kind == "saddle":
        return f"saddle, {points.unstable[n]} unstable"
    return f"{kind}, |λ| {points.spectral_radius[n]:.2g}"


def _kinds(points: FixedPoints, rows: list[int]) -> list[str]:
    """Each kind among these once, in their order."""
    return list(dict.fromkeys(points.kinds[n] for n in rows))


def _counted(number: int, kind: str) -> str:
    """A kind with its number; the adjectives have no plural."""
    return f"{number} {kind}" if kind in ("marginal", "unstable") else count(number, kind)
