"""The runs that pages look at: computed when they are asked for, and kept while there is room."""

from dataclasses import replace
from threading import Event, Lock
from typing import Final

from cachetools import LRUCache

from dashboard.allowed import checked
from dashboard.aside import give_back, laid_aside
from dashboard.away import AWAY
from dashboard.explored import Explored, forget_answers
from dashboard.limits import CACHE_LIMIT, INLINE_SECONDS, LARGE, LARGE_LIMIT, RUN_LIMIT
from dashboard.stop import Telling
from rnnviz import Record, RunConfig, bptt, draw, run
from rnnviz.cost import Cost
from rnnviz.run import record_bytes, untrained


def _size(explored: Explored) -> int:
    return record_bytes(explored.settings)


_kept: LRUCache[RunConfig, Explored] = LRUCache(CACHE_LIMIT, getsizeof=_size)
_large: LRUCache[RunConfig, Explored] = LRUCache(LARGE_LIMIT, getsizeof=_size)
_lock = Lock()
_is_read: Final = Event()
"""Whether a large record was, since memory was handed back."""


def forget() -> None:
    """Let go of every run that is kept, and of idle processes: what is asked for is made again."""
    with _lock:
        _kept.clear()
        _large.clear()
    forget_answers()
    AWAY.rest()


def rest() -> None:
    """Hand back the memory that a page has read large records into; due when it is drawn."""
    if _is_read.is_set():
        _is_read.clear()
        give_back()


def explore(config: RunConfig) -> Explored:
    """The run that a config describes, computed unless it is still kept.

    What is kept is shared between visitors, read-only, and bounded in bytes. A long run is
    computed in another process; the page's visitor is told, and may have to wait for its turn.

    Raises
    ------
    ValueError
        If the run would take too much memory or time, or the task cannot be drawn so.
    """
    is_large = record_bytes(config) > LARGE
    kept = _large if is_large else _kept
    if is_large:
        _is_read.set()
    with _lock:
        found = kept.get(config)
    if found is None:
        found = _run(config)
        if is_large:
            found = replace(found, record=laid_aside(found.record))
        with _lock:
            kept[config] = found
    return found


def _run(config: RunConfig) -> Explored:
    """What ``rnnviz.run`` does, with its loss kept."""
    cost, batch = checked(config), draw(config)
    loss = batch.loss(config.loss_at)
    if cost.seconds > INLINE_SECONDS:
        return Explored(_away(config, cost), loss, config)
    return Explored(bptt(untrained(config), batch.x, loss), loss, config)


def computed(config: RunConfig) -> Record:
    """A run that is not kept, with the errors of ``explore``."""
    cost = checked(config)
    return _away(config, cost) if cost.seconds > INLINE_SECONDS else run(config, RUN_LIMIT)


def _away(config: RunConfig, cost: Cost) -> Record:
    return AWAY.run(config, Telling(f"This run takes about {cost.seconds:,.1f} s"))
