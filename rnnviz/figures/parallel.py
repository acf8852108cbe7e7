"""Which settings go with which results?"""

from dataclasses import dataclass
from itertools import product

import numpy as np
import plotly.graph_objects as go

from rnnviz.arrays import Array, Float
from rnnviz.config import MEASURES
from rnnviz.figures.frame import Json, Words, every, framed, key
from rnnviz.figures.sweep_axes import (
    LOG10,
    NAMES,
    Laid,
    counted,
    end_texts,
    named,
    scale_of,
    shown,
    spoken,
)
from rnnviz.figures.text import count, escaped, ordinal
from rnnviz.figures.theme import NOTHING, PALETTES, SMALL, Palette, Theme
from rnnviz.sweep import SweepTable

QUESTION = "Which settings go with which results?"
HOW_TO_READ = (
    "Each row is a setting or a measure, from its smallest value at the left to its largest at "
    "the right. Each line is one point of the sweep and goes down through all rows: where it "
    "crosses a row is the value that it has there, the median over the seeds.\n\n"
    "The colour is the first measure. Follow lines of one colour upwards to see which settings "
    "they share.\n\n"
    "What is no number stands apart at the right of its row, with a word: infinite, exactly 0, "
    "not a number, failed. Points that are not computed yet are left out and counted."
)
ROW = 66
MOST_LINES = 600
_APART = {"failed": 1.14, "nan": 1.11, "zero": 1.08, "infinite": 1.05}
"""Where what is no number stands; numbers lie from 0 to 1."""
_END = 1.20
_BINS = 9
_FIRST = 46
"""Pixels above the first row, for its name and the key."""


@dataclass(frozen=True, eq=False)
class _Row:
    """A knob or a measure as a row."""

    title: str
    at: Float[Array, " L"]
    """Each line's place, from 0 to 1, or apart."""
    ticks: list[tuple[float, str]]
    told: list[str]
    """Each line's value in words."""
    apart: dict[str, str]
    """The kinds of nothing in this row, and how many of each in words."""


def parallel(table: SweepTable, *, theme: Theme = "light", caption: str = "") -> go.Figure:
    """All knobs and all measures as rows, a line for each point of the sweep.

    Each point's ``customdata`` are the indices of its line's values of the knobs.

    Parameters
    ----------
    table : SweepTable
    """
    palette = PALETTES[theme]
    cells = [at for at in product(*map(range, table.shape)) if table.done[at] > 0]
    drawn = cells[:: every(len(cells), MOST_LINES)] if cells else []
    rows = [_knob_row(table, k, drawn) for k in range(len(table.shape))]
    rows += [_measure_row(table, name, drawn) for name in table.config.measures]
    height = _FIRST + ROW * (len(rows) - 1) + 30
    y = 1 - (_FIRST + ROW * np.arange(len(rows))) / height
    data, keys = _lines(table, rows, drawn, y, palette)
    data += _marks(rows, y, palette)
    notes = [
        note for row, level in zip(rows, y, strict=True) for note in _words(row, level, palette)
    ]
    rails = [
        {"type": "line", "x0": 0, "x1": 1, "y0": level, "y1": level, "layer": "below"}
        | {"line": {"color": palette.muted, "width": 1}}
        for level in y
    ]
    bare = {"showgrid": False, "showticklabels": False, "fixedrange": True}
    layout = {
        "xaxis": bare
        | {"range": [-0.03, _END], "title": {"text": "from the smallest to the largest"}},
        "yaxis": bare | {"range": [0, 1], "title": {"text": ""}},
        "annotations": [*notes, *keys],
        "shapes": rails,
        "hovermode": "closest",
    }
    about = subtitle(table, len(cells), len(drawn)), HOW_TO_READ, alt(table)
    words = Words(QUESTION, *about, "parallel")
    return framed(
        data, layout, words, height=height, theme=theme, caption=caption, left=18, right=18
    )


