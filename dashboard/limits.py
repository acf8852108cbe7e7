"""How much memory a visitor may ask the server for, in bytes."""

from typing import Final

RUN_LIMIT: Final = 128 << 20
"""The most that one record may take, on a page or at a training step."""
CACHE_LIMIT: Final = 384 << 20
"""The most that all kept records may take together."""
PATIENCE: Final = 1.5
"""Seconds that a section of a page may take; what would take longer is shown in a smaller form."""
PASSES: Final = 1e10
"""Multiplications a second of forward and backward passes, on one core."""
