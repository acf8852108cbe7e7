"""What a child process may take: less of the cores than the pages do, and so much memory."""

import os
import sys
from pathlib import Path
from typing import Final

from dashboard.limits import CHILD_BYTES

NICENESS: Final = 10
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
    resource.setrlimit(resource.RLIMIT_AS, (taken + CHILD_BYTES,) * 2)
