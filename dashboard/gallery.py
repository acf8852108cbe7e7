"""Runs in files: one that a visitor opens, and those of the folder that the server knows.

A page names a file of the folder by its place in what the server found there: no path comes from
a visitor.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

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

VARIABLE: Final = "RNNVIZ_RUNS"
"""In which the server finds its folder of runs."""


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


def folder() -> Path | None:
    """The folder of runs that the server was started with, if it was."""
    named = os.environ.get(VARIABLE, "")
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
    _keep("run", None, load_run(data, name), one_line(name))


def of_folder(file: str) -> Opened:
    """The run of a file of the folder, read again only where it has changed.

    Raises
    ------
    ValueError
        One sentence that names the file and the cause.
    """
    found = folder()
    assert found
    path = found / file
    try:
        stamp = path.stat()
        if stamp.st_size > OWN_RUN_LIMIT:
            raise ValueError(
                f"{one_line(file)} must be at most {amount(OWN_RUN_LIMIT)} to be shown here, got "
                f"{amount(stamp.st_size)}"
            )
        key = path, stamp.st_mtime_ns, stamp.st_size
        kept = brought("shown run")
        if kept is None or kept[0] != key:
            return _keep("shown run", key, load_run(path), one_line(file))
    except OSError as cause:
        raise ValueError(f"{one_line(file)} cannot be opened: {cause.strerror}") from None
    opened: Opened = kept[1]
    return opened


def of_upload() -> Opened | None:
    """The run of the file that this visitor has opened."""
    kept = brought("run")
    return kept[1] if kept else None


def _keep(slot: str, key: object, saved: SavedRun, file: str) -> Opened:
    size = _check(saved.record, file)
    explored = Explored(saved.record, saved.loss, told=_told(saved, file))
    opened = Opened(file, saved, explored)
    bring(slot, (key, opened), 2 * size)
    return opened


def _check(record: Record, file: str) -> int:
    """The bytes that a record takes, where it is not too much to look at."""
    size = network_bytes(record.network, record.steps, record.batch_size)
    if size > OWN_RUN_LIMIT:
        raise ValueError(
            f"the record in {file} must take at most {amount(OWN_RUN_LIMIT)} to be shown here, got "
            f"{amount(size)}"
        )
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
        trained = ", trained" if saved.history else ""
        return f"{name}{trained}: {caption(saved.config)}"
    cells = dict.fromkeys(layer.cell.title for layer in record.network.layers)
    size = record.network.layers[record.network.top].cell.hidden_size
    return (
        f"{name}: {', '.join(cells)}, H = {size}, T = {record.steps}, B = {record.batch_size} "
        f"· rnnviz 0.1"
    )
