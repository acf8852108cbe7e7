"""How does what is measured change with one setting?"""

import numpy as np
import plotly.graph_objects as go

from rnnviz.arrays import Array, Float
from rnnviz.config import MEASURES
from rnnviz.figures.end_labels import End, end_labels, room
from rnnviz.figures.frame import Json, Words, framed
from rnnviz.figures.lines import Area, Curve
from rnnviz.figures.sweep_axes import LOG10, Laid, counted, grids_of, named, spoken, told
from rnnviz.figures.sweep_curves import POINTS, Line, levels_of, lines_of
from rnnviz.figures.text import count, escaped
from rnnviz.figures.theme import NOTHING, PALETTES, SMALL, Palette, Theme
from rnnviz.sweep import SweepTable

QUESTION = "How does it change with one setting?"
HOW_TO_READ = (
    "Each point is one setting, run with several seeds: the line goes through their medians, and "
    "the band from the smallest to the largest. With a second setting there is a line for each of "
    "its values, in a colour of its own and with the value at its end.\n\n"
    "Broken lines were not measured: what theory predicts, the level at which a gradient holds, "
    "and where half of it is left over the whole sequence, half-life = T. Over names, theory is a "
    "short dash at each that has one.\n\n"
    "A setting that has no number is a mark at the upper edge, or at the lower one for an exact "
    "0 on a log axis; the words in the corner say which and how many."
)
HEIGHT = 320
_SYMBOLS = {"zero": "triangle-down", "infinite": "triangle-up", "nan": "x", "failed": "x-thin"}


def sweep_lines(
    table: SweepTable,
    measure: str | None = None,
    *,
    theme: Theme = "light",
    caption: str = "",
) -> go.Figure:
    """One measure over the first knob, a line for each value of the second.

    Each point's ``customdata`` are the indices of its knobs' values. Of a third knob the first
    value is drawn.

    Parameters
    ----------
    table : SweepTable
    measure : the sweep's first by default

    Raises
    ------
    ValueError
        If the sweep does not measure it.
    """
    measure = measure or table.config.measures[0]
    palette = PALETTES[theme]
    grids, across = grids_of(table, measure), Laid(table.axis(0))
    lines = lines_of(table, grids, palette)
    levels = levels_of(table, measure, across, lines, palette)
    area, log = _area(lines, levels, measure, across)
    data: list[Json] = []
    for line in lines:
        data += _drawn(table, line, measure, grids, across, area, log=log)
    data += [_broken(level, log=log) for level in levels]
    data += [mark for line in lines for mark in _marks(line, across, area, measure, log=log)]
    ends = [End(line.text, line.colour, broken=False, y=_on(line.middle, log)) for line in lines]
    ends += [End(level.text, level.colour, broken=True, y=_on(level.y, log)) for level in levels]
    states = np.array([line.state for line in lines])
    yaxis: Json = {"title": {"text": MEASURES[measure]}, "range": list(area.y), "nticks": 6}
    layout = {
        "xaxis": across.drawn(6),
        "yaxis": yaxis | ({"type": "log"} if log else {}) | _percent(measure),
        "annotations": [*end_labels(ends, area, "y"), *_corner(states, measure, palette)],
        "hovermode": "closest",
    }
    about = subtitle(table, measure, len(lines)), HOW_TO_READ, alt(table, measure)
    words = Words(QUESTION, *about, "sweep-lines")
    right = room([end.text for end in ends])
    return framed(data, layout, words, height=HEIGHT, theme=theme, caption=caption, right=right)


def subtitle(table: SweepTable, measure: str, drawn: int) -> str:
    """What is drawn, of how many runs, what was left out, and what theory says."""
    seeds = count(len(table.config.seeds), "seed")
    rule = "share" if measure == "success" else "median"
    second = [knob.title for knob in table.config.knobs[1:2]]
    many = table.shape[1] if second else 1
    by = f", a line for each {second[0]}" if second else ""
    left_out = f" {drawn} of {many} lines are drawn." if drawn < many else ""
    fixed = [f" {knob.title}: {knob.labels[0]}." for knob in table.config.knobs[2:]]
    rest = (0,) * (len(table.shape) - 1)
    theory = table.prediction(*rest)
    warned = [sentence for law in theory for sentence in law.warnings]
    said = [f" {told}" for told in dict.fromkeys([*(law.sentence for law in theory), *warned])]
    return (
        f"{MEASURES[measure]}, the {rule} of {seeds} a point{by}; {table.count:,} of "
        f"{table.config.runs:,} runs done.{left_out}{''.join(fixed)}"
        f"{''.join(said) if measure == 'factor' else ''}"
    )


def alt(table: SweepTable, measure: str) -> str:
    """What the picture shows, for those who do not see it."""
    grid, states = table.grid(measure), table.states(measure)
    rest = (0,) * (len(table.shape) - 1)
    knob = table.config.knobs[0]
    first, last = (
        f"{spoken(float(grid[(n, *rest)]), measure)} at {knob.labels[n]}"
        if states[(n, *rest)] != "waiting"
        else f"not known yet at {knob.labels[n]}"
        for n in (0, -1)
    )
    return (
        f"{MEASURES[measure]} over {knob.title}: {first}, {last}, on the first of "
        f"{count(int(np.prod(table.shape[1:])), 'line')}.{counted(states, measure)}"
    )


