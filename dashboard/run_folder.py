"""Runs, the folder: what is in it, which run of it is shown, and whether the newest is followed."""

from collections.abc import Sequence
from typing import Final

import pandas as pd
import streamlit as st

from dashboard import session
from dashboard.frame import escape, figure_of
from dashboard.gallery import Opened, folder, gallery, newest_stamp, of_folder
from dashboard.own_weights import table
from rnnviz.interop.limits import amount, one_line
from rnnviz.runfile import Gallery, Head

EVERY: Final = 2.0
"""Seconds between two looks into the folder that is followed."""
LISTED: Final = 8
"""Runs of the folder that stand in the table; all are in the choice."""
HOW: Final = """\
from rnnviz.interop.pytorch import Callback

# before the loop
watch = Callback("runs", every=100)
# in it, at every step
watch(model, x, lambda y: loss(y, target))"""


def choose_run(*, is_covered: bool) -> Opened | None:
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
        follows = _follow()
        _skipped(found)
        if not found.heads:
            st.info("There is no run in it yet.")
            return None
        return _chosen(found.heads, follows=follows, is_covered=is_covered)


def _chosen(heads: Sequence[Head], *, follows: bool, is_covered: bool) -> Opened | None:
    at = 0 if follows else _place(heads)
    _listed(heads, None if is_covered else at)
    if is_covered:
        st.caption("Close the file to see a run of the folder.")
        return None
    if not follows:
        _choice(heads, at)
    try:
        return of_folder(heads[at].file)
    except ValueError as refused:
        st.error(escape(f"Not opened: {refused}."))
        return None


def _without() -> None:
    st.markdown("**A folder, also while it is written**")
    st.markdown(
        "Started as `rnnviz app --runs FOLDER`, this page lists the runs of a folder and can "
        "follow the newest while your own PyTorch script trains:"
    )
    st.code(HOW, "python", wrap_lines=True)


def _skipped(found: Gallery) -> None:
    """What in the folder is no run, by name."""
    count = len(found.skipped)
    if not count:
        return
    said = "One file is no run" if count == 1 else f"{count:,} files are no runs"
    with st.expander(said, type="compact"):
        for sentence in found.skipped[:LISTED]:
            st.markdown(escape(sentence))
        if count > LISTED:
            st.markdown(f"and {count - LISTED:,} more")


def _follow() -> bool:
    """Whether the newest run is shown as it is written."""
    follows = st.toggle("Follow the newest", key="follow-newest", value=True)
    st.fragment(_watch, run_every=EVERY if follows else None)(newest_stamp())
    return follows


def _watch(seen: object) -> None:
    """Draw the page again where there is something newer than what it shows."""
    if newest_stamp() != seen:
        session.redraw()


def _listed(heads: Sequence[Head], at: int | None) -> None:
    """A table of the runs around the one that is shown, which has an arrow."""
    first = 0 if at is None else max(0, min(at - LISTED // 2, len(heads) - LISTED))
    rows = [
        {
            "Run": f"→\N{NO-BREAK SPACE}{_name(head)}" if n == at else _name(head),
            "Loss": "not told" if head.loss is None else figure_of(head.loss),
            "Cell": head.cells,
            "T": head.steps,
            "B": head.batch_size,
            "Written (UTC)": head.written[:19].replace("T", " "),
            "Size": amount(head.nbytes),
        }
        for n, head in enumerate(heads[first : first + LISTED], first)
    ]
    runs = "1 run" if len(heads) == 1 else f"{len(heads):,} runs, the newest first"
    more = f": {first + 1:,} to {first + len(rows):,}" if len(heads) > LISTED else ""
    table(pd.DataFrame(rows), f"{runs}{more}")


def _place(heads: Sequence[Head]) -> int:
    """Where the run that was chosen stands; the newest where it is gone."""
    chosen = session.kept("run-file")
    return next((n for n, head in enumerate(heads) if head.file == chosen), 0)


def _choice(heads: Sequence[Head], at: int) -> None:
    """All runs of the folder, and a step to either side."""
    names = {head.file: _name(head) for head in heads}
    session.show("run-choice", heads[at].file)
    with st.container(horizontal=True, vertical_alignment="bottom", key="run-steps"):
        st.selectbox(
            "Run", [*names], format_func=names.__getitem__, key="run-choice", on_change=_took
        )
        for label, other in (("Older", at + 1), ("Newer", at - 1)):
            there = 0 <= other < len(heads)
            file = heads[other].file if there else ""
            st.button(label, key=f"run-{label}", disabled=not there, on_click=_take, args=(file,))


def _took() -> None:
    _take(session.value("run-choice"))


def _take(file: str) -> None:
    session.keep("run-file", file)


def _name(head: Head) -> str:
    """A run's name, and its file's where that says more."""
    name, file = one_line(head.name).strip(), one_line(head.file)
    return f"{name} · {file}" if name and head.provenance.get("step") is None else name or file
