"""Every colour, font and size of the pictures, for light and dark pages."""

from dataclasses import dataclass
from typing import Any, Literal

Theme = Literal["light", "dark"]
Scale = tuple[str, ...]

FONT = '"Helvetica Neue", Arial, system-ui, sans-serif'
SIZE = 12
SMALL = 11

CHANGE: Scale = ("#1d4f91", "#7aa6d8", "#eceff3", "#e9967a", "#a8281c")
"""Shrinking, holding, growing."""
SIGNED: Scale = (
    *("#7f3b08", "#b35806", "#e08214", "#fdb863", "#fee0b6"),
    *("#f7f7f7", "#d8daeb", "#b2abd2", "#8073ac", "#542788", "#2d004b"),
)
"""PuOr: a signed state or weight, centred at 0."""
MAGNITUDE: Scale = (
    *("#00224e", "#123570", "#3b496c", "#575d6d", "#707173"),
    *("#8a8678", "#a59c74", "#c3b369", "#e1cc55", "#fee838"),
)
"""Cividis: a magnitude."""
OPENING: Scale = ("#333d4a", "#4b5766", "#667382", "#84909e", "#a5afba", "#c9d0d7", "#eef1f4")
"""From shut to open: what a gate of [0, 1] lets through, in greys that mean nothing else."""
SOURCES: Scale = ("#083c46", "#0f5a68", "#1c7a8b", "#45a0ae", "#83c3cc", "#c3e2e6")
"""From the first loss, or the first state, to the last."""
NOTHING: dict[str, str] = {"zero": "#cc79a7", "infinite": "#009e73", "nan": "#5fd6ae"}
"""The three kinds of nothing: colours that no scale above comes near."""
RUNS: Scale = (
    "#0072b2",
    "#e69f00",
    "#009e73",
    "#cc79a7",
    "#56b4e9",
    "#d55e00",
    "#f0e442",
    "#000000",
)
"""Okabe-Ito: one colour for a run on every chart of a page."""


@dataclass(frozen=True)
class Palette:
    """What a theme changes: everything that is not data, and lines that must stand out from it."""

    paper: str
    ink: str
    muted: str
    grid: str
    veil: str
    """Behind a label, so that a line under it does not make it unreadable."""
    measured: str
    band: str
    whole: str
    """The measured gradient of the whole loss."""
    other: str
    """A second run, or a second curve of the same kind."""
    fit: str
    radius: str
    bound: str
    unsure: str
    """Behind where a theory says nothing, or is known to be off."""
    shrinking: str
    growing: str


PALETTES: dict[Theme, Palette] = {
    "light": Palette(
        paper="#ffffff",
        ink="#1f2733",
        muted="#5d6876",
        grid="#e6eaef",
        veil="rgba(255,255,255,0.82)",
        measured="#0072b2",
        band="rgba(0,114,178,0.16)",
        whole="#2f3a48",
        other="#b87400",
        fit="#1f2733",
        radius="#6b7684",
        bound="#a24a1c",
        unsure="rgba(162,74,28,0.10)",
        shrinking="#1d4f91",
        growing="#a8281c",
    ),
    "dark": Palette(
        paper="#0e1117",
        ink="#e8ecf1",
        muted="#a3adba",
        grid="#2a313c",
        veil="rgba(14,17,23,0.78)",
        measured="#56b4e9",
        band="rgba(86,180,233,0.22)",
        whole="#dfe5ec",
        other="#e69f00",
        fit="#e8ecf1",
        radius="#98a3b1",
        bound="#e9967a",
        unsure="rgba(233,150,122,0.14)",
        shrinking="#7aa6d8",
        growing="#e9967a",
    ),
}


def run_colour(number: int, palette: Palette) -> str:
    """The colour of a run on every chart of a page; black is the ink of a dark page."""
    colour = RUNS[number % len(RUNS)]
    return palette.ink if colour == "#000000" else colour


def colorscale(scale: Scale) -> list[list[Any]]:
    """The scale as Plotly takes it, evenly spaced."""
    return [[i / (len(scale) - 1), colour] for i, colour in enumerate(scale)]


def _template(palette: Palette) -> dict[str, Any]:
    axis = {
        "automargin": False,
        "showline": False,
        "zeroline": False,
        "gridcolor": palette.grid,
        "ticks": "",
        "tickfont": {"size": SMALL, "color": palette.muted},
        "title": {"font": {"size": SIZE, "color": palette.ink}, "standoff": 4},
    }
    return {
        "layout": {
            "font": {"family": FONT, "size": SIZE, "color": palette.ink},
            "paper_bgcolor": palette.paper,
            "plot_bgcolor": palette.paper,
            "colorway": list(RUNS),
            "showlegend": False,
            "hoverlabel": {
                "font": {"family": FONT, "size": SIZE, "color": palette.ink},
                "bgcolor": palette.paper,
                "bordercolor": palette.muted,
                "align": "left",
            },
            "xaxis": axis,
            "yaxis": axis,
            "annotationdefaults": {"showarrow": False, "font": {"size": SIZE}, "align": "left"},
            "shapedefaults": {"line": {"width": 0}},
        }
    }


TEMPLATES: dict[Theme, dict[str, Any]] = {name: _template(own) for name, own in PALETTES.items()}
