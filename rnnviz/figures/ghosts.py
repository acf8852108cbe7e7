"""What did other runs do? Their lines as ghosts, and their heatmaps below, in one picture."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from rnnviz.figures.frame import Json
from rnnviz.figures.ghost_lines import at_new_edges, ghost_line, labelled, main_lines, widened
from rnnviz.figures.ghost_maps import Below, can_stack, heatmaps, is_scale, stacked_below
from rnnviz.figures.layers import (
    ALIKE_AT_THE_END,
    Layer,
    counterpart,
    key_of,
    layers_of,
    shift_of,
    title_of,
)
from rnnviz.figures.picture import Picture, plain
from rnnviz.figures.text import escaped
from rnnviz.figures.theme import PALETTES, Palette, Theme, run_colour


@dataclass(frozen=True)
class Ghost:
    """Another run's picture of the same kind."""

    name: str
    """What it is called at its lines: how it differs."""
    number: int
    """Of its colour, the same on every picture of a page; the page's own run has 0."""
    figure: go.Figure


@dataclass(frozen=True)
class _Match:
    """A row of the picture, the one like it in a ghost's, and how far right that is drawn."""

    row: Layer
    ghost: Ghost
    there: Layer
    shift: float

    @property
    def name(self) -> str:
        """The ghost's name as Plotly shows it literally."""
        return escaped(self.ghost.name)

    @property
    def drawn(self) -> Json:
        """The ghost's picture."""
        return plain(self.ghost.figure)


def with_ghosts(figure: go.Figure, ghosts: Sequence[Ghost], *, theme: Theme = "light") -> go.Figure:
    """A picture with what was measured in other runs: thin lines, and heatmaps on one scale.

    Every row's thickest lines come as thin ones, each in its run's colour with its name at the
    line; every heatmap comes below the picture's own, with the same meaning of colours. All
    share the picture's x axis and its cursor. Sequences of another length are laid with their
    ends together, so that equal lags lie below each other.

    Parameters
    ----------
    figure : a picture of this package
    ghosts : the same picture of other runs; one that has nothing in common adds nothing

    Examples
    --------
    >>> import rnnviz as rv
    >>> def flow(gain):
    ...     config = rv.RunConfig(gain=gain, hidden_size=4, steps=5, batch_size=2)
    ...     return rv.figures.gradient_flow(rv.diagnostics.gradient_flow(rv.run(config)))
    >>> other = rv.figures.Ghost("gain 1.2", 1, flow(1.2))
    >>> both = rv.figures.with_ghosts(flow(1.0), [other])
    >>> both.data[-1].name.startswith("gain 1.2: measured")
    True
    """
    drawn, palette = plain(figure), PALETTES[theme]
    rows = layers_of(drawn)
    matches = [match for row in rows for match in _matches(row, rows, drawn, ghosts)]
    layout = dict(drawn["layout"])
    found: Json = {"data": list(drawn["data"]), "layout": layout}
    lines: list[Json] = []
    for row in rows:
        lines += _add_lines(found, row, [m for m in matches if m.row is row], palette)
    below = [] if not can_stack(rows, layout) else [b for m in matches for b in _below(m, palette)]
    if not lines and not below:
        return figure
    layout["meta"] = layout["meta"] | _words(layout["meta"], ghosts, matches)
    if below:
        found = stacked_below(found, rows, below)
    return Picture([*found["data"], *lines], found["layout"])


def _matches(
    row: Layer, rows: Sequence[Layer], drawn: Json, ghosts: Sequence[Ghost]
) -> list[_Match]:
    found = []
    for ghost in ghosts:
        other = plain(ghost.figure)
        if other["layout"]["meta"]["name"] != drawn["layout"]["meta"]["name"]:
            continue
        there = counterpart(row, rows, layers_of(other))
        shift = None if there is None else shift_of(row, drawn, there, other)
        if there is not None and shift is not None:
            found.append(_Match(row, ghost, there, shift))
    return found


def _add_lines(found: Json, row: Layer, matches: Sequence[_Match], palette: Palette) -> list[Json]:
    """The ghosts' lines of a row; the picture's axes and labels make room for them."""
    named: list[tuple[str, str, list[Json]]] = []
    if main_lines(found, row.axis):
        for match in matches:
            colour = run_colour(match.ghost.number, palette)
            lines = [
                ghost_line(trace, row, match.name, colour, match.shift)
                for trace in main_lines(match.drawn, match.there.axis)
            ]
            named.append((match.name, colour, lines))
    every_line = [line for _, _, lines in named for line in lines]
    if not every_line:
        return []
    layout, axis = found["layout"], key_of(row.axis)
    before = layout[axis]
    widened(layout, row, every_line)
    _widen_lags(layout, row, matches)
    found["data"] = at_new_edges(found["data"], row, before, layout[axis])
    layout["annotations"] = labelled(found, row, named, palette)
    return every_line


def _widen_lags(layout: Json, row: Layer, matches: Sequence[_Match]) -> None:
    """Let an axis that is not time go as far as the longest run's."""
    name = key_of(row.across)
    if title_of(layout, row.across).startswith(ALIKE_AT_THE_END) or "range" not in layout[name]:
        return
    ends = [match.drawn["layout"][key_of(match.there.across)]["range"] for match in matches]
    low, high = np.transpose([layout[name]["range"], *ends])
    layout[name] = layout[name] | {"range": [float(low.min()), float(high.max())]}


def _below(match: _Match, palette: Palette) -> list[Below]:
    """A ghost's heatmaps of a row, where they have a scale to share."""
    drawn = match.drawn
    traces = heatmaps(drawn, match.there.axis)
    if not any(is_scale(trace) for trace in traces):
        return []
    colour = run_colour(match.ghost.number, palette)
    layout = drawn["layout"]
    yaxis = layout[key_of(match.there.axis)]
    notes = layout.get("annotations", [])
    return [Below(match.row, match.name, colour, traces, yaxis, notes, match.there, match.shift)]


def _words(meta: Json, ghosts: Sequence[Ghost], matches: Sequence[_Match]) -> dict[str, str]:
    """What is said of the picture, with the runs that were added to it."""
    there = {id(match.ghost) for match in matches}
    names = "; ".join(ghost.name for ghost in ghosts if id(ghost) in there)
    moved = any(match.shift for match in matches)
    told = f" Beside it: {names}{', laid so that the ends lie together' if moved else ''}."
    alts = [
        f" {ghost.name}: {plain(ghost.figure)['layout']['meta']['alt']}"
        for ghost in ghosts
        if id(ghost) in there
    ]
    return {"subtitle": f"{meta['subtitle']}{told}", "alt": f"{meta['alt']}{''.join(alts)}"}
