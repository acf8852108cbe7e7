"""What is said of a run: its verdict, its numbers, and what the checks of its gradient found.

Each is one element, whose ``data-words`` names it: a picture that follows a slider brings new ones.
"""

import html
from collections.abc import Mapping

from dashboard.cards import cards
from dashboard.explored import Explored

PASSED = {True: ("holds", "Holds."), False: ("fails", "Fails."), None: ("open", "Open.")}
"""A word with each colour, which says nothing to some."""


def words(explored: Explored, more: str) -> dict[str, str]:
    """All of it as HTML, by name; ``more`` stands behind what the checks found."""
    return {
        "verdict": verdict(explored),
        "numbers": numbers(explored),
        "health": health({"": explored}, more),
    }


def verdict(explored: Explored) -> str:
    """What the gradient does, and the evidence for it."""
    found = explored.verdict
    kind, _, rest = found.sentence.partition(" ")
    evidence = html.escape(" · ".join(found.evidence))
    return (
        f"<div data-words='verdict' class='verdict-{found.kind}'><p><b>{html.escape(kind)}</b> "
        f"{html.escape(rest)}</p><p class='evidence'>{evidence}</p></div>"
    )


def numbers(explored: Explored) -> str:
    """A row of numbers, each with a label and what it means."""
    terms = "".join(
        f"<div><dt>{html.escape(label)}</dt><dd>{html.escape(value)}</dd>"
        f"<dd>{html.escape(meaning)}</dd></div>"
        for label, value, meaning in cards(explored)
    )
    return f"<dl data-words='numbers'>{terms}</dl>"


def health(runs: Mapping[str, Explored], more: str = "") -> str:
    """What the checks of each run's gradient found, by its name, and where there is more."""
    lines = "<br>".join(_line(name, explored) for name, explored in runs.items())
    behind = f" <span>{html.escape(more)}</span>" if more else ""
    return f"<p data-words='health'>{lines}{behind}</p>"


def _line(name: str, explored: Explored) -> str:
    found = explored.health
    kind, word = PASSED[found.passed]
    said = html.escape(f"{name}: {found.line}" if name else found.line)
    return f"<span class='{kind}'><b>{word}</b> {said}</span>"
