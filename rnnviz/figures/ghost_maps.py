"""Heatmaps of other runs below a picture's own: one scale, one axis, one cursor."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from rnnviz.figures.frame import HEADING_HEIGHT, Json, heading
from rnnviz.figures.layers import Layer, key_of, plot_height

_MOST_HOVERED = 5_000
"""Cells of another run that say more to the cursor than their colour does."""
_NEAR = 1e-6
_KEY = re.compile(r"^(?P<low>.*?) (?P<colours><span style=\"font-size.*</span>) (?P<high>.*)$")


@dataclass(frozen=True)
class Below:
    """Another run's heatmaps that go below a row."""

    row: Layer
    name: str
    colour: str
    traces: Sequence[Json]
    yaxis: Json
    notes: Sequence[Json]
    """The annotations of the other picture, among them the key to its colours."""
    there: Layer
    shift: float


def heatmaps(drawn: Json, axis: str) -> list[Json]:
    """The heatmaps of a row, the marks for zeros and infinities among them."""
    return [
        trace
        for trace in drawn["data"]
        if trace["type"] == "heatmap" and trace.get("yaxis", "y") == axis
    ]


def can_stack(rows: Sequence[Layer], layout: Json) -> bool:
    """Whether every row has a stretch of the picture's height for itself, and all of its width."""
    wide = all("domain" not in axis for name, axis in layout.items() if name.startswith("xaxis"))
    return wide and all(one.low >= other.high for one, other in pairwise(rows))


def on_one_scale(traces: Sequence[Json], all_of_them: Sequence[Json]) -> list[Json]:
    """The same heatmaps, each colour with the same meaning in all of them."""
    scaled = [trace for trace in all_of_them if is_scale(trace)]
    if not scaled:
        return list(traces)
    ends = {"zmin": min(t["zmin"] for t in scaled), "zmax": max(t["zmax"] for t in scaled)}
    return [trace | ends if is_scale(trace) else trace for trace in traces]


def is_scale(trace: Json) -> bool:
    """Whether a heatmap's colours tell numbers apart."""
    return "zmin" in trace and len({colour for _, colour in trace["colorscale"]}) > 1


def stacked_below(drawn: Json, rows: Sequence[Layer], below: Sequence[Below]) -> Json:
    """The picture with more rows, each below the one it belongs to, on the same x axis."""
    layout, whole = dict(drawn["layout"]), plot_height(drawn["layout"])
    more = sum(_pixels(one.row, whole) + HEADING_HEIGHT for one in below)
    domains, places = _places(rows, below, whole, more)
    first = max(int(row.axis[1:] or 1) for row in rows) + 1
    placed = [(one, f"y{first + n}", ends) for n, (one, ends) in enumerate(places)]
    for row, ends in zip(rows, domains, strict=True):
        layout[key_of(row.axis)] = layout[key_of(row.axis)] | {"domain": list(ends[2:])}
    for one, axis, ends in placed:
        own = {"domain": list(ends), "anchor": one.row.across}
        layout[key_of(axis)] = one.yaxis | own
    notes = [_moved(note, domains, ("y",)) for note in layout["annotations"]]
    notes = _with_keys(notes, rows, domains, below, drawn)
    notes += [heading(_swatched(one), top) for one, _, (_, top) in placed]
    notes += [note for one, _, (_, top) in placed for note in _corner(one, top)]
    layout["annotations"] = notes
    layout["shapes"] = [_moved(s, domains, ("y0", "y1")) for s in layout.get("shapes", ())]
    layout["height"] = layout["height"] + round(more)
    _anchor(layout, placed)
    data = [_scaled(trace, below, drawn) for trace in drawn["data"]]
    data += [trace for one, axis, _ in placed for trace in _traces(one, axis, below, drawn)]
    return {"data": data, "layout": layout}


def _places(
    rows: Sequence[Layer], below: Sequence[Below], whole: float, more: float
) -> tuple[list[tuple[float, ...]], list[tuple[Below, tuple[float, float]]]]:
    """Each row's old and new stretch of the height, and the stretch of each new row."""
    domains: list[tuple[float, ...]] = []
    places: list[tuple[Below, tuple[float, float]]] = []
    top, before, all_of_it = whole + more, whole, whole + more
    for row in rows:
        top -= before - row.high * whole
        low = max(0.0, top - _pixels(row, whole))
        domains.append((row.low, row.high, low / all_of_it, top / all_of_it))
        top, before = low, row.low * whole
        for one in (found for found in below if found.row is row):
            high = top - HEADING_HEIGHT
            top = max(0.0, high - _pixels(row, whole))
            places.append((one, (top / all_of_it, high / all_of_it)))
    return domains, places


def _swatched(one: Below) -> str:
    return f'<span style="color:{one.colour}">━</span> {one.name}'


