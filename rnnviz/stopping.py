"""Long work is ended from without: its loops ask, every so often, whether anybody still waits."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

__all__ = ["PIECE", "asked_everywhere", "asking", "breathe"]

Ask = Callable[[], object]
"""Returns where the work is to go on, and raises what ends it where it is not."""

PIECE: Final = 256
"""Steps of a loop over time that are taken between two questions, at the most."""

_asked: ContextVar[Ask | None] = ContextVar("asked", default=None)
_everywhere: list[Ask] = []


def breathe() -> None:
    """Ask whoever waits whether to go on; nobody does, unless somebody has said so."""
    if (ask := _asked.get()) is not None:
        ask()
    for ask in _everywhere:
        ask()


@contextmanager
def asking(ask: Ask) -> Iterator[None]:
    """A context in which long work asks this, many times a second; what it raises ends the work.

    Examples
    --------
    >>> import rnnviz as rv
    >>> def no_longer():
    ...     raise TimeoutError("nobody waits")
    >>> with asking(no_longer):
    ...     rv.run(rv.RunConfig())
    Traceback (most recent call last):
    TimeoutError: nobody waits
    """
    token = _asked.set(ask)
    try:
        yield
    finally:
        _asked.reset(token)


def asked_everywhere(ask: Ask) -> None:
    """Have all long work of this process ask this, whatever thread it is in."""
    if ask not in _everywhere:
        _everywhere.append(ask)
