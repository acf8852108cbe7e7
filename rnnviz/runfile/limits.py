"""What a run file may ask for, and how it is called; sizes are in bytes."""

from pathlib import PurePath
from typing import Final

FOLDER: Final = "RNNVIZ_RUNS"
"""The variable in which the app finds its folder of runs."""
ENDING: Final = ".safetensors"
FORMAT: Final = "rnnviz-run"
VERSION: Final = 1
"""Of the format: raised when a file could not be read by what came before."""
FILE_BYTES: Final = 1 << 30
"""The largest run file: as much as a record may take."""
HEADER_BYTES: Final = 2 << 20
ARRAYS: Final = 4096
NAME_CHARACTERS: Final = 1000
"""The longest name of a run, which is text and no path."""
SHOWN: Final = 80
"""How much of what a stranger wrote is shown."""
SENTENCE: Final = 300
"""How much is shown of a sentence that may quote it."""
FILES: Final = 1000
"""The most files of a folder that are looked into: the newest."""


def short(text: object, most: int = SHOWN) -> str:
    """What a stranger wrote, on one line and not for ever.

    Examples
    --------
    >>> short(chr(7)) == chr(0xFFFD), len(short("a" * 200))
    (True, 80)
    """
    clean = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(text))
    return clean if len(clean) <= most else clean[: most - 1] + "…"


def called(path: object) -> str:
    """A file's name as it is shown: without its folders."""
    return short(PurePath(str(path)).name) or "the file"
