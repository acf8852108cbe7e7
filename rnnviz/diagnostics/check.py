"""What one check of a gradient says: a number, what it may be, and a sentence."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """One check of a gradient."""

    name: str
    passed: bool | None
    """None where there is nothing to judge, or nothing to judge it by; the sentence says why."""
    number: float
    """What was measured; NaN where nothing was."""
    allowed: float
    """What the number may be at most."""
    sentence: str
    brief: str = ""
    """The number in a few words, for a line of several checks; none where nothing was measured."""


def open_question(name: str, why: str, number: float = float("nan"), brief: str = "") -> Check:
    """A check that cannot be made, and why."""
    return Check(name, None, number, float("nan"), why, brief)


def worst(checks: Sequence[Check]) -> Check:
    """Of the same check of several layers, the one that says most: a failure, or what is nearest.

    One that could not be made counts only where none could.
    """
    judged = [check for check in checks if check.passed is not None]
    if not judged:
        return checks[0]
    return max(judged, key=lambda check: (not check.passed, check.number / check.allowed))
