"""What each page has to take away: its settings, its pictures in either theme, its tables."""

import io
import tempfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import plotly.graph_objects as go

from dashboard import session
from dashboard.explored import Explored
from rnnviz import History, RunConfig, SweepConfig, run_bytes
from rnnviz.events import write_events
from rnnviz.export import to_frame, to_npz
from rnnviz.figures.theme import Theme
from rnnviz.takeaway import Comparison, Page, Saved, Training

ROWS_LIMIT = 2_000_000
"""The longest table that is offered as CSV, about 150 MB of text."""
RUN_FILE = "rnnviz-run.safetensors"

Draw = Callable[[Theme], Sequence[go.Figure]]
"""The pictures of a page in a theme."""


@dataclass(frozen=True)
class File:
    """A file that is made when its button is pressed."""

    label: str
    name: str
    mime: str
    make: Callable[[], str | bytes]


@dataclass(frozen=True)
class Taken:
    """A page as far as something of it can be taken away."""

    name: str
    """The stem of its files."""
    title: str
    page: Page
    draw: Draw
    verdict: str = ""
    files: tuple[File, ...] = ()
    """Beside those that every page has."""
    note: str = ""
    """On a file that is not offered."""


def of_run(explored: Explored, drawn: Sequence[go.Figure], again: Draw) -> Taken:
    """A run: its pictures as they are on screen, or drawn again, and its whole record."""
    record, config, loss = explored.record, explored.config, explored.loss
    rows = sum(layer.h.size for layer in record.layers)
    files = [
        run_file(lambda: run_bytes(record, config=config, loss=loss, name=explored.caption)),
        File(
            "Record as npz",
            "rnnviz-record.npz",
            "application/zip",
            lambda: to_npz(record, config),
        ),
    ]
    if rows <= ROWS_LIMIT:
        files.append(_csv("Record as CSV", "record", lambda: to_frame(record)))
    return Taken(
        name="run",
        title=explored.caption,
        page=config or Saved(RUN_FILE),
        draw=lambda theme: drawn if theme == session.theme() else again(theme),
        verdict=explored.verdict.sentence,
        files=tuple(files),
        note=f"The record has {rows:,} rows, too many for CSV: take the npz."
        if rows > ROWS_LIMIT
        else "",
    )


def run_file(make: Callable[[], bytes]) -> File:
    """A whole run in one file, which opens on Runs and in Python."""
    return File("Run file", RUN_FILE, "application/octet-stream", make)


def of_training(training: Training, history: History, title: str, draw: Draw) -> Taken:
    """A training: its pictures, and every step's numbers."""
    table = _csv("Every step as CSV", "training", history.to_frame)
    events = File(
        "TensorBoard events",
        "rnnviz-events.zip",
        "application/zip",
        lambda: _zipped(lambda folder: write_events(history, folder)),
    )
    return Taken("training", title, training, draw, files=(table, events))


def of_comparison(runs: Mapping[str, Explored], seeds: int, title: str, draw: Draw) -> Taken:
    """Several runs: their pictures, and the numbers of each."""
    configs = {name: explored.config for name, explored in runs.items()}
    compared = {name: config for name, config in configs.items() if isinstance(config, RunConfig)}
    told = "\n\n".join(f"{name}: {one.verdict.sentence}" for name, one in runs.items())
    table = _csv("Numbers as CSV", "comparison", lambda: _numbers(runs))
    return Taken("comparison", title, Comparison(compared, seeds), draw, told, (table,))


def of_sweep(config: SweepConfig, rows: pd.DataFrame, title: str, draw: Draw) -> Taken:
    """A sweep: its map, and its table."""
    table = _csv("Table as CSV", "sweep", lambda: rows)
    return Taken("sweep", title, config, draw, files=(table,))


def _numbers(runs: Mapping[str, Explored]) -> pd.DataFrame:
    frames = {name: explored.verdict.to_frame() for name, explored in runs.items()}
    return pd.concat(frames, names=["run"]).reset_index("run")


def _zipped(write: Callable[[Path], object]) -> bytes:
    """Everything that is written into a folder, which is gone afterwards."""
    packed = io.BytesIO()
    with tempfile.TemporaryDirectory(prefix="rnnviz-") as folder:
        write(Path(folder))
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(Path(folder).rglob("*")):
                archive.write(path, path.relative_to(folder))
    return packed.getvalue()


def _csv(label: str, name: str, table: Callable[[], pd.DataFrame]) -> File:
    return File(label, f"rnnviz-{name}.csv", "text/csv", lambda: table().to_csv(index=False))
