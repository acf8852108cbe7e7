"""Where do gradients vanish, hold and explode, over two settings?"""

import numpy as np
import plotly.graph_objects as go

from rnnviz.arrays import Array, Float
from rnnviz.config import MEASURES
from rnnviz.figures.frame import HEADING_HEIGHT, Json, Words, compact, framed, halo, heading, key
from rnnviz.figures.sweep_axes import (
    NAMES,
    Laid,
    counted,
    end_texts,
    grids_of,
    named,
    scale_of,
    shown,
    spoken,
    told,
)
from rnnviz.figures.text import count, escaped
from rnnviz.figures.theme import CHANGE, NOTHING, PALETTES, SMALL, Palette, Theme, colorscale
from rnnviz.sweep import SweepTable
from rnnviz.sweep.table import NEVER
from rnnviz.sweep.theory import TheoryLine

QUESTION = "Where do gradients vanish, hold and explode?"
OTHER_QUESTION = "Over which settings is it large, and where small?"
HOW_TO_READ = (
    "Each cell is a pair of settings, run with several seeds, and its colour is the median of "
    "what was measured. Of the factor per step, blue is a gradient that shrinks on its way back, "
    "near-white one that holds, red one that grows.\n\n"
    "The solid line is where half of the gradient is left over the whole sequence: half-life = T. "
    "Broken lines are theory, each with its name at it: where a step back neither shrinks nor "
    "grows the gradient.\n\n"
    "A small dot is a point that is not computed yet. Points that failed, are infinite or not a "
    "number have colours of their own, and the words above the map count them. Point at a cell "
    "for its numbers; click it to look at that run."
)
HEIGHT = 340
_LEFT_NAMES = 104
"""Left margin where the ticks are names."""
_LINE_HEIGHT = 15
_COLOURS = {
    "failed": "#5d6876",
    "nan": NOTHING["nan"],
    "zero": NOTHING["zero"],
    "infinite": NOTHING["infinite"],
}
_NEVER = CHANGE[2]
"""Of a half-life or a reach without end: what the gradient has where it holds."""
_LINE, _CASING = "#1f2733", "rgba(255,255,255,0.85)"
"""Over colours that are the same in both themes."""


def phase_map(
    table: SweepTable,
    *,
    measure: str | None = None,
    third: int = 0,
    theme: Theme = "light",
    caption: str = "",
) -> go.Figure:
    """One measure over two knobs, the first to the right and the second upwards.

    Each cell's ``customdata`` are the indices of its knobs' values.

    Parameters
    ----------
    table : SweepTable
    measure : the sweep's first by default
    third : which value of a third knob is drawn, from 0

    Raises
    ------
    ValueError
        If the sweep has one knob, or does not measure it.
    """
    if len(table.shape) < 2:
        raise ValueError("a phase map is drawn over 2 knobs, got 1: draw sweep_lines")
    measure = measure or table.config.measures[0]
    palette = PALETTES[theme]
    grids, cells = grids_of(table, measure), _slice(table, third)
    states = grids["state"][cells]
    z = shown(np.where(states == "known", grids["middle"][cells], np.nan), measure)
    across, up = (Laid(table.axis(k)) for k in (0, 1))
    half = _half_life(table, measure, third, z, states, across, up)
    lines = table.theory(third)
    place: Json = {"x": across.edges, "y": up.edges}
    data = [
        place | _cells(z, measure) | _hovers(table, measure, third, grids),
        *_nothing(states, place, across, up, measure, palette),
        *half,
        *(drawn for line in lines for drawn in _theory(line, across, up)),
    ]
    corner = _corner(states, measure, drawn=bool(half))
    height = HEIGHT + HEADING_HEIGHT + _LINE_HEIGHT * len(corner)
    top = HEIGHT / height
    labels = [note for line in lines for note in _label(line, across, up)]
    layout = {
        "xaxis": across.drawn(6),
        "yaxis": up.drawn(10) | {"domain": [0, top]},
        "annotations": [*_heading(z, measure, top, palette), *_above(corner), *labels],
        "hovermode": "closest",
    }
    question = QUESTION if measure in ("factor", "exponent") else OTHER_QUESTION
    about = subtitle(table, measure, third), HOW_TO_READ, alt(table, measure, third)
    words = Words(question, *about, "phase-map")
    return framed(data, layout, words, height=height, theme=theme, caption=caption, **_margin(up))


