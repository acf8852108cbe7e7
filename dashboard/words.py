"""What is said of a run: its verdict, its numbers, and what the checks of its gradient found.

Each is one element, whose ``data-words`` names it: a picture that follows a slider brings new ones.
"""

import html
import time
from collections.abc import Mapping

from dashboard.cards import cards
from dashboard.explored import Explored

MORE = "More: Check."
"""What stands behind the line of checks where there is a section for them."""
PASSED = {True: ("holds", "Holds."), False: ("fails", "Fails."), None: ("open", "Open.")}
"""A word with each colour, which says nothing to some."""


def following(explored: Explored, note: str) -> dict[str, str]:
    """What follows a slider, as HTML, by name, with a note, if any, in the evidence's place.

    The checks wait for the release: nothing is to be read off a gradient that has moved on.
    """
    return {"verdict": verdict(explored, note), "numbers": numbers(explored)}


def verdict(explored: Explored, note: str = "") -> str:
    """What the gradient does, and the evidence for it or a note on it."""
    found = explored.verdict
    kind, _, rest = found.sentence.partition(" ")
    evidence = html.escape(note or " · ".join(found.evidence))
    return (
        f"<div {_mark('verdict')} class='verdict-{found.kind}'><p><b>{html.escape(kind)}</b> "
        f"{html.escape(rest)}</p><p class='evidence'>{evidence}</p></div>"
    )


def numbers(explored: Explored) -> str:
    """A row of numbers, each with a label and what it means."""
    terms = "".join(
        f"<div><dt>{html.escape(label)}</dt><dd>{html.escape(value)}</dd>"
        f"<dd>{html.escape(meaning)}</dd></div>"
        for label, value, meaning in cards(explored)
    )
    return f"<dl {_mark('numbers')}>{terms}</dl>"


def health(runs: Mapping[str, Explored], more: str = "") -> str:
    """What the checks of each run's gradient found, by its name, and where there is more."""
    lines = "<br>".join(_line(name, explored) for name, explored in runs.items())
    behind = f" <span>{html.escape(more)}</span>" if more else ""
    return f"<p {_mark('health')}>{lines}{behind}</p>"


def _mark(name: str) -> str:
    """Names an element, and makes it a new one: the browser then forgets what followed a slider."""
    return f"data-words='{name}' data-turn='{time.time_ns()}'"


def _line(name: str, explored: Explored) -> str:
    found = explored.health
    kind, word = PASSED[found.passed]
    said = html.escape(f"{name}: {found.line}" if name else found.line)
    return f"<span class='{kind}'><b>{word}</b> {said}</span>"
