"""Whether the gradient that is drawn is one: a line under its picture."""

from collections.abc import Mapping

import streamlit as st

from dashboard.explored import Explored
from dashboard.frame import escape

_WORDS = {True: ("green", "Holds."), False: ("red", "Fails."), None: ("gray", "Open.")}
"""A word with each colour, which says nothing to some."""


def told(passed: bool | None, sentence: str) -> str:
    """What a check found, as Markdown: a coloured word and a sentence."""
    colour, word = _WORDS[passed]
    return f":{colour}[**{word}**] {escape(sentence)}"


def health_line(runs: Mapping[str, Explored], more: str = "") -> None:
    """What the checks of each run's gradient found, by its name, and where there is more."""
    lines = [_line(name, explored) for name, explored in runs.items()]
    with st.container(key="health"):
        st.markdown("  \n".join(lines) + (f" :gray[{escape(more)}]" if more else ""))


def _line(name: str, explored: Explored) -> str:
    found = explored.health
    colour, word = _WORDS[found.passed]
    said = escape(f"{name}: {found.line}" if name else found.line)
    return f":{colour}[**{word}** {said}]"