def _area(lines: list[Line], levels: list[Curve], measure: str, across: Laid) -> tuple[Area, bool]:
    """The ranges around what was measured and the levels near it, and whether on a log axis."""
    if measure == "success":
        return Area(across.ends, (-0.04, 1.04), HEIGHT), False
    seen = np.concatenate([part for line in lines for part in (line.middle, line.low, line.high)])
    finite = seen[np.isfinite(seen)]
    known = finite[finite > 0]
    log = measure in LOG10 and len(known) > 0 and bool(known.max() > 10 * known.min())
    held = [level.y[:1] for level in levels if level.dash not in ("dash", POINTS)]
    values = _on(np.concatenate([finite, *held]), log)
    values = values[np.isfinite(values)] if np.isfinite(values).any() else np.array([0.0, 1.0])
    low, high = float(values.min()), float(values.max())
    air = 0.08 * (high - low) or 0.5
    return Area(across.ends, (low - air, high + air), HEIGHT), log


def _on(y: Float[Array, " N"], log: bool) -> Float[Array, " N"]:
    """Where numbers lie on the axis; NaN where they do not."""
    finite = np.where(np.isfinite(y), y, np.nan)
    if not log:
        return finite
    with np.errstate(all="ignore"):
        return np.asarray(np.log10(np.where(finite > 0, finite, np.nan)))


def _drawn(
    table: SweepTable,
    line: Line,
    measure: str,
    grids: dict[str, Array],
    across: Laid,
    area: Area,
    *,
    log: bool,
) -> list[Json]:
    """The band between the seeds, and the line with a marker at each point."""
    low, high = area.y if not log else (10.0 ** area.y[0], 10.0 ** area.y[1])
    ends = [np.clip(np.nan_to_num(e, nan=np.nan), low, high) for e in (line.low, line.high)]
    name = line.text or MEASURES[measure]
    edge = {"type": "scatter", "mode": "lines", "x": across.at, "hoverinfo": "skip"}
    thin = {"line": {"width": 0, "color": line.colour}}
    places = [(i, *line.rest) for i in range(len(line.middle))]
    band = [
        edge | thin | {"name": f"smallest, {name}", "y": ends[0]},
        edge
        | thin
        | {"name": f"largest, {name}", "y": ends[1], "fill": "tonexty"}
        | {"fillcolor": _pale(line.colour)},
    ]
    own = {
        "type": "scatter",
        "mode": "lines+markers",
        "name": name,
        "x": across.at,
        "y": np.where(line.state == "known", line.middle, np.nan),
        "line": {"color": line.colour, "width": 3},
        "marker": {"size": 7},
        "cliponaxis": False,
        "customdata": np.array(places),
        "text": [told(table, at, measure, grids) for at in places],
        "hovertemplate": "%{text}<extra></extra>",
    }
    wide = len(table.config.seeds) > 1 and measure != "success"
    return [*(band if wide else []), own]


def _pale(colour: str) -> str:
    red, green, blue = (int(colour[n : n + 2], 16) for n in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.16)"


def _broken(level: Curve, *, log: bool) -> Json:
    """A thin broken line, or a dash at each of its points."""
    y = np.where(level.y > 0, level.y, np.nan) if log else level.y
    own: Json = {"type": "scatter", "name": level.text or "theory", "hoverinfo": "skip"}
    own |= {"x": level.x, "y": y}
    line = {"color": level.colour, "width": 1.5}
    if level.dash == POINTS or len(level.x) == 1:
        return own | {"mode": "markers", "marker": {"symbol": "line-ew", "size": 24, "line": line}}
    return own | {"mode": "lines", "line": line | {"dash": level.dash}}


def _marks(line: Line, across: Laid, area: Area, measure: str, *, log: bool) -> list[Json]:
    """Marks at the edges where a point has no number."""
    low, high = area.y if not log else (10.0 ** area.y[0], 10.0 ** area.y[1])
    data = []
    for kind, symbol in _SYMBOLS.items():
        mask = line.state == kind
        if mask.any() and not (kind == "zero" and not log):
            colour = NOTHING.get(kind, line.colour)
            name = f"{named(kind, measure)}: {int(mask.sum())}"
            stroke = {"line": {"color": colour, "width": 2}}
            data.append(
                {
                    "type": "scatter",
                    "mode": "markers",
                    "name": name,
                    "x": across.at[mask],
                    "y": np.full(int(mask.sum()), low if kind == "zero" else high),
                    "marker": {"symbol": symbol, "size": 9, "color": colour} | stroke,
                    "cliponaxis": False,
                    "customdata": np.array([(i, *line.rest) for i in np.flatnonzero(mask)]),
                    "hovertemplate": f"{escaped(line.text)} {named(kind, measure)}<extra></extra>",
                }
            )
    return data


def _percent(measure: str) -> Json:
    return {"tickformat": ".0%"} if measure == "success" else {}


def _corner(states: Array, measure: str, palette: Palette) -> list[Json]:
    """How many points have no number, by what they have instead."""
    found = [(kind, int((states == kind).sum())) for kind in ("waiting", *_SYMBOLS)]
    parts = [f"{named(k, measure)}: {n:,} of {states.size:,}" for k, n in found if n]
    place = {"x": 0, "xref": "paper", "xanchor": "left", "xshift": 4, "bgcolor": palette.veil}
    corner = {"y": 1, "yref": "paper", "yanchor": "top", "yshift": -4, "font": {"size": SMALL}}
    return [place | corner | {"text": "<br>".join(parts)}] if parts else []
