"""Memory that glibc keeps of what was freed; any other C library is left to itself."""

import ctypes
import sys
from typing import Any, Final

ARENAS: Final = 2
"""How many heaps all threads share; by default eight for each core, and each keeps its holes."""
M_ARENA_MAX: Final = -8
"""The name of that in ``mallopt``."""


def share() -> None:
    """Have threads that come from now on share a few heaps: a third of a busy server's memory."""
    if mallopt := _glibc("mallopt"):
        mallopt(M_ARENA_MAX, ARENAS)


def trim() -> None:
    """Hand what is free back to the system."""
    if malloc_trim := _glibc("malloc_trim"):
        malloc_trim(0)


def _glibc(name: str) -> Any:
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