def subtitle(table: SweepTable, measure: str, third: int = 0) -> str:
    """What is drawn over which settings, and what theory says and does not know."""
    seeds = count(len(table.config.seeds), "seed")
    rule = "share" if measure == "success" else "median"
    fixed = [f" {knob.title}: {knob.labels[third]}." for knob in table.config.knobs[2:]]
    theory = table.theory(third)
    said = [f" {line.name.capitalize()}: {line.sentence}" for line in theory]
    warned = dict.fromkeys(f" {told}" for line in theory for told in line.warnings)
    return (
        f"{MEASURES[measure]}, the {rule} of {seeds} a point, {table.count:,} of "
        f"{table.config.runs:,} runs done.{''.join(fixed)}{''.join(said)}{''.join(warned)}"
    )


def alt(table: SweepTable, measure: str, third: int = 0) -> str:
    """What the picture shows, for those who do not see it."""
    cells = _slice(table, third)
    grid, states = table.grid(measure)[cells], table.states(measure)[cells]
    first, second = (knob.title for knob in table.config.knobs[:2])
    known = grid[states == "known"]
    ends = (
        f" from {spoken(float(known.min()), measure)} to {spoken(float(known.max()), measure)}"
        if len(known)
        else ", of which nothing is known"
    )
    below = f"; below 1 at {int((known < 1).sum()):,} of them" if measure == "factor" else ""
    lines = [f" A broken line is theory, {line.label}." for line in table.theory(third)]
    return (
        f"Heatmap of {MEASURES[measure].lower()}{ends}{below}, over {first} and {second}."
        f"{counted(states, measure)}{''.join(lines)}"
    )


def _slice(table: SweepTable, third: int) -> tuple[slice | int, ...]:
    return (slice(None), slice(None), third)[: len(table.shape)]


def _cells(z: Float[Array, "N1 N2"], measure: str) -> Json:
    """The map itself, without its places."""
    scale, low, high = scale_of(z, measure)
    look = {"colorscale": colorscale(scale), "zmin": low, "zmax": high, "showscale": False}
    return {"type": "heatmap", "name": MEASURES[measure], "z": compact(z.T)} | look


def _hovers(table: SweepTable, measure: str, third: int, grids: dict[str, Array]) -> Json:
    """Each cell's text and its indices, row by row from the bottom."""
    N1, N2 = table.shape[:2]
    rest = (third,) if len(table.shape) > 2 else ()
    texts = [[told(table, (i, j, *rest), measure, grids) for i in range(N1)] for j in range(N2)]
    indices = np.array([[(i, j, *rest) for i in range(N1)] for j in range(N2)])
    return {"text": texts, "customdata": indices, "hovertemplate": "%{text}<extra></extra>"}


def _nothing(
    states: Array, place: Json, across: Laid, up: Laid, measure: str, palette: Palette
) -> list[Json]:
    """Cells without a number in their kind's colour, and dots where nothing is computed yet."""
    data: list[Json] = []
    for kind, colour in _colours(measure).items():
        mask = (states == kind).T
        if mask.any():
            z = np.where(mask, np.float32(1), np.float32(np.nan))
            look = {"colorscale": [[0, colour], [1, colour]], "showscale": False, "zmin": 0}
            own = {"type": "heatmap", "name": f"{named(kind, measure)}: {int(mask.sum())}"}
            data.append(place | own | look | {"z": z, "zmax": 1, "hoverinfo": "skip"})
    for kind, symbol in (("waiting", "circle"), ("failed", "x-thin-open")):
        i, j = np.nonzero(states == kind)
        if len(i):
            colour = palette.muted if kind == "waiting" else "#ffffff"
            marker = {"symbol": symbol, "size": 4 if kind == "waiting" else 7, "color": colour}
            own = {"type": "scatter", "mode": "markers", "name": f"{NAMES[kind]}: {len(i)}"}
            at = {"x": across.at[i], "y": up.at[j], "hoverinfo": "skip"}
            data.append(own | at | {"marker": marker | {"line": {"width": 1.5, "color": colour}}})
    return data


def _colours(measure: str) -> dict[str, str]:
    return _COLOURS | ({"infinite": _NEVER} if measure in NEVER else {})


