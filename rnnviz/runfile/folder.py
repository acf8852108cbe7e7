"""A folder of runs, which needs no index: the heads of its files."""

from dataclasses import dataclass
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
            heads.append(read_head(path))
        except ValueError as cause:
            skipped.append(str(cause))
        except OSError as cause:
            skipped.append(f"{called(path)} cannot be opened: {cause.strerror}")
    return Gallery(tuple(heads), tuple(skipped))


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
