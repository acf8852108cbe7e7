"""One Plotly figure on a page: its question, how to read it, and its files.

``st.plotly_chart`` gives a changed figure a new element, which draws a blank frame and forgets the
zoom. This component keeps its element and hands the new numbers to ``Plotly.react``.
"""

import math
from collections.abc import Callable
from typing import Final, TypeAlias

import plotly.graph_objects as go
import streamlit as st

from dashboard.chart import lane
from dashboard.chart.message import Film, Follow, message
from dashboard.chart.server import ADDRESS, version

OnClick: TypeAlias = Callable[[float], object]
OnPick: TypeAlias = Callable[[tuple[int, ...]], object]

LOADER: Final = """
const address = new URL("@ADDRESS@/chart.js", document.baseURI);

export default async function ({ data, parentElement, setTriggerValue }) {
  try {
    const { show } = await import(address);
    return await show(parentElement, data, (click) => setTriggerValue("clicked", click));
  } catch (error) {
    console.warn(error);
    parentElement.textContent = "The server did not send what draws charts. Reload to try again.";
  }
}
"""
"""Sent with every chart at every rerun, so it only fetches the real module, once per page."""

_mount = st.components.v2.component(
    "rnnviz_chart",
    js=LOADER.replace("@ADDRESS@", f"{ADDRESS}/{version()}"),
    isolate_styles=False,
)


def chart(
    figure: go.Figure,
    *,
    key: str,
    question: str,
    filename: str,
    alt: str,
    subtitle: str = "",
    how_to_read: str = "",
    height: int | None = None,
    token: str = "",
    on_click: OnClick | None = None,
    on_pick: OnPick | None = None,
    follow: Follow | None = None,
    film: Film | None = None,
) -> None:
    """A figure under its question, with a short guide and its CSV, PNG and SVG.

    Parameters
    ----------
    figure
        What to draw. Its own template decides its colours; nothing in it is changed.
    key
        The chart's identity: with the same key the picture is updated in place and keeps its zoom.
    question
        What the picture answers, above it in bold.
    filename
        The stem of the exported files, without an ending.
    alt
        What the picture shows, for those who do not see it.
    subtitle
        Which derivative of which loss, and which way time runs.
    how_to_read
        A short text behind "How to read this"; empty lines part paragraphs.
    height
        In pixels; the figure's own if left out, else 420.
    token
        The visitor's secret, by which the picture may come ahead of the page; none if left out.
    on_click
        Called before the next rerun with the x of a point that was clicked. The same must be
        within reach of the keyboard elsewhere on the page.
    on_pick
        The same, called with the whole numbers that the point carries as its ``customdata``.
    follow
        What the browser sends back, with where a slider stands, to have the page's pictures drawn
        while it moves; they wait for its release if left out.
    film
        The moments that the picture can play, each as a click at its x is told.
    """
    payload = message(
        figure,
        key=key,
        question=question,
        subtitle=subtitle,
        how_to_read=how_to_read,
        filename=filename,
        alt=alt,
        height=height,
        lane=token,
        clicks=on_click is not None or on_pick is not None,
        follow=follow,
        film=film,
    )
    lane.send(token, key, payload)
    if on_click is None and on_pick is None:
        _mount(key=key, data=payload)
    else:
        _mount(key=key, data=payload, on_clicked_change=lambda: _tell(key, on_click, on_pick))


def _tell(key: str, on_click: OnClick | None, on_pick: OnPick | None) -> None:
    """Hand on where the visitor clicked; a browser may send anything."""
    clicked = st.session_state[key].get("clicked")
    if not isinstance(clicked, dict):
        return
    x, carried = clicked.get("x"), clicked.get("carried")
    if on_click and isinstance(x, int | float) and math.isfinite(x):
        on_click(float(x))
    if on_pick and isinstance(carried, list) and all(isinstance(n, int) for n in carried):
        on_pick(tuple(carried))
