"""What a section of Explore is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from dashboard import session
from dashboard.explored import Explored

Look = dict[str, Any]
"""Theme and caption: what every picture of a page shares."""
Drawn = Iterator[go.Figure | str]
"""Pictures, each as soon as it is computed, and Markdown between them."""


@dataclass(frozen=True)
class Section:
    """A way to look at a run."""

    draw: Callable[[Explored, Look], Drawn]
    offered: Callable[[Explored], bool] | None = None
    """Whether it means anything for this cell; always, if left out."""
    choice: str | None = None
    """What of ``link.CHOICES`` is offered above its pictures."""


def sequence(explored: Explored) -> int:
    """Which sequence of the batch is looked at."""
    return min(session.state().view.sequence, explored.record.batch_size - 1)
