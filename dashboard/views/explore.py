"""Explore: choose a network, and see at once what its gradient does and why."""

from dataclasses import replace

import streamlit as st

from dashboard import session
from dashboard.explored import Explored
from dashboard.frame import escape
from dashboard.moved import followed_by
from dashboard.pins import panel, pin_button, pinned
from dashboard.records import explore
from dashboard.result import show
from dashboard.take_away import take_away
from rnnviz.diagnostics import Remedy


def render() -> None:
    """The verdict, five numbers, the time panel with its checks, and one section below it."""
    config = session.config().run
    try:
        explored = explore(config)
    except ValueError as error:
        st.error(escape(f"Nothing was computed: {error}."))
        if (config := session.kept("shown")) is None:
            return
        st.caption("Shown is the last run that could be.")
        explored = explore(config)
    session.keep("shown", config)
    others = pinned(session.state())
    follow = followed_by(session.state(), session.theme(), session.token())
    drawn = show(explored, others, under_verdict=_remedy, under_numbers=panel, follow=follow)
    take_away(explored, drawn, others)


def _remedy(explored: Explored) -> None:
    remedy = explored.verdict.remedy
    st.button(
        f"Try: {remedy.text}",
        key="remedy",
        type="tertiary",
        on_click=_apply,
        args=(remedy,),
    )
    _pair(remedy)


def _apply(remedy: Remedy) -> None:
    session.change(**{remedy.control: remedy.after(session.config())})


def _pair(remedy: Remedy) -> None:
    """A link that opens the remedy beside the settings, before and after."""
    after = remedy.after(session.config())
    view = replace(session.state().view, compare="changes")
    with st.container(horizontal=True, vertical_alignment="center", key="beside-the-verdict"):
        st.page_link(
            session.kept("compare-page"),
            label="Compare before and after",
            query_params=session.link_to(columns=(((remedy.control, after),),), view=view),
            help="Opens this run and the one with the remedy side by side.",
        )
        pin_button(session.config())
