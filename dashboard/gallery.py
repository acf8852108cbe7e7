"""Runs in files: one that a visitor opens, and those of the folder that the server knows.

A page names a file of the folder by its place in what the server found there: no path comes from
a visitor.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from cachetools import LRUCache

from dashboard.brought import bring, brought
from dashboard.explored import Explored
from dashboard.limits import OWN_RUN_LIMIT
from rnnviz import RunConfig, SavedRun, load_run, runs
from rnnviz.export import caption
from rnnviz.fields import bounds
from rnnviz.interop.limits import amount, one_line
from rnnviz.record import Record
from rnnviz.run import network_bytes
from rnnviz.runfile import Gallery, newest
from rnnviz.runfile.limits import FOLDER


@dataclass(frozen=True)
class Opened:
    """A run from a file, and what is asked of it."""

    file: str
    saved: SavedRun
    explored: Explored

    @property
    def title(self) -> str:
        """What it is called."""
        return one_line(self.saved.name) or self.file


_kept: LRUCache[object, tuple[Opened, int]] = LRUCache(2 * OWN_RUN_LIMIT, lambda kept: kept[1])
_lock = Lock()


def folder() -> Path | None:
    """The folder of runs that the server was started with, if it was."""
    named = os.environ.get(FOLDER, "")
    return Path(named) if named else None


def gallery() -> Gallery | None:
    """What is in the folder now; None where there is no folder."""
    found = folder()
    return runs(found) if found else None


def newest_stamp() -> object:
    """What tells when another file of the folder is the newest, or there is none any more."""
    found = folder()
    try:
        latest = newest(found)[:1] if found and found.is_dir() else []
        return [(path.name, path.stat().st_mtime_ns) for path in latest]
    except OSError:  # gone in the meantime
        return []


def open_upload(data: bytes, name: str) -> None:
    """Keep the run of an uploaded file, which is written nowhere.

    Raises
    ------
    ValueError
        One sentence that names the file and the cause.
    """
    bring("run", *_opened(load_run(data, name), one_line(name)))


def of_folder(file: str) -> Opened:
    """The run of a file of the folder, read anew where it has changed, and shared by all visitors.

    Raises
    ------
    ValueError
        One sentence that names the file and the cause.
    """
    found = folder()
    assert found
    path, name = found / file, one_line(file)
    try:
        stamp = path.stat()
        if stamp.st_size > OWN_RUN_LIMIT:
            raise ValueError(_too_large(name, stamp.st_size))
        key = path, stamp.st_mtime_ns, stamp.st_size
        with _lock:
            if key not in _kept:
                _kept[key] = _opened(load_run(path), name)
            return _kept[key][0]
    except OSError as cause:
        raise ValueError(f"{name} cannot be opened: {cause.strerror}") from None


def of_upload() -> Opened | None:
    """The run of the file that this visitor has opened."""
    found: Opened | None = brought("run")
    return found


def _opened(saved: SavedRun, file: str) -> tuple[Opened, int]:
    """A run to be looked at, and the bytes that it takes with what will be asked of it."""
    size = _check(saved.record, file)
    explored = Explored(saved.record, saved.loss, told=_told(saved, file))
    return Opened(file, saved, explored), 2 * size


def _too_large(file: str, size: int) -> str:
    return f"{file} must take at most {amount(OWN_RUN_LIMIT)} to be shown here, got {amount(size)}"


def _check(record: Record, file: str) -> int:
    """The bytes that a record takes, where it is not too much to look at."""
    size = network_bytes(record.network, record.steps, record.batch_size)
    if size > OWN_RUN_LIMIT:
        raise ValueError(_too_large(f"the record in {file}", size))
    hidden = max(layer.cell.hidden_size for layer in record.network.layers)
    for name, value in (
        ("steps", record.steps),
        ("batch_size", record.batch_size),
        ("hidden_size", hidden),
    ):
        _, most = bounds(RunConfig.model_fields[name])
        if value > most:
            raise ValueError(f"{name} in {file} must be at most {most:,}, got {value:,}")
    return size


def _told(saved: SavedRun, file: str) -> str:
    """What made a picture, in a line."""
    name, record = one_line(saved.name) or file, saved.record
    if saved.config:
        steps = len(saved.history.rows) if saved.history else 0
        trained = f", after {steps:,} steps of training" if steps else ""
        return f"{name}{trained}: {caption(saved.config)}"
    cells = dict.fromkeys(layer.cell.title for layer in record.network.layers)
    size = record.network.layers[record.network.top].cell.hidden_size
    return (
        f"{name}: {', '.join(cells)}, H = {size}, T = {record.steps}, B = {record.batch_size} "
        f"· rnnviz 0.1"
    )
