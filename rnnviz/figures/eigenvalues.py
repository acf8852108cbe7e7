"""Would the recurrent weights alone shrink or stretch a gradient?"""

import numpy as np
import plotly.graph_objects as go

from rnnviz.diagnostics import Eigenvalues
from rnnviz.figures.frame import Json, Words, framed, halo
from rnnviz.figures.text import count
from rnnviz.figures.theme import PALETTES, Palette, Theme

QUESTION = "Would the recurrent weights alone shrink or stretch a gradient?"
HOW_TO_READ = (
    "Each point is an eigenvalue, in the complex plane, of what a step alone multiplies the "
    "state by: W_hh, or for a cell with gates the part that its candidate hears. A gradient along "
    "its direction is multiplied by its distance from the middle at each step back: points inside "
    "the unit circle shrink it, points outside make it grow, and the angle is how fast it turns."
    "\n\n"
    "The outermost point is the spectral radius. It decides alone only in a linear network: a "
    "tanh or a ReLU multiplies each step by its slope as well, so a gradient can vanish with a "
    "radius above 1."
)
HEIGHT = 380


def eigenvalues(spectrum: Eigenvalues, *, theme: Theme = "light", caption: str = "") -> go.Figure:
    """The eigenvalues of the recurrent weights, the unit circle, and the spectral radius."""
    palette, radius = PALETTES[theme], spectrum.spectral_radius
    reach = 1.18 * max(1.0, radius)
    data = [
        _circle(1.0, "unit circle", {"color": palette.ink, "width": 1.5}),
        _circle(radius, "spectral radius", {"color": palette.radius, "width": 1.5, "dash": "dash"}),
        *_points(spectrum, palette),
    ]
    notes = [_at_circle("|λ| = 1", 1.0, -1, palette.ink, palette)]
    notes.append(_at_circle(f"spectral radius {radius:.3g}", radius, 1, palette.radius, palette))
    layout = {
        "xaxis": {
            "title": {"text": "real part of λ"},
            "range": [-reach, reach],
            "nticks": 7,
            "constrain": "domain",
        },
        "yaxis": {
            "title": {"text": "imaginary part of λ"},
            "range": [-reach, reach],
            "nticks": 7,
            "scaleanchor": "x",
            "constrain": "domain",
        },
        "annotations": notes,
        "hovermode": "closest",
    }
    words = Words(QUESTION, subtitle(spectrum), HOW_TO_READ, alt(spectrum), "eigenvalues")
    return framed(data, layout, words, height=HEIGHT, theme=theme, caption=caption)


def subtitle(spectrum: Eigenvalues) -> str:
    """What is drawn."""
    number = count(len(spectrum.values), "eigenvalue")
    return f"The {number} λ of {spectrum.of}, without units, gates or inputs."


def alt(spectrum: Eigenvalues) -> str:
    """What the picture shows, for those who do not see it."""
    outside = int((np.abs(spectrum.values) > 1).sum())
    return (
        f"{count(len(spectrum.values), 'eigenvalue')} of {spectrum.of} in the complex plane, "
        f"{outside:,} of them outside the unit circle; the spectral radius is "
        f"{spectrum.spectral_radius:.3g} and the largest singular value "
        f"{spectrum.largest_singular_value:.3g}."
    )


def _circle(radius: float, name: str, line: Json) -> Json:
    angle = np.linspace(0, 2 * np.pi, 181)
    x, y = radius * np.cos(angle), radius * np.sin(angle)
    own = {"type": "scatter", "mode": "lines", "hoverinfo": "skip"}
    return own | {"name": name, "x": x, "y": y, "line": line}


def _points(spectrum: Eigenvalues, palette: Palette) -> list[Json]:
    """Inside and on the unit circle as discs, outside it as diamonds."""
    beyond = np.abs(spectrum.values) > 1
    kinds = [("inside", ~beyond, "circle", palette.shrinking)]
    kinds.append(("outside", beyond, "diamond", palette.growing))
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "name": f"{name} the unit circle",
            "x": spectrum.values.real[where],
            "y": spectrum.values.imag[where],
            "customdata": np.abs(spectrum.values[where]),
            "marker": {"symbol": symbol, "size": 7, "color": colour, "opacity": 0.8},
            "hovertemplate": (
                "λ = %{x:.3g} + %{y:.3g} i<br>|λ| = %{customdata:.3g}<extra></extra>"
            ),
        }
        for name, where, symbol, colour in kinds
        if where.any()
    ]


def _at_circle(text: str, radius: float, side: int, colour: str, palette: Palette) -> Json:
    """A label above the top of a circle, or below its lowest point."""
    return {
        "text": text,
        "font": {"color": colour, "shadow": halo(palette)},
        "x": 0,
        "y": side * radius,
        "yanchor": "bottom" if side > 0 else "top",
    }
