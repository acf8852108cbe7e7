"""What is shown of a run: its verdict, its numbers, the time panel, and one section below it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

import plotly.graph_objects as go
import streamlit as st

from dashboard import session
from dashboard.cards import cards
from dashboard.explored import Explored
from dashboard.frame import escape, numbers, picture
from dashboard.health import health_line
from dashboard.link import CHOICES
from dashboard.others import PANEL, Other, with_others
from dashboard.section import Look
from dashboard.sections import SECTIONS, time_panel
from rnnviz.figures.theme import Theme


def look_of(explored: Explored) -> Look:
    """What every picture of a run shares."""
    return {"theme": session.theme(), "caption": explored.caption}


def show(
    explored: Explored,
    others: Sequence[Other] = (),
    *,
    under_verdict: Callable[[Explored], None] | None = None,
    under_numbers: Callable[[Explored], None] | None = None,
) -> list[go.Figure]:
    """All of it, with other runs drawn into the pictures; gives the pictures.

    What a page has to offer beside is drawn under the verdict and under the numbers.
    """
    above, look = st.container(key="above"), look_of(explored)
    drawn = [with_others(time_panel(explored, look), PANEL, others)]
    picture(drawn[0], "time-panel")
    below = st.container(key="below")
    with st.container(horizontal=True, vertical_alignment="bottom", key="views"):
        section = _section(explored)
        _choose_sequence(explored.record.batch_size)
    drawn += _draw(section, explored, look, others)
    with above:  # sent after the pictures, which the browser takes longer to draw
        _verdict(explored, under_verdict)
        numbers(cards(explored))
        if under_numbers:
            under_numbers(explored)
    with below:
        health_line({"": explored}, "More: Check.")
    return drawn


def _verdict(explored: Explored, under: Callable[[Explored], None] | None) -> None:
    verdict = explored.verdict
    kind, _, rest = verdict.sentence.partition(" ")
    with st.container(key=f"verdict-{verdict.kind}"):
        evidence = escape(" · ".join(verdict.evidence))
        st.markdown(f"**{kind}** {escape(rest)}  \n:small[:gray[{evidence}]]")
        if under:
            under(explored)


def again(explored: Explored, others: Sequence[Other], theme: Theme) -> list[go.Figure]:
    """The pictures that are on screen, in another theme."""
    look: Look = {"theme": theme, "caption": explored.caption}
    section = _current(_offered(explored))
    drawn = [with_others(time_panel(explored, look), PANEL, others, theme)]
    with suppress(ValueError):  # said where it is shown
        drawn += [
            with_others(one, section, others, theme)
            for one in SECTIONS[section].draw(explored, look)
            if not isinstance(one, str)
        ]
    return drawn


def _offered(explored: Explored) -> list[str]:
    """The sections that mean something for this cell."""
    return [
        name for name, known in SECTIONS.items() if not known.offered or known.offered(explored)
    ]


def _current(offered: Sequence[str]) -> str:
    """The section that was asked for, or the first where this cell has none like it."""
    section = session.state().view.section
    return section if section in offered else offered[0]


def _section(explored: Explored) -> str:
    """The section on screen, with the buttons for the others."""
    offered = _offered(explored)
    section = _current(offered)
    _choose("section", offered, section)
    return section


def _choose(name: str, offered: Sequence[str], chosen: str) -> None:
    """A row of buttons, one for each way to look."""
    session.show(name, chosen)
    st.pills(
        name.capitalize(),
        offered,
        format_func=CHOICES[name].__getitem__,
        key=name,
        required=True,
        wrap=True,
        label_visibility="collapsed",
        on_change=session.looked,
        args=(name, name),
    )


def _choose_sequence(batch_size: int) -> None:
    """Which sequence the heatmaps show, where there are several."""
    if batch_size == 1:
        return
    session.show("view-sequence", min(session.state().view.sequence, batch_size - 1) + 1)
    st.number_input(
        f"Sequence shown, of {batch_size}",
        1,
        batch_size,
        key="view-sequence",
        on_change=_shown,
        width=160,
    )


def _shown() -> None:
    session.look(sequence=session.value("view-sequence") - 1)


def _draw(
    section: str, explored: Explored, look: Look, others: Sequence[Other]
) -> Iterator[go.Figure]:
    """Show what a section draws, each picture as soon as it is computed."""
    shown = SECTIONS[section]
    if shown.choice:
        view = session.state().view
        _choose(shown.choice, list(CHOICES[shown.choice]), getattr(view, shown.choice))
    number = 0
    try:
        for drawn in shown.draw(explored, look):
            if isinstance(drawn, str):
                st.markdown(drawn)
                continue
            beside = with_others(drawn, section, others)
            picture(beside, f"{section}-{number}")
            number += 1
            yield beside
    except ValueError as error:
        st.info(escape(f"Not drawn: {error}."))
