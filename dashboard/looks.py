"""The pictures of which one is drawn under a run's curves."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go

from dashboard.lab import Seen
from rnnviz import History, figures
from rnnviz.diagnostics import recall
from rnnviz.figures.training import Runs, named
from rnnviz.train import chance

Kwargs = Mapping[str, Any]
"""The step that is looked at, theme and caption: what the pictures over steps share."""


class Look(NamedTuple):
    """One way to look at a run; its title is in ``link.LOOKS``."""

    draw: Callable[[Seen, Runs, Kwargs], go.Figure]
    offered: Callable[[Seen], bool] = lambda _: True


def gradient_map(history: History, runs: Runs, look: Kwargs) -> go.Figure:
    """The run's own map, and below it on the same scale those of the runs that are drawn beside."""
    others = [
        figures.Ghost(name, number, figures.gradient_map(other, **look))
        for number, (name, other) in enumerate(named(runs).items())
        if other is not history and len(other.rows)
    ]
    return figures.with_ghosts(figures.gradient_map(history, **look), others, theme=look["theme"])


def _prediction(seen: Seen, _: Runs, look: Kwargs) -> go.Figure:
    mask = seen.batch.loss(seen.config.loss_at).mask
    return figures.prediction(seen.outputs, seen.batch, mask=mask, **_plain(look))


def _panel(seen: Seen, _: Runs, look: Kwargs) -> go.Figure:
    explored = seen.explored
    total = explored.total if seen.config.loss_at != "last" else None
    return figures.time_panel(
        explored.record, explored.flow, total=total, spectrum=explored.theory, **_plain(look)
    )


def _accuracy(seen: Seen, runs: Runs, look: Kwargs) -> go.Figure:
    return figures.accuracy_curve(runs, chance=chance(seen.config), **look)


def _recall(seen: Seen, _: Runs, look: Kwargs) -> go.Figure:
    return figures.recall_curve(recall(seen.outputs, seen.batch), **_plain(look))


def _plain(look: Kwargs) -> dict[str, Any]:
    """For a picture of the step itself, which has no axis of steps."""
    return {name: value for name, value in look.items() if name != "at"}


def _of_history(draw: Callable[..., go.Figure]) -> Callable[[Seen, Runs, Kwargs], go.Figure]:
    return lambda seen, _, look: draw(seen.history, **look)


def _has_network(seen: Seen) -> bool:
    return seen.network is not None


def _asks_the_past(seen: Seen) -> bool:
    return _has_network(seen) and seen.config.task in ("copy", "delayed_recall")


def _measures(*columns: str) -> Callable[[Seen], bool]:
    """Whether the run has a number in one of these columns."""

    def measures(seen: Seen) -> bool:
        history: History = seen.history
        return any(not np.isnan(history.column(name)).all() for name in columns)

    return measures


LOOKS = {
    "prediction": Look(_prediction, _has_network),
    "panel": Look(_panel, _has_network),
    "ratios": Look(_of_history(figures.update_ratios)),
    "spectrum": Look(_of_history(figures.spectrum_path)),
    "half-life": Look(_of_history(figures.half_life_curve)),
    "radius": Look(_of_history(figures.radius_curve)),
    "units": Look(_of_history(figures.unit_health), _measures("saturated", "open")),
    "accuracy": Look(_accuracy, _measures("accuracy")),
    "recall": Look(_recall, _asks_the_past),
}
"""In the order of their buttons."""
