"""Does the theory of endlessly many random units predict this gradient?"""

import numpy as np
import plotly.graph_objects as go

from rnnviz.diagnostics import MeanFieldCheck
from rnnviz.figures.frame import Json, Words, framed, halo
from rnnviz.figures.labels import placed
from rnnviz.figures.lines import Area, Curve, theory
from rnnviz.figures.theme import PALETTES, Palette, Theme

QUESTION = "Does the theory of endlessly many random units predict this gradient?"
HOW_TO_READ = (
    "In a network of endlessly many units with random weights the average over the units is "
    "exact: theory then gives what one step back multiplies the gradient by, from two numbers "
    "alone, the gain g of the recurrent weights and how much the input moves the units. The "
    "dashed curve is that factor for every gain, with the input that this run had. Above the "
    "line at 1 gradients explode, below it they vanish.\n\n"
    "The open circle is what the theory says for this run, the full one what was measured. A "
    "network of H units lies near the theory and not on it: the band is 4/H to both sides, which "
    "most random networks keep to where states and slopes change from step to step; with few "
    "inputs and many units they may lie further off."
    "\n\n"
    "Between the gains of 1 and 1.5 a tanh network of finite size is in doubt: theory has chaos "
    "there, but a real one often settles on a fixed point or a cycle."
)
HEIGHT = 340
_MOST = 3.0
"""How far above the theory's highest point a measured one may widen the axis, as a multiple."""


def mean_field(result: MeanFieldCheck, *, theme: Theme = "light", caption: str = "") -> go.Figure:
    """The factor per step against the gain, in theory and as measured."""
    palette = PALETTES[theme]
    frame = result.to_frame()
    x = float(result.gains[0]), float(result.gains[-1])
    area = Area(x, (0.0, _top(result)), HEIGHT)
    text = f"theory √χ (band ±{100 * result.band:.2g} %)"
    curve = Curve(result.gains, result.factors, text, palette.radius, "dash")
    level = Curve(np.array(x), np.ones(2), "1: neither grows nor shrinks", palette.ink, "dot")
    known = [c for c in (curve, level) if np.isfinite(c.y).any()]
    edge = {"type": "scatter", "mode": "lines", "x": result.gains, "hoverinfo": "skip"}
    line = {"line": {"width": 0, "color": palette.radius}}
    data: list[Json] = [
        edge | line | {"name": "low end of the band", "y": frame["low"].to_numpy()},
        edge
        | line
        | {"name": "high end of the band", "y": frame["high"].to_numpy()}
        | {"fill": "tonexty", "fillcolor": palette.band},
        *(theory(c) for c in known),
    ]
    marks, notes = _points(result, area, palette)
    shapes, words = _doubt(result, palette)
    # The points' labels have their heights; the lines' go round them.
    taken = [float(note["y"]) / area.y[1] * HEIGHT for note in notes]
    layout = {
        "xaxis": {"title": {"text": "gain g = std(W_hh) √H"}, "range": list(x), "nticks": 7},
        "yaxis": {
            "title": {"text": "factor per step back"},
            "range": list(area.y),
            "nticks": 6,
        },
        "shapes": shapes,
        "annotations": [*placed(known, area, "y", palette, taken), *notes, *words],
        "hovermode": "closest",
    }
    words_around = Words(QUESTION, subtitle(result), HOW_TO_READ, alt(result), "mean-field")
    return framed(
        [*data, *marks], layout, words_around, height=HEIGHT, theme=theme, caption=caption
    )


def subtitle(result: MeanFieldCheck) -> str:
    """What is compared, and what of this layer the theory does not know."""
    warning = f" {result.warning}" if result.warnings else ""
    return (
        f"What a step back multiplies |∂L/∂hₜ| of the last loss by, in {result.layer}, fitted "
        f"over the lags. {result.sentence}{warning}"
    )


def alt(result: MeanFieldCheck) -> str:
    """What the picture shows, for those who do not see it."""
    critical = result.critical_gain
    crossing = f" The curve crosses 1 at g = {critical:.3g}." if np.isfinite(critical) else ""
    return f"A curve of the factor per step against the gain. {result.sentence}{crossing}"


def _points(result: MeanFieldCheck, area: Area, palette: Palette) -> tuple[list[Json], list[Json]]:
    """The theory's point open and the measured one full, each with its number at it."""
    g = result.theory.gain
    named = [
        ("theory", result.theory.factor, "circle-open", palette.fit),
        ("measured", result.measured, "circle", palette.measured),
    ]
    higher = result.measured >= result.theory.factor
    data: list[Json] = []
    notes: list[Json] = []
    for name, factor, symbol, colour in named:
        text = f"{name} {_spoken(factor)}"
        if np.isfinite(g):
            shown = area.y[1] if np.isnan(factor) else min(factor, area.y[1])
            above = (name == "measured") == higher
            data.append(_point(text, g, shown, symbol, colour))
            notes.append(_label(text, g, shown, above, colour, area, palette))
    return data, notes


def _spoken(factor: float) -> str:
    if np.isfinite(factor):
        return f"×{factor:.3g}"
    return "NaN" if np.isnan(factor) else "infinite"


def _point(text: str, g: float, factor: float, symbol: str, colour: str) -> Json:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": text,
        "x": [g],
        "y": [factor],
        "marker": {"symbol": symbol, "size": 12, "color": colour, "line": {"width": 2.5}},
        "cliponaxis": False,
        "hovertemplate": f"g = %{{x:.3g}}: {text}<extra></extra>",
    }


def _label(
    text: str, g: float, factor: float, above: bool, colour: str, area: Area, palette: Palette
) -> Json:
    """Right of the point, or left of it where there is more room, and inside the picture."""
    right = g < 0.6 * area.x[1]
    pixels = factor / area.y[1] * area.height + (14 if above else -14)
    # Room for the other point's label, where both stand at an edge.
    inside = 10 + 16 * above, area.height - 10 - 16 * (not above)
    return {
        "text": text,
        "font": {"color": colour, "shadow": halo(palette)},
        "x": g,
        "xref": "x",
        "xanchor": "left" if right else "right",
        "xshift": 12 if right else -12,
        "y": area.at(float(np.clip(pixels, *inside))),
        "yref": "y",
        "yanchor": "middle",
    }


def _doubt(result: MeanFieldCheck, palette: Palette) -> tuple[list[Json], list[Json]]:
    """A light area where the theory is known to be off, and its name at the foot."""
    if result.doubtful is None:
        return [], []
    low, high = result.doubtful
    place = {"type": "rect", "xref": "x", "yref": "paper", "y0": 0, "y1": 1, "layer": "below"}
    text = {
        "text": "theory<br>in doubt",
        "font": {"color": palette.bound},
        "align": "center",
        "x": (low + high) / 2,
        "xref": "x",
        "y": 0,
        "yref": "paper",
        "yanchor": "bottom",
    }
    return [place | {"x0": low, "x1": high, "fillcolor": palette.unsure}], [text]


def _top(result: MeanFieldCheck) -> float:
    """The theory's height, and what was measured where that is not far beyond."""
    top = max(1.2, float(np.nanmax(result.factors, initial=0.0)))
    if np.isfinite(result.measured):
        top = max(top, min(result.measured, _MOST * top))
    return 1.12 * top
