"""Explore: choose a network, and see at once what its gradient does and why."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import plotly.graph_objects as go
import streamlit as st

from dashboard import session
from dashboard.cards import cards
from dashboard.explored import Explored, explore
from dashboard.frame import escape, numbers, picture
from dashboard.health import health_line
from dashboard.link import CHOICES
from dashboard.others import PANEL, with_others
from dashboard.pins import panel, pin_button, pinned
from dashboard.section import Look
from dashboard.sections import SECTIONS, time_panel
from dashboard.take_away import take_away
from rnnviz.diagnostics import Remedy
from rnnviz.export import caption


def render() -> None:
    """The verdict, five numbers, the time panel with its checks, and one section below it."""
    config = session.config().run
    try:
        explored = explore(config)
    except ValueError as error:
        st.error(escape(f"Nothing was computed: {error}."))
        return
    above = st.container(key="above")
    look: Look = {"theme": session.theme(), "caption": caption(config)}
    drawn = [with_others(time_panel(explored, look), PANEL, pinned(config))]
    picture(drawn[0], "time-panel")
    below = st.container(key="below")
    with st.container(horizontal=True, vertical_alignment="bottom", key="views"):
        section = _section(explored)
        _choose_sequence(explored.record.batch_size)
    drawn += _draw(section, explored, look)
    with above:  # sent after the pictures, which the browser takes longer to draw
        _verdict(explored)
        numbers(cards(explored))
        panel(explored)
    with below:
        health_line({"": explored}, "More: Check.")
    take_away(explored, drawn)


def _verdict(explored: Explored) -> None:
    verdict = explored.verdict
    kind, _, rest = verdict.sentence.partition(" ")
    with st.container(key=f"verdict-{verdict.kind}"):
        evidence = escape(" · ".join(verdict.evidence))
        st.markdown(f"**{kind}** {escape(rest)}  \n:small[:gray[{evidence}]]")
        st.button(
            f"Try: {verdict.remedy.text}",
            key="remedy",
            type="tertiary",
            on_click=_apply,
            args=(verdict.remedy,),
        )
        _pair(verdict.remedy)


def _apply(remedy: Remedy) -> None:
    changed = remedy.apply(session.config())
    session.change(**{remedy.control: getattr(changed, remedy.control)})


def _pair(remedy: Remedy) -> None:
    """A link that opens the remedy beside the settings, before and after."""
    after = getattr(remedy.apply(session.config()), remedy.control)
    view = replace(session.state().view, compare="changes")
    with st.container(horizontal=True, vertical_alignment="center", key="beside-the-verdict"):
        st.page_link(
            session.kept("compare-page"),
            label="Compare before and after",
            query_params=session.link_to(columns=(((remedy.control, after),),), view=view),
            help="Opens this run and the one with the remedy side by side.",
        )
        pin_button(session.config())


def _section(explored: Explored) -> str:
    """The section on screen: the one asked for, or the first where this cell has none like it."""
    offered = [
        name for name, known in SECTIONS.items() if not known.offered or known.offered(explored)
    ]
    section = session.state().view.section
    section = section if section in offered else offered[0]
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


def _draw(section: str, explored: Explored, look: Look) -> Iterator[go.Figure]:
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
            beside = with_others(drawn, section, pinned(explored.config))
            picture(beside, f"{section}-{number}")
            number += 1
            yield beside
    except ValueError as error:
        st.info(escape(f"Not drawn: {error}."))
