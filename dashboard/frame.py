"""What stands around every page: the style, the links between pages, and what has to be said."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from streamlit.navigation.page import Page

from dashboard import session
from dashboard.chart import Film, Follow, OnClick, OnPick, chart, words_of

STYLE = f"<style>{Path(__file__).with_name('style.css').read_text('utf-8')}</style>"


def style() -> None:
    """The few rules that Streamlit's theme has no setting for."""
    st.html(STYLE)


def header(pages: Sequence[Page]) -> None:
    """Links to the pages, which carry what is on screen with them, and what has to be said."""
    link = session.link()
    with st.container(horizontal=True, key="pages"):
        for page in pages:
            st.page_link(page, label=page.title, query_params=link)
    if notices := session.notices():
        st.warning("  \n".join(escape(notice) for notice in notices))


def picture(
    figure: go.Figure,
    key: str,
    on_click: OnClick | None = None,
    on_pick: OnPick | None = None,
    follow: Follow | None = None,
    film: Film | None = None,
) -> None:
    """A figure with the words that it carries about itself.

    ``on_click`` hears a click's x, and ``on_pick`` the whole numbers that a clicked point carries;
    ``follow`` is what the page's pictures follow a slider by, and ``film`` the moments to play.
    """
    chart(
        figure,
        key=key,
        **words_of(figure),
        token=session.token(),
        on_click=on_click,
        on_pick=on_pick,
        follow=follow,
        film=film,
    )


def figure_of(value: float | None) -> str:
    """A number in three digits with a true minus sign, or the word for what is none."""
    if value is None:
        return "none"
    text = "NaN" if np.isnan(value) else f"{value:.3g}"
    return text.replace("-", "−").replace("inf", "∞")


def escape(text: str) -> str:
    """Text that Markdown shows as it is."""
    return "".join(f"\\{sign}" if sign in r"\`*_{}[]()<>#+-.!|~$:" else sign for sign in text)