def subtitle(table: SweepTable, done: int, drawn: int) -> str:
    """What a line is, and how many are drawn."""
    step = every(done, MOST_LINES) if done else 1
    left_out = f" Every {ordinal(step)} is drawn." if drawn < done else ""
    waiting = int(np.prod(table.shape)) - done
    missing = f" {count(waiting, 'point')} not computed yet." if waiting else ""
    return (
        f"{count(done, 'point')}, each the median of up to "
        f"{count(len(table.config.seeds), 'seed')}.{left_out}{missing} The colour is "
        f"{MEASURES[table.config.measures[0]].lower()}."
    )


def alt(table: SweepTable) -> str:
    """What the picture shows, for those who do not see it."""
    knobs = ", ".join(knob.title for knob in table.config.knobs)
    ends = []
    for name in table.config.measures:
        known = table.grid(name)[table.states(name) == "known"]
        if len(known):
            low, high = (spoken(float(end), name) for end in (known.min(), known.max()))
            ends.append(f" {MEASURES[name]} from {low} to {high}.")
    first = table.config.measures[0]
    return (
        f"Parallel coordinates over {knobs} and {count(len(table.config.measures), 'measure')}."
        f"{''.join(ends)}{counted(table.states(first), first)}"
    )


def _knob_row(table: SweepTable, k: int, drawn: list[tuple[int, ...]]) -> _Row:
    laid, labels = Laid(table.axis(k)), table.axis(k).labels
    at = _share(laid.at, float(laid.at[0]), float(laid.at[-1]))
    step = every(len(at), 4)
    ticks = [(float(at[n]), laid.ticks[n]) for n in range(0, len(at), step)]
    own = np.array([at[cell[k]] for cell in drawn])
    return _Row(escaped(table.axis(k).title), own, ticks, [labels[c[k]] for c in drawn], {})


def _measure_row(table: SweepTable, measure: str, drawn: list[tuple[int, ...]]) -> _Row:
    grid, states = table.grid(measure), table.states(measure)
    values = np.array([grid[cell] for cell in drawn])
    state = np.array([states[cell] for cell in drawn], object)
    log = _spreads(values, measure)
    z = shown(values, measure) if log else values
    z = np.where(state == "known", z, np.nan)
    known = z[np.isfinite(z)]
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
    apart = np.array([_APART.get(kind, np.nan) for kind in state], float)
    at = np.where(np.isfinite(z), _share(z, low, high), apart)
    told = [
        spoken(v, measure) if s in ("known", "zero", "infinite") else named(s, measure)
        for v, s in zip(values, state, strict=True)
    ]
    ends = [(0.0, low), (1.0, high)] if high > low else [(0.5, low)]
    ticks = [(x, escaped(spoken(10.0**end if log else end, measure))) for x, end in ends]
    many = {kind: int((state == kind).sum()) for kind in _APART}
    found = {kind: f"{named(kind, measure)}: {n:,}" for kind, n in many.items() if n}
    title = MEASURES[measure] + (", log scale" if log else "")
    return _Row(title, at, ticks if len(known) else [], told, found)


def _spreads(values: Float[Array, " L"], measure: str) -> bool:
    """Whether the numbers span more than a factor of ten, and may be on a log scale."""
    known = values[np.isfinite(values) & (values > 0)]
    return measure in LOG10 and bool(len(known)) and bool(known.max() > 10 * known.min())


def _share(z: Array, low: float, high: float) -> Array:
    return (z - low) / (high - low) if high > low else np.full(np.shape(z), 0.5)


def _lines(
    table: SweepTable,
    rows: list[_Row],
    drawn: list[tuple[int, ...]],
    y: Float[Array, " R"],
    palette: Palette,
) -> tuple[list[Json], list[Json]]:
    """The lines, those of one colour in one trace, and the key to the colours."""
    first = table.config.measures[0]
    grid, states = table.grid(first), table.states(first)
    z = shown(np.array([grid[at] if states[at] == "known" else np.nan for at in drawn]), first)
    scale, low, high = scale_of(z, first)
    bins = np.clip((_share(z, low, high) * _BINS), 0, _BINS - 1)
    number = np.where(np.isfinite(z), np.nan_to_num(bins, nan=0.0), -1).astype(int)
    data = []
    for own in sorted(set(number.tolist())):
        colour = palette.muted if own < 0 else _between(scale, (own + 0.5) / _BINS)
        data.append(_bundle(table, rows, drawn, np.flatnonzero(number == own), y, colour))
    return data, [
        key(scale, *end_texts(first, low, high), 1 - 20 / (_FIRST + ROW), palette)
        | {"y": 1, "yanchor": "top"}
    ]


