"""What who serves the app may set in the environment: its names, and how many may come."""

import os
from collections.abc import Mapping
from typing import Final

from dashboard.limits import SESSIONS

HOSTS: Final = "RNNVIZ_HOSTS"
"""Names that the server is reached by, such as ``rnn.example.org,*.example.net``."""
MOST_SESSIONS: Final = "RNNVIZ_SESSIONS"
"""How many pages may be open at once, where it is not ``SESSIONS``."""


def hosts(environment: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """The names beside ``localhost`` and plain addresses that a request may be sent to."""
    names = (name.strip().lower() for name in environment.get(HOSTS, "").split(","))
    return tuple(name for name in names if name)


def sessions(environment: Mapping[str, str] = os.environ) -> int:
    """How many pages may be open at once.

    Raises
    ------
    ValueError
        Where the environment asks for what is no number from 1 to 1000.
    """
    said = environment.get(MOST_SESSIONS, "").strip()
    if not said:
        return SESSIONS
    if not (said.isascii() and said.isdigit() and 1 <= int(said[:5]) <= 1000):
        raise ValueError(f"{MOST_SESSIONS} must be a number from 1 to 1000, got {said[:60]!r}")
    return int(said)
