"""Pictures of other runs, to be drawn into those of the one on screen."""

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np
import plotly.graph_objects as go
from cachetools import LRUCache

from dashboard.limits import GHOSTS_LIMIT
from dashboard.records import explore
from dashboard.section import Sight
from dashboard.sections import SECTIONS, time_panel
from rnnviz import RunConfig
from rnnviz.figures import Ghost, with_ghosts
from rnnviz.figures.picture import Picture, plain

PANEL = "time-panel"
"""The part of a page that every section has above it."""


@dataclass(frozen=True)
class Other:
    """A run beside the one on screen."""

    name: str
    number: int
    """Of its colour."""
    config: RunConfig


def with_others(figure: go.Figure, part: str, others: Sequence[Other], sight: Sight) -> go.Figure:
    """The picture with the same one of other runs in it; a run without it adds nothing.

    Parameters
    ----------
    figure : of the run on screen
    part : ``PANEL``, or the section that it is drawn in
    others : the runs; one that can not be computed is left out
    sight : how all of them are looked at
    """
    if not others:
        return figure
    asked = plain(figure)["layout"]["meta"]["name"]
    ghosts = [
        Ghost(other.name, other.number, found)
        for other in others
        for found in _pictures(other.config, part, sight)
        if plain(found)["layout"]["meta"]["name"] == asked
    ]
    return with_ghosts(figure, ghosts, theme=sight.theme)


def _size(pictures: Sequence[go.Figure]) -> int:
    arrays = [
        value
        for picture in pictures
        for trace in plain(picture)["data"]
        for value in trace.values()
        if isinstance(value, np.ndarray)
    ]
    return 4096 + sum(array.nbytes for array in arrays)


_kept: LRUCache[tuple[Any, ...], tuple[go.Figure, ...]] = LRUCache(GHOSTS_LIMIT, getsizeof=_size)
_lock = Lock()


def _pictures(config: RunConfig, part: str, sight: Sight) -> tuple[go.Figure, ...]:
    """What a part of the page draws of a run, kept while there is room."""
    view = sight.view
    drawn = (view.sequence, view.scale, view.colour, view.surface)
    key = (config, part, sight.theme, sight.patience, *drawn)
    with _lock:
        found = _kept.get(key)
    if found is None:
        found = tuple(map(_compact, _drawn(config, part, sight)))
        with _lock:
            if _size(found) <= GHOSTS_LIMIT:
                _kept[key] = found
    return found


def _drawn(config: RunConfig, part: str, sight: Sight) -> list[go.Figure]:
    try:
        explored = explore(config)
        if part == PANEL:
            return [time_panel(explored, sight)]
        section = SECTIONS[part]
        if section.offered and not section.offered(explored):
            return []
        return [drawn for drawn in section.draw(explored, sight) if not isinstance(drawn, str)]
    except ValueError:  # said where the run is listed
        return []


def _compact(figure: go.Figure) -> go.Figure:
    """Only what another picture can show of this one: lines, heatmaps and their axes."""
    drawn = plain(figure)
    kept = [t for t in drawn["data"] if t["type"] == "heatmap" or "lines" in t.get("mode", "")]
    return Picture(kept, drawn["layout"])
