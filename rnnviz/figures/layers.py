"""A drawn picture's rows: which y axis lies where, under which heading, over which x axis."""

from collections.abc import Sequence
from dataclasses import dataclass

from rnnviz.figures.frame import Json

_NEAR = 1e-6
ALIKE_AT_THE_END = ("time step t", "state t")
"""How the title of an axis of time begins: runs of other lengths are laid end to end on it."""


@dataclass(frozen=True)
class Layer:
    """A y axis of a picture, and what belongs to it."""

    axis: str
    """As a trace names it: ``y``, ``y2``, ..."""
    low: float
    high: float
    name: str
    """Its heading, else its title."""
    across: str
    """The x axis of its traces: ``x``, ``x2``, ..."""


def key_of(axis: str) -> str:
    """An axis as a layout names it: ``y2`` is ``yaxis2``."""
    return f"{axis[0]}axis{axis[1:]}"


def title_of(layout: Json, axis: str) -> str:
    """An axis's title, empty without one."""
    title = layout.get(key_of(axis), {}).get("title") or {}
    return str(title.get("text", ""))


def layers_of(drawn: Json) -> list[Layer]:
    """A picture's rows from top to bottom."""
    layout = drawn["layout"]
    axes = ["y" + name[5:] for name in layout if name.startswith("yaxis")]
    return sorted((_layer(drawn, axis) for axis in axes), key=lambda row: -row.high)


def _layer(drawn: Json, axis: str) -> Layer:
    layout = drawn["layout"]
    low, high = map(float, layout[key_of(axis)].get("domain", (0, 1)))
    heads = [
        str(note["text"])
        for note in layout.get("annotations", [])
        if note.get("yref") == "paper" and abs(note["y"] - high) < _NEAR and _is_bold(note)
    ]
    own = (trace for trace in drawn["data"] if trace.get("yaxis", "y") == axis)
    across = next((trace.get("xaxis", "x") for trace in own), "x")
    return Layer(axis, low, high, heads[0] if heads else title_of(layout, axis), across)


def _is_bold(note: Json) -> bool:
    return str(note["text"]).startswith("<b>")


def counterpart(row: Layer, rows: Sequence[Layer], others: Sequence[Layer]) -> Layer | None:
    """The row of another run's picture that shows the same."""
    if len(rows) == len(others) == 1:
        return others[0]
    return next((other for other in others if other.name == row.name), None)


def plot_height(layout: Json) -> float:
    """Pixels that all rows have together."""
    margin = layout["margin"]
    return float(layout["height"] - margin["t"] - margin["b"])


def shift_of(row: Layer, drawn: Json, other: Layer, ghost: Json) -> float | None:
    """How far right another run is drawn, its end at this one's; None where they share no x axis.

    Only axes of time are moved: lags, ranks and windows are the same for every run.
    """
    title = title_of(drawn["layout"], row.across)
    if title != title_of(ghost["layout"], other.across):
        return None
    if not title.startswith(ALIKE_AT_THE_END):
        return 0.0
    ends = [
        found["layout"][key_of(one.across)]["range"][1]
        for found, one in ((drawn, row), (ghost, other))
    ]
    return float(ends[0] - ends[1])
