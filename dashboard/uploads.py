"""Files that a visitor opens: read at once, and their bytes forgotten."""

from collections.abc import Callable

import streamlit as st
from streamlit.runtime.uploaded_file_manager import DeletedFile

from dashboard import session
from dashboard.brought import drop
from dashboard.frame import escape

Read = Callable[[bytes, str], None]
"""Takes what is in a file, and the name it has, or says in a ``ValueError`` why not."""


def opener(slot: str, label: str, read: Read) -> None:
    """A place for a file, with the sentence that refuses the last one, if one does.

    Any file may be put there: what it is not is said in our words, and not in a trace.
    """
    number = session.kept(f"{slot}-uploads", 0)
    st.file_uploader(
        label,
        key=f"{slot}-{number}",
        on_change=_opened,
        args=(slot, number, read),
    )
    if refused := session.kept(f"{slot}-refused"):
        st.error(escape(f"Not opened: {refused}."))


def opened(slot: str, name: str, what: str) -> None:
    """The name of what is open, and a way to close it."""
    with st.container(horizontal=True, vertical_alignment="center", key=f"{slot}-opened"):
        st.markdown(f"**{escape(name)}**  \n:small[:gray[{escape(what)}]]")
        st.button("Close", key=f"{slot}-close", type="tertiary", on_click=drop, args=(slot,))


def tried(slot: str, read: Read, data: bytes, name: str) -> None:
    """Read a file, and keep the sentence where it is refused."""
    session.keep(f"{slot}-refused", None)
    try:
        read(data, name)
    except ValueError as refused:
        session.keep(f"{slot}-refused", str(refused).rstrip("."))


def _opened(slot: str, number: int, read: Read) -> None:
    """Take the file from the widget, and put an empty one in its place."""
    file = session.value(f"{slot}-{number}")
    if file is None or isinstance(file, DeletedFile):  # it waited too long, or never came
        return
    session.keep(f"{slot}-uploads", number + 1)
    tried(slot, read, file.getvalue(), file.name)
    session.forget_upload(file.file_id)