def _corner(one: Below, top: float) -> list[Json]:
    """What the other picture says in the row's corner: how many of its cells have no number."""
    own = (note for note in one.notes if note.get("yref") == "paper")
    inside = (note for note in own if note.get("yanchor") == "top")
    return [note | {"y": top} for note in inside if abs(note["y"] - one.there.high) < _NEAR]


def _pixels(row: Layer, whole: float) -> float:
    return (row.high - row.low) * whole


def _beside(row: Layer, below: Sequence[Below], drawn: Json) -> list[Json]:
    """Every heatmap that shares a row's scale."""
    others = [trace for one in below if one.row is row for trace in one.traces]
    return [*heatmaps(drawn, row.axis), *others]


def _scaled(trace: Json, below: Sequence[Below], drawn: Json) -> Json:
    axis = trace.get("yaxis", "y")
    row = next((one.row for one in below if one.row.axis == axis), None)
    if trace["type"] != "heatmap" or row is None:
        return trace
    return on_one_scale([trace], _beside(row, below, drawn))[0]


def _traces(one: Below, axis: str, below: Sequence[Below], drawn: Json) -> list[Json]:
    scaled = on_one_scale(one.traces, _beside(one.row, below, drawn))
    return [_drawn(trace, one, axis) for trace in scaled]


def _drawn(trace: Json, one: Below, axis: str) -> Json:
    """A heatmap at its new place, without the arrays that only a cursor would read."""
    own = trace | {"yaxis": axis, "xaxis": one.row.across, "name": f"{one.name}: {trace['name']}"}
    if "x" in own:
        own["x"] = np.asarray(own["x"]) + one.shift
    elif one.shift:
        own["x0"] = own.get("x0", 0) + one.shift
    if np.size(own["z"]) > _MOST_HOVERED:
        own = {key: value for key, value in own.items() if key not in ("customdata", "text")}
        own["hovertemplate"] = f"{own['name']} at %{{x}}, %{{y}}: %{{z:.3g}}<extra></extra>"
    else:
        own["hovertemplate"] = f"{one.name}, {own['hovertemplate']}"
    return own


def _moved(note: Json, domains: Sequence[tuple[float, ...]], ends: Sequence[str]) -> Json:
    if note.get("yref") != "paper":
        return note
    return note | {end: _place(float(note[end]), domains) for end in ends if end in note}


def _place(y: float, domains: Sequence[tuple[float, ...]]) -> float:
    """Where a height of the old picture lies in the new one: beside its row."""
    if y <= 0 or y >= 1:
        return y
    for low, high, new_low, new_high in domains:
        if y >= low:
            share = min(1.0, (y - low) / (high - low))
            return new_low + share * (new_high - new_low)
    return y


def _with_keys(
    notes: Sequence[Json],
    rows: Sequence[Layer],
    domains: Sequence[tuple[float, ...]],
    below: Sequence[Below],
    drawn: Json,
) -> list[Json]:
    """The annotations, with the ends of each shared scale at its key."""
    changed = list(notes)
    for row, ends in zip(rows, domains, strict=True):
        own = [one for one in below if one.row is row]
        at = next((n for n, note in enumerate(changed) if own and _is_key(note, ends[3])), None)
        if at is None:
            continue
        told = [(trace, str(changed[at]["text"])) for trace in heatmaps(drawn, row.axis)]
        for one in own:
            text = next((str(n["text"]) for n in one.notes if _is_key(n, one.there.high)), None)
            told += [(trace, text) for trace in one.traces if text is not None]
        changed[at] = changed[at] | {"text": _widest([t for t in told if is_scale(t[0])])}
    return changed


def _is_key(note: Json, top: float) -> bool:
    at_top = note.get("yref") == "paper" and abs(note["y"] - top) < _NEAR
    return at_top and _KEY.match(str(note["text"])) is not None


def _widest(told: Sequence[tuple[Json, str]]) -> str:
    """The key to a shared scale: its ends in the words of the runs that they belong to."""
    lowest = min(told, key=lambda one: one[0]["zmin"])[1]
    highest = max(told, key=lambda one: one[0]["zmax"])[1]
    low, high = _KEY.match(lowest), _KEY.match(highest)
    assert low is not None
    assert high is not None
    return f"{low['low']} {low['colours']} {high['high']}"


def _anchor(layout: Json, placed: Sequence[tuple[Below, str, tuple[float, float]]]) -> None:
    """Put an x axis that stood below a row below the last that was put there."""
    stood = {name: axis.get("anchor", "y") for name, axis in layout.items() if name[1:5] == "axis"}
    for one, axis, _ in placed:
        name = key_of(one.row.across)
        if stood[name] == one.row.axis:
            layout[name] = layout[name] | {"anchor": axis}
