"""Runs: from files, one that is opened here or those of a folder, with all that Explore shows."""

from dataclasses import replace
from typing import Final

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from dashboard import session
from dashboard.frame import escape, picture
from dashboard.gallery import (
    Opened,
    folder,
    gallery,
    newest_stamp,
    of_folder,
    of_upload,
    open_upload,
)
from dashboard.own_weights import table
from dashboard.result import again, show
from dashboard.take_away import offer
from dashboard.taken import RUN_FILE, Taken, of_run, run_file
from dashboard.uploads import opened, opener
from rnnviz import SavedRun, TrainConfig, figures, run_bytes
from rnnviz.figures.theme import Theme
from rnnviz.interop.limits import amount, one_line
from rnnviz.runfile import Gallery, Head
from rnnviz.train import baseline

EVERY: Final = 2.0
"""Seconds between two looks into the folder that is followed."""
LISTED: Final = 8
"""Runs of the folder that stand in the table; all are in the choice."""
TRAINED: Final = ("loss", "gradient-map")
"""The pictures of a training."""
HOW: Final = """\
from rnnviz.interop.pytorch import Callback

# before the loop
watch = Callback("runs", every=100)
# in it, at every step
watch(model, x, lambda y: loss(y, target))"""


def render() -> None:
    """Which run, and then its verdict, the panel and the sections."""
    session.keep("settings-matter", False)
    st.markdown(
        "**What happened in a run that was saved?** A run file holds every state, every gradient "
        "and where they came from, and opens as it was, to the bit."
    )
    left, right = st.columns(2)
    with left:
        found = _upload()
    with right:
        found = _folder(is_covered=found is not None) or found
    if found:
        _shown(found)


def _upload() -> Opened | None:
    """The file that the visitor has opened, or a place for one."""
    with st.container(border=True, key="run-box"):
        st.markdown("**A file**")
        found = of_upload()
        if found:
            opened("run", found.title, found.file)
        else:
            opener("run", "A run file (.safetensors)", open_upload)
            st.caption(
                "From *Take away* on any page, `rnnviz run -o`, `rv.save_run` or a training of "
                "your own. It stays in this server's memory while you look at it."
            )
        return found


def _folder(*, is_covered: bool) -> Opened | None:
    """The run that is chosen in the server's folder, unless a file is open."""
    with st.container(border=True, key="folder-box"):
        place = folder()
        if place is None:
            _without()
            return None
        st.markdown(f"**Folder** {escape(place.name)}")
        try:
            found = gallery()
        except ValueError as refused:
            st.error(escape(f"Not read: {refused}."))
            return None
        assert found
        _skipped(found)
        follows = _follow()
        if not found.heads:
            st.info("There is no run in it yet.")
            return None
        _listed(found.heads)
        if is_covered:
            st.caption("Close the file to see a run of the folder.")
            return None
        file = found.heads[0].file if follows else _choice(found.heads)
        return _opened(file)


def _without() -> None:
    st.markdown("**A folder, also while it is written**")
    st.markdown(
        "Started as `rnnviz app --runs FOLDER`, this page lists the runs of a folder and can "
        "follow the newest while your own PyTorch script trains:"
    )
    st.code(HOW, "python")


def _opened(file: str) -> Opened | None:
    try:
        return of_folder(file)
    except ValueError as refused:
        st.error(escape(f"Not opened: {refused}."))
        return None


def _skipped(found: Gallery) -> None:
    """What in the folder is no run, by name."""
    if found.skipped:
        with st.expander(f"{len(found.skipped)} files were left out", type="compact"):
            for sentence in found.skipped[:LISTED]:
                st.markdown(escape(sentence))
            if len(found.skipped) > LISTED:
                st.markdown(f"and {len(found.skipped) - LISTED} more")


def _follow() -> bool:
    """Whether the newest run is shown as it is written."""
    follows = st.toggle("Follow the newest", key="follow-newest", value=True)
    st.fragment(_watch, run_every=EVERY if follows else None)(newest_stamp())
    return follows


def _watch(seen: object) -> None:
    """Draw the page again where there is something newer than what it shows."""
    if newest_stamp() != seen:
        session.redraw()


def _listed(heads: tuple[Head, ...]) -> None:
    rows = [
        {
            "Run": one_line(head.name or head.file),
            "Cell": head.cells,
            "T": head.steps,
            "B": head.batch_size,
            "Written": head.written[:19].replace("T", " "),
            "Size": amount(head.nbytes),
        }
        for head in heads[:LISTED]
    ]
    more = f", the newest {LISTED}" if len(heads) > LISTED else ""
    table(pd.DataFrame(rows), f"{len(heads)} runs{more}")


def _choice(heads: tuple[Head, ...]) -> str:
    names = {head.file: f"{one_line(head.name)} · {one_line(head.file)}" for head in heads}
    if session.kept("run-file") not in names:
        session.keep("run-file", heads[0].file)
    session.show("run-choice", session.kept("run-file"))
    st.selectbox(
        "Run", [*names], format_func=names.__getitem__, key="run-choice", on_change=_chosen
    )
    file: str = session.kept("run-file")
    return file


def _chosen() -> None:
    session.keep("run-file", session.value("run-choice"))


def _shown(found: Opened) -> None:
    """The run as Explore shows one; its training above the menu, if it had one."""
    saved = found.saved
    with st.container(horizontal=True, vertical_alignment="center", key="run-head"):
        told = " · ".join(f"{name} {text}" for name, text in saved.provenance.items())
        st.markdown(f"**{escape(found.title)}**  \n:small[:gray[{escape(told[:300])}]]")
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
