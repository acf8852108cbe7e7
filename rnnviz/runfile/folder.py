"""A folder of runs, which needs no index: the heads of its files."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from rnnviz.runfile.head import Head, read_head
from rnnviz.runfile.limits import ENDING, FILES, called


@dataclass(frozen=True, slots=True)
class Gallery:
    """The runs of a folder, newest first, and a sentence for each file that is none."""

    heads: tuple[Head, ...]
    skipped: tuple[str, ...]


def runs(folder: str | Path) -> Gallery:
    """What the run files of a folder say of themselves; of their arrays nothing is read.

    Raises
    ------
    ValueError
        If there is no such folder.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"{called(folder)} must be a folder")
    heads, skipped = [], []
    for path in newest(folder):
        try:
            found = path.stat()
            heads.append(_head_at(path, found.st_mtime_ns, found.st_size))
        except ValueError as cause:
            skipped.append(str(cause))
        except OSError as cause:
            skipped.append(f"{called(path)} cannot be opened: {cause.strerror}")
    return Gallery(tuple(heads), tuple(skipped))


@lru_cache(FILES)
def _head_at(path: Path, *_: int) -> Head:
    """A file's head, read again only where its time or its size has changed."""
    return read_head(path)


def newest(folder: Path) -> list[Path]:
    """The run files of a folder by their names' ending, the last written first."""
    found = []
    for path in folder.glob(f"*{ENDING}"):
        try:
            if path.is_file() and not path.name.startswith("."):
                found.append((path.stat().st_mtime_ns, path.name, path))
        except OSError:  # gone in the meantime
            continue
    return [path for *_, path in sorted(found, reverse=True)[:FILES]]
