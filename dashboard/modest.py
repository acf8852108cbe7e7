"""What a child process may take: less of the cores than the pages do, and so much memory."""

import os
import sys
from pathlib import Path
from typing import Final

from dashboard.limits import CHILD_BYTES

NICENESS: Final = 10
SHORT: Final = "there is not enough memory for it: lower the hidden size, the length or the batch"
SIZE: Final = Path("/proc/self/statm")
"""How many pages of addresses a process has, where the system tells it (Linux)."""


def modest() -> None:
    """Give way to the pages, and run out of memory before the machine does."""
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    if sys.platform == "win32" or not SIZE.exists():
        return
    import resource

    # Libraries take addresses for each core, and use few of them: only what comes is bounded.
    taken = int(SIZE.read_text().split()[0]) * resource.getpagesize()
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    bound = taken + CHILD_BYTES
    bound = bound if most == resource.RLIM_INFINITY else min(bound, most)
    resource.setrlimit(resource.RLIMIT_AS, (bound, bound))


def why(error: ValueError | MemoryError) -> str:
    """The sentence on what could not be computed; NumPy's own on memory is about one array."""
    return SHORT if isinstance(error, MemoryError) else str(error)
