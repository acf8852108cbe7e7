"""What the Train page shows of a run, as it stands or at a moment gone by."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go

from dashboard.explored import Explored
from dashboard.jobs import Snapshot
from rnnviz import History, Moment, Network, TrainConfig, bptt, figures, predict
from rnnviz.arrays import Array
from rnnviz.diagnostics import recall
from rnnviz.run import draw
from rnnviz.tasks import Batch


@dataclass(frozen=True, eq=False)
class Seen:
    """A run and the moment of it that is looked at; each answer is computed once."""

    config: TrainConfig
    snapshot: Snapshot
    moment: Moment | None
    """None for the latest weights."""

    @property
    def history(self) -> History:
        """Every step so far."""
        return self.snapshot.history

    @property
    def at(self) -> int | None:
        """The step that is looked at; None for the latest."""
        return self.moment.step if self.moment else None

    @property
    def network(self) -> Network | None:
        """The weights that are looked at; None before the first have come."""
        if self.moment:
            return self.moment.network
        if self.snapshot.step:
            return self.snapshot.step.network
        moments = self.history.moments
        return moments[-1].network if moments else None

    @cached_property
    def batch(self) -> Batch:
        """The held-out batch."""
        return draw(self.config, "validation")

    @cached_property
    def outputs(self) -> Array:
        """What the network answers to the held-out batch."""
        assert self.network
        return predict(self.network, self.batch.x)

    @cached_property
    def explored(self) -> Explored:
        """BPTT of these weights on the held-out batch."""
        assert self.network
        record = bptt(self.network, self.batch.x, self.batch.loss(self.config.loss_at))
        return Explored(self.config.run, record)


class Look(NamedTuple):
    """One way to look at a run."""

    title: str
    draw: Callable[[Seen, Mapping[str, Any]], go.Figure]
    offered: Callable[[Seen], bool] = lambda _: True


def _prediction(seen: Seen, look: Mapping[str, Any]) -> go.Figure:
    mask = seen.batch.loss(seen.config.loss_at).mask
    return figures.prediction(seen.outputs, seen.batch, mask=mask, **look)


def _panel(seen: Seen, look: Mapping[str, Any]) -> go.Figure:
    explored = seen.explored
    total = explored.total if seen.config.loss_at != "last" else None
    return figures.time_panel(
        explored.record, explored.flow, total=total, spectrum=explored.theory, **look
    )


def _accuracy(seen: Seen, look: Mapping[str, Any]) -> go.Figure:
    return figures.accuracy_curve(seen.history, at=seen.at, **look)


def _has_accuracy(seen: Seen) -> bool:
    return not np.isnan(seen.history.column("accuracy")).all()


def _recall(seen: Seen, look: Mapping[str, Any]) -> go.Figure:
    return figures.recall_curve(recall(seen.outputs, seen.batch), **look)


def _asks_the_past(seen: Seen) -> bool:
    return seen.network is not None and seen.config.task in ("copy", "delayed_recall")


LOOKS = {
    "prediction": Look("Prediction", _prediction, lambda seen: seen.network is not None),
    "panel": Look("Time panel", _panel, lambda seen: seen.network is not None),
    "ratios": Look(
        "Update ratios", lambda seen, look: figures.update_ratios(seen.history, at=seen.at, **look)
    ),
    "spectrum": Look(
        "Eigenvalues", lambda seen, look: figures.spectrum_path(seen.history, seen.at, **look)
    ),
    "half-life": Look(
        "Half-life", lambda seen, look: figures.half_life_curve(seen.history, at=seen.at, **look)
    ),
    "radius": Look(
        "Spectral radius", lambda seen, look: figures.radius_curve(seen.history, at=seen.at, **look)
    ),
    "units": Look(
        "Units", lambda seen, look: figures.unit_health(seen.history, at=seen.at, **look)
    ),
    "accuracy": Look("Accuracy", _accuracy, _has_accuracy),
    "recall": Look("Recall by lag", _recall, _asks_the_past),
}
"""The ways to look at a run, of which one is drawn under its curves."""
