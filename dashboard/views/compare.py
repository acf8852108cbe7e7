"""Compare: two to four networks on the same data and seed, on shared scales."""

from collections.abc import Sequence

import plotly.graph_objects as go
import streamlit as st

from dashboard import session, words
from dashboard.columns import columns
from dashboard.compared import Compared, check, compared, seeds_spread
from dashboard.frame import escape, picture
from dashboard.link import CHOICES
from dashboard.others import PANEL, Other, with_others
from dashboard.records import explore
from dashboard.section import Sight
from dashboard.sections import time_panel
from dashboard.table import Column, table
from dashboard.take_away import offer
from dashboard.taken import of_comparison
from rnnviz import figures
from rnnviz.export import caption
from rnnviz.figures.theme import Theme

MOST_SEEDS = 9


def render() -> None:
    """What stands beside the settings, a table, the gradient by lag, and the time panels."""
    _controls()
    runs = compared()
    seeds = min(max(1, session.state().view.seeds), MOST_SEEDS)
    if len(runs) == 1:
        st.info(_missing())
        return
    try:
        check(runs, seeds)
        with st.spinner("Running the networks"):
            _draw(runs, seeds)
    except ValueError as error:
        st.error(escape(f"Nothing was computed: {error}."))


def _draw(runs: Sequence[Compared], seeds: int) -> None:
    explored = [explore(one.config.run) for one in runs]
    table([Column(one.name, one.number, e) for one, e in zip(runs, explored, strict=True)])
    spreads = {one.name: (one.number, seeds_spread(one.config.run, seeds)) for one in runs}
    others = [Other(one.name, one.number, one.config.run) for one in runs[1:]]
    told = caption(runs[0].config.run)

    def pictures(theme: Theme) -> list[go.Figure]:
        sight = Sight(session.state().view, theme)
        panel = with_others(time_panel(explored[0], sight), PANEL, others, sight)
        return [figures.flow_spread(spreads, **sight.look(explored[0])), panel]

    by_lag, panel = pictures(session.theme())
    picture(by_lag, "gradient-by-lag")
    picture(panel, "compared-panel")
    by_name = {one.name: e for one, e in zip(runs, explored, strict=True)}
    st.html(words.health(by_name))
    offer(of_comparison(by_name, seeds, f"{len(runs)} networks: {told}", pictures))


def _controls() -> None:
    """What is compared, with which sizes, over how many seeds."""
    with st.container(horizontal=True, vertical_alignment="top", key="compare-by"):
        _choose("compare", "Beside the settings")
        if session.state().view.compare == "changes":
            _choose("sizes", "Sizes")
        session.show("seeds", min(max(1, session.state().view.seeds), MOST_SEEDS))
        st.number_input(
            "Seeds",
            1,
            MOST_SEEDS,
            key="seeds",
            on_change=session.looked,
            args=("seeds", "seeds"),
            help="How many seeds each network is run with: the band goes from the smallest "
            "gradient to the largest.",
            width=120,
        )
    if session.state().view.compare == "changes":
        columns()
    else:
        st.caption("Pinned runs are run on the task, length, batch and seed of the settings.")


def _choose(name: str, label: str) -> None:
    session.show(name, getattr(session.state().view, name))
    st.segmented_control(
        label,
        list(CHOICES[name]),
        format_func=CHOICES[name].__getitem__,
        key=name,
        required=True,
        on_change=session.looked,
        args=(name, name),
        help=_HELP[name],
    )


_HELP = {
    "compare": "Networks that differ from the settings in a few fields, or the runs pinned on "
    "Explore.",
    "sizes": "Whether another cell keeps the hidden size, or takes the one whose parameter count "
    "is nearest.",
}


def _missing() -> str:
    if session.state().view.compare == "pins":
        return "No run is pinned yet: open Explore and pin one."
    return "Add a run, and choose what is different in it."
