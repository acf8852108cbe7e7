"""Everything on a page as files: the record, its table, and the page itself."""

from collections.abc import Callable, Sequence

import plotly.graph_objects as go
import streamlit as st

from dashboard.explored import Explored
from rnnviz.export import to_frame, to_npz
from rnnviz.report import write_html

ROWS_LIMIT = 2_000_000
"""The longest table that is offered as CSV, about 150 MB of text."""


def take_away(explored: Explored, drawn: Sequence[go.Figure]) -> None:
    """Buttons that make their file when they are pressed, and not before."""
    record, config = explored.record, explored.config
    rows = sum(layer.h.size for layer in record.layers)
    menu = st.popover("Take away", key="take-away", on_change="rerun")
    if not menu.open:
        return
    with menu:
        _offer("This page as HTML", "html", "text/html", lambda: _page(explored, drawn))
        _offer("Record as npz", "npz", "application/zip", lambda: to_npz(record, config))
        if rows <= ROWS_LIMIT:
            _offer("Record as CSV", "csv", "text/csv", lambda: to_frame(record).to_csv(index=False))
        else:
            st.caption(f"The record has {rows:,} rows, too many for CSV: take the npz.")


def _offer(label: str, ending: str, mime: str, make: Callable[[], str | bytes]) -> None:
    st.download_button(
        label,
        make,
        file_name=f"rnnviz-record.{ending}" if ending != "html" else "rnnviz-explore.html",
        mime=mime,
        key=f"take-{ending}",
        on_click="ignore",
        type="tertiary",
    )


def _page(explored: Explored, drawn: Sequence[go.Figure]) -> str:
    return write_html(
        drawn,
        title="rnnviz: Explore",
        verdict=explored.verdict.sentence,
        intro=explored.caption,
        settings=explored.config.model_dump() if explored.config else {},
    )
