"""What a page computes ends when its visitor has moved on, stopped it, or closed the tab.

Streamlit ends a script only where it calls something of Streamlit's, which a loop over arrays never
does: so such loops ask here.
"""

import threading
import time
from typing import Final

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from rnnviz.stopping import asked_everywhere

EVERY: Final = 0.05
"""Seconds between two looks."""


class _Looked(threading.local):
    at = 0.0


_looked = _Looked()


def go_on() -> None:
    """Nothing, or Streamlit's own way to end a script whose page is asked for anew or is gone.

    Outside a page's script nothing is looked for.
    """
    now = time.monotonic()
    if now < _looked.at + EVERY:
        return
    _looked.at = now
    if get_script_run_ctx(suppress_warning=True) is not None:
        st.session_state.get("state")  # it is here that Streamlit ends a script


asked_everywhere(go_on)


class Telling:
    """Tells the page's visitor how far a run is that they wait for, where there is a page."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._said: int | None = None

    def __call__(self, position: int) -> None:
        """Tell the place in the queue, 1 for the next to start, if it is new; 0 if it runs."""
        is_new = position != self._said and (position or self._said is None)
        if not is_new or get_script_run_ctx(suppress_warning=True) is None:
            return
        self._said = position
        where = f", and waits at place {position} of the queue" if position else ""
        st.toast(f"{self._what}{where}.")
