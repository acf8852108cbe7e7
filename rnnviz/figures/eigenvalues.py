"""Would the recurrent weights alone shrink or stretch a gradient?"""

import numpy as np
import plotly.graph_objects as go

from rnnviz.diagnostics import Eigenvalues
from rnnviz.figures.complex_plane import at_circle, circle, eigenvalue_points, plane_axes
from rnnviz.figures.frame import Words, framed
from rnnviz.figures.text import count
from rnnviz.figures.theme import PALETTES, Theme

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
        circle(1.0, "unit circle", {"color": palette.ink, "width": 1.5}),
        circle(radius, "spectral radius", {"color": palette.radius, "width": 1.5, "dash": "dash"}),
        *eigenvalue_points(spectrum.values, palette),
    ]
    notes = [at_circle("|λ| = 1", 1.0, -1, palette.ink, palette)]
    notes.append(at_circle(f"spectral radius {radius:.3g}", radius, 1, palette.radius, palette))
    layout = {**plane_axes(reach), "annotations": notes, "hovermode": "closest"}
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