def _bundle(
    table: SweepTable,
    rows: list[_Row],
    drawn: list[tuple[int, ...]],
    members: Array,
    y: Float[Array, " R"],
    colour: str,
) -> Json:
    """Lines of one colour, with a gap between them."""
    xs, ys, texts, places = [], [], [], []
    for n in members:
        text = "<br>".join(f"{row.title}: {escaped(row.told[n])}" for row in rows)
        xs += [*(float(row.at[n]) for row in rows), np.nan]
        ys += [*y.tolist(), np.nan]
        texts += [text] * (len(rows) + 1)
        places += [drawn[n]] * (len(rows) + 1)
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": count(len(members), "point"),
        "x": np.array(xs),
        "y": np.array(ys),
        "line": {"color": colour, "width": 1.5},
        "opacity": 0.85,
        "marker": {"size": 5},
        "text": texts,
        "customdata": np.array(places).reshape(-1, len(table.shape)),
        "hovertemplate": "%{text}<extra></extra>",
        "cliponaxis": False,
    }


def _between(scale: tuple[str, ...], share: float) -> str:
    """The colour at a share of the scale."""
    place = share * (len(scale) - 1)
    n = min(int(place), len(scale) - 2)
    ends = [[int(c[k : k + 2], 16) for k in (1, 3, 5)] for c in scale[n : n + 2]]
    mixed = [round(a + (b - a) * (place - n)) for a, b in zip(*ends, strict=True)]
    return "#" + "".join(f"{part:02x}" for part in mixed)


def _marks(rows: list[_Row], y: Float[Array, " R"], palette: Palette) -> list[Json]:
    """A mark where a row has something that is no number, in the colour of its kind."""
    own = {"type": "scatter", "mode": "markers", "hoverinfo": "skip"}
    at = {
        kind: [level for row, level in zip(rows, y, strict=True) if kind in row.apart]
        for kind in _APART
    }
    return [
        own
        | {"name": NAMES[kind], "x": np.full(len(levels), _APART[kind]), "y": np.array(levels)}
        | {"marker": {"symbol": "x", "size": 8, "color": _colour(kind, palette)}}
        for kind, levels in at.items()
        if levels
    ]


def _colour(kind: str, palette: Palette) -> str:
    return NOTHING.get(kind, palette.muted)


def _words(row: _Row, y: float, palette: Palette) -> list[Json]:
    """A row's name above its left end, its ticks below, and what stands apart."""
    name = {"text": f"<b>{row.title}</b>", "x": 0, "xanchor": "left", "yanchor": "bottom"}
    notes = [name | {"y": y, "yshift": 5, "bgcolor": palette.veil}]
    for x, text in row.ticks:
        side = "left" if x < 0.15 else "right" if x > 0.85 else "center"
        tick = {"text": text, "x": x, "y": y, "xanchor": side, "yanchor": "top", "yshift": -3}
        notes.append(
            tick | {"font": {"size": SMALL, "color": palette.muted}, "bgcolor": palette.veil}
        )
    if row.apart:
        squares = {k: f'<span style="color:{_colour(k, palette)}">■</span>' for k in row.apart}
        text = " ".join(f"{squares[kind]} {told}" for kind, told in row.apart.items())
        apart = {"text": text, "x": _END - 0.01, "y": y, "xanchor": "right", "yanchor": "top"}
        notes.append(apart | {"yshift": -17, "font": {"size": SMALL}, "bgcolor": palette.veil})
    return notes
