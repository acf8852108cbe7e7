"""How much memory a visitor may ask the server for, in bytes."""

from typing import Final

RUN_LIMIT: Final = 128 << 20
"""The most that one record may take, on a page or at a training step."""
CACHE_LIMIT: Final = 384 << 20
"""The most that all kept records may take together."""
