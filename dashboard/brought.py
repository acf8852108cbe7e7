"""What visitors bring: their weights, their data, and what was computed of them.

It is in the server's memory and nowhere else, each visitor finds only their own, and it is bounded
for all together: what was not asked for longest goes first.
"""

from threading import Lock
from typing import Any, Final

from cachetools import LRUCache

from dashboard import visitor
from dashboard.limits import BROUGHT_LIMIT

SLOTS: Final = ("weights", "data", "outputs", "result", "run")
"""What a visitor may have one of each of."""

_kept: LRUCache[tuple[str, str], tuple[Any, int]] = LRUCache(
    BROUGHT_LIMIT, getsizeof=lambda kept: kept[1]
)
_lock = Lock()


def bring(slot: str, what: object, nbytes: int) -> None:
    """Keep something of this visitor's in place of what was there.

    Raises
    ------
    ValueError
        If there is no such slot, or it is too large for all of them.
    """
    if slot not in SLOTS:
        raise ValueError(f"slot must be one of {', '.join(SLOTS)}, got {slot!r}")
    with _lock:
        _kept[visitor.token(), slot] = what, nbytes


def brought(slot: str) -> Any:
    """What this visitor brought; None where there is nothing, or it had to go."""
    with _lock:
        found = _kept.get((visitor.token(), slot))
    return None if found is None else found[0]


def drop(slot: str) -> None:
    """Keep it no longer."""
    with _lock:
        _kept.pop((visitor.token(), slot), None)
