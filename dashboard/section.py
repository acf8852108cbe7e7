"""What a section of Explore is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from dashboard.explored import Explored
from dashboard.limits import PATIENCE
from dashboard.link import View
from rnnviz.figures.theme import Theme

Look = dict[str, Any]
"""Theme and caption: what every picture of a page shares."""
Drawn = Iterator[go.Figure | str]
"""Pictures, each as soon as it is computed, and Markdown between them."""


@dataclass(frozen=True)
class Sight:
    """How a run is looked at: no number of its record depends on it."""

    view: View
    theme: Theme
    patience: float = PATIENCE
    """Seconds that a section may take; what would take longer is drawn in a smaller form."""

    def look(self, explored: Explored) -> Look:
        """What every picture of a run shares."""
        return {"theme": self.theme, "caption": explored.caption}

    def sequence(self, explored: Explored) -> int:
        """Which sequence of the batch is looked at."""
        return min(self.view.sequence, explored.record.batch_size - 1)


@dataclass(frozen=True)
class Section:
    """A way to look at a run."""

    draw: Callable[[Explored, Sight], Drawn]
    offered: Callable[[Explored], bool] | None = None
    """Whether it means anything for this cell; always, if left out."""
    choice: str | None = None
    """What of ``link.CHOICES`` is offered above its pictures."""