def _half_life(
    table: SweepTable,
    measure: str,
    third: int,
    z: Float[Array, "N1 N2"],
    states: Array,
    across: Laid,
    up: Laid,
) -> list[Json]:
    """The line on which the half-life is T; none of another measure, over names or a single row."""
    names = "category" in (across.axis.scale, up.axis.scale)
    if measure not in ("factor", "half_life") or min(z.shape) < 2 or names:
        return []
    level = table.half_life_is_T()[_slice(table, third)]
    with np.errstate(all="ignore"):
        goal = np.log10(level if measure == "factor" else np.log(0.5) / np.log(level))
    beyond = np.where((states == "infinite") & (measure in NEVER), 1.0, z - goal)
    known = beyond[np.isfinite(beyond)]
    if not len(known) or known.min() > 0 or known.max() < 0:
        return []
    contours = {"coloring": "none", "start": 0, "end": 0, "size": 1, "showlabels": False}
    own = {"type": "contour", "name": "half-life = T", "x": across.at, "y": up.at, "z": beyond.T}
    look = {"contours": contours, "autocontour": False, "showscale": False, "hoverinfo": "skip"}
    line = {"color": _LINE, "width": 2.0, "smoothing": 0}
    casing = own | look | {"line": line | {"color": _CASING, "width": 4.0}, "name": "casing"}
    return [casing, own | look | {"line": line}]


def _theory(line: TheoryLine, across: Laid, up: Laid) -> list[Json]:
    own = {"type": "scatter", "mode": "lines", "name": f"{line.name}: {line.label}"}
    at = {"x": across.place(line.x), "y": up.place(line.y), "hoverinfo": "skip"}
    look = {"color": _LINE, "width": 1.5, "dash": "dash"}
    casing = own | at | {"line": {"color": _CASING, "width": 3.5}, "name": "casing"}
    return [casing, own | at | {"line": look}]


def _label(line: TheoryLine, across: Laid, up: Laid) -> list[Json]:
    """The line's name at the middle of what is seen of it."""
    x, y = across.place(line.x), up.place(line.y)
    with np.errstate(invalid="ignore"):
        seen = (x >= across.ends[0]) & (x <= across.ends[1]) & (y >= up.ends[0]) & (y <= up.ends[1])
    if not seen.any():
        return []
    n = np.flatnonzero(seen)[int(seen.sum()) // 2]
    names = up.axis.scale == "category"  # its pieces stand upright, each in its row
    falls = bool(np.nan_to_num((y[seen][-1] - y[seen][0]) * (x[seen][-1] - x[seen][0])) < 0)
    return [
        {
            "text": escaped(line.label),
            "font": {"size": SMALL, "color": _LINE, "shadow": halo(PALETTES["light"])},
            "x": float(x[n]),
            "y": float(np.round(y[n]) if names else y[n]),
            "xanchor": "left" if falls else "right",
            "xshift": 4 if falls else -4,
            "yanchor": "middle" if names else "bottom",
        }
    ]


def _corner(states: Array, measure: str, *, drawn: bool) -> list[str]:
    """What lines and the colours of cells without a number mean, and how many there are."""
    marks = {kind: f'<span style="color:{c}">■</span>' for kind, c in _colours(measure).items()}
    marks["waiting"] = "·"
    found = [(kind, int((states == kind).sum())) for kind in marks]
    parts = [f"{marks[k]} {named(k, measure)}: {n:,} of {states.size:,}" for k, n in found if n]
    return [*(["━ half-life = T"] if drawn else []), *parts]


def _heading(z: Float[Array, "N1 N2"], measure: str, top: float, palette: Palette) -> list[Json]:
    """The name of the map, and what its colours mean."""
    scale, low, high = scale_of(z, measure)
    left, right = end_texts(measure, low, high)
    return [heading(MEASURES[measure], top), key(scale, left, right, top, palette)]


def _above(lines: list[str]) -> list[Json]:
    """These lines above the name of the map."""
    place = {"x": 0, "xref": "paper", "xanchor": "left", "font": {"size": SMALL}}
    corner = {"y": 1, "yref": "paper", "yanchor": "top"}
    return [place | corner | {"text": "<br>".join(lines)}] if lines else []


def _margin(up: Laid) -> dict[str, int]:
    """What other margin names need than numbers do."""
    long = up.axis.scale == "category" and max(map(len, up.axis.labels)) > 5
    return {"left": _LEFT_NAMES} if long else {}
