"""Runs: from files, one that is opened here or those of a folder, with all that Explore shows."""

from contextlib import suppress
from dataclasses import replace
from typing import Final

import plotly.graph_objects as go
import streamlit as st

from dashboard import session
from dashboard.frame import escape, figure_of, picture
from dashboard.gallery import Opened, of_upload, open_upload
from dashboard.result import again, show
from dashboard.run_folder import choose_run
from dashboard.take_away import offer
from dashboard.taken import RUN_FILE, Taken, of_run, run_file
from dashboard.uploads import opened, opener
from rnnviz import SavedRun, TrainConfig, figures, run_bytes
from rnnviz.figures.text import count
from rnnviz.figures.theme import Theme
from rnnviz.interop.limits import one_line
from rnnviz.record import Record
from rnnviz.train import baseline

TRAINED: Final = ("loss", "gradient-map")
"""The pictures of a training."""


def render() -> None:
    """Which run, and then its verdict, the panel and the sections."""
    session.keep("settings-matter", False)
    st.markdown(
        "**What happened in a run that was saved?** A run file holds every state, every gradient "
        "and where they came from, and opens as it was, to the bit."
    )
    left, right = st.columns([2, 3])
    with left:
        found = _upload()
    with right:
        found = choose_run(is_covered=found is not None) or found
    if found:
        _shown(found)


def _upload() -> Opened | None:
    """The file that the visitor has opened, or a place for one."""
    with st.container(border=True, key="run-box"):
        st.markdown("**A file**")
        found = of_upload()
        if found:
            opened("run", found.file, _size(found.saved.record))
        else:
            opener("run", "A run file (.safetensors)", open_upload)
            st.caption(
                "From *Take away* on any page, `rnnviz run -o`, `rv.save_run` or a training of "
                "your own. It stays in this server's memory while you look at it."
            )
        return found


def _size(record: Record) -> str:
    return f"{count(record.steps, 'step')} of {count(record.batch_size, 'sequence')}"


def _provenance(saved: SavedRun) -> str:
    """What the file says of where it is from, its loss in three digits."""
    told = dict(saved.provenance)
    with suppress(KeyError, ValueError):
        told["loss"] = figure_of(float(told["loss"]))
    return " · ".join(one_line(f"{name} {text}") for name, text in told.items())[:300]


def _shown(found: Opened) -> None:
    """The run as Explore shows one; its training above the menu, if it had one."""
    saved = found.saved
    with st.container(horizontal=True, vertical_alignment="center", key="run-head"):
        st.markdown(f"**{escape(found.title)}**  \n:small[:gray[{escape(_provenance(saved))}]]")
        if saved.config:
            st.page_link(
                session.kept("explore-page"),
                label="Open its settings in Explore",
                query_params=session.link_to(config=TrainConfig(**saved.config.model_dump())),
                help="Runs them from the start: untrained, on the first batch.",
            )
    drawn = show(found.explored)
    for key, figure in zip(TRAINED, _training(found, session.theme()), strict=False):
        picture(figure, key)
        drawn.append(figure)
    offer(_taken(found, drawn))


def _training(found: Opened, theme: Theme) -> list[go.Figure]:
    """The training that made the network, where the file has one."""
    history, config = found.saved.history, found.saved.config
    if history is None or not isinstance(config, TrainConfig):
        return []
    caption = found.explored.caption
    return [
        figures.loss_curve(history, baseline=baseline(config), theme=theme, caption=caption),
        figures.gradient_map(history, theme=theme, caption=caption),
    ]


def _taken(found: Opened, drawn: list[go.Figure]) -> Taken:
    """What there is to take away: the file as it came, too."""
    explored, saved = found.explored, found.saved

    def anew(theme: Theme) -> list[go.Figure]:
        return [*again(explored, (), theme), *_training(found, theme)]

    taken = of_run(explored, drawn, anew)
    others = [file for file in taken.files if file.name != RUN_FILE]
    return replace(taken, files=(run_file(lambda: _bytes(saved)), *others))


def _bytes(saved: SavedRun) -> bytes:
    return run_bytes(
        saved.record,
        config=saved.config,
        loss=saved.loss,
        history=saved.history,
        name=saved.name,
        provenance=saved.provenance,
    )
