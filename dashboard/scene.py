"""The pictures of a run and their places on its page, in whichever way they get there.

A page draws them at a rerun; while a slider is dragged, ``follow`` sends the same without one.
"""

from collections.abc import Iterator, Sequence

import plotly.graph_objects as go

from dashboard.explored import Explored
from dashboard.link import View
from dashboard.others import PANEL, Other, with_others
from dashboard.section import Sight
from dashboard.sections import SECTIONS, time_panel

Shown = tuple[str, go.Figure]
"""A picture and its key on the page."""


def panel(explored: Explored, others: Sequence[Other], sight: Sight) -> Shown:
    """The picture above every section."""
    return PANEL, with_others(time_panel(explored, sight), PANEL, others, sight)


def below(explored: Explored, others: Sequence[Other], sight: Sight) -> Iterator[Shown | str]:
    """The open section's pictures, each as soon as it is computed, and Markdown between them."""
    section, number = section_of(explored, sight.view), 0
    for drawn in SECTIONS[section].draw(explored, sight):
        if isinstance(drawn, str):
            yield drawn
        else:
            yield f"{section}-{number}", with_others(drawn, section, others, sight)
            number += 1


def offered(explored: Explored) -> list[str]:
    """The sections that mean something for this cell."""
    return [
        name for name, known in SECTIONS.items() if not known.offered or known.offered(explored)
    ]


def section_of(explored: Explored, view: View) -> str:
    """The section that was asked for, or the first where this cell has none like it."""
    names = offered(explored)
    return view.section if view.section in names else names[0]
