"""The page of a run, of a training or of a run file, with the pictures that say the most."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import plotly.graph_objects as go

from rnnviz import diagnostics, figures
from rnnviz.cells.vanilla import Vanilla
from rnnviz.cli.run import recorded
from rnnviz.cli.train import trained
from rnnviz.config import RunConfig, TrainConfig
from rnnviz.export import caption
from rnnviz.history import History
from rnnviz.record import Record
from rnnviz.runfile import load_run
from rnnviz.takeaway import Saved, Training, as_html
from rnnviz.train import baseline

LONGEST = 1_000
"""Steps up to which the gradient of every step's loss is in the page: a number for each pair."""
Theme = Literal["light", "dark"]


def of_run(config: RunConfig, theme: Theme) -> str:
    """The page of an untrained network's run."""
    record, _ = recorded(config)
    told = caption(config)
    verdict = diagnostics.verdict(record, config=config)
    return as_html(config, [*_pictures(record, theme, told)], told, verdict.sentence)


def of_training(config: TrainConfig, theme: Theme) -> str:
    """The page of a whole training."""
    history, last = trained(config)
    told = caption(config)
    drawn = [*_of_history(history, theme, told, config)]
    verdict = last.fault or last.reached or ""
    went = Training(((0, config),), len(history.rows))
    return as_html(went, drawn, told, verdict)


def of_file(path: Path, theme: Theme) -> str:
    """The page of a run file."""
    saved = load_run(path)
    config = saved.config
    told = caption(config) if config else saved.name or path.name
    drawn = [*_pictures(saved.record, theme, told)]
    if saved.history:
        drawn += _of_history(saved.history, theme, told, config)
    verdict = diagnostics.verdict(saved.record, config=config)
    page = Saved(path.name, _made(config, saved.history))
    return as_html(page, drawn, told, verdict.sentence)


def _made(config: RunConfig | None, history: History | None) -> RunConfig | Training | None:
    """What a file says that its run came from."""
    if isinstance(config, TrainConfig) and history:
        return Training(((0, config),), len(history.rows))
    return config.run if isinstance(config, TrainConfig) else config


def _pictures(record: Record, theme: Theme, told: str) -> Iterator[go.Figure]:
    flow = diagnostics.gradient_flow(record, "last")
    spectrum = diagnostics.eigenvalues(record.network)
    vanilla = all(isinstance(layer.cell, Vanilla) for layer in record.network.layers)
    total = diagnostics.gradient_flow(record, "total") if record.dy[:-1].any() else None
    yield figures.time_panel(
        record,
        flow,
        total=total,
        spectrum=spectrum if vanilla else None,
        theme=theme,
        caption=told,
    )
    yield figures.eigenvalues(spectrum, theme=theme, caption=told)
    forward = not any(layer.reverse for layer in record.network.layers)
    if forward and record.steps <= LONGEST:
        yield figures.itemized(diagnostics.itemized(record), theme=theme, caption=told)
    top = record.network.layers[record.network.top].cell
    if type(top).gate_names:
        yield figures.gates(diagnostics.gates(record), theme=theme, caption=told)
    yield figures.weights(record.network, theme=theme, caption=told)


def _of_history(
    history: History, theme: Theme, told: str, config: RunConfig | None
) -> Iterator[go.Figure]:
    floor = baseline(config) if isinstance(config, TrainConfig) else None
    yield figures.loss_curve(history, baseline=floor, theme=theme, caption=told)
    clip_by = config.clip_by if isinstance(config, TrainConfig) else "norm"
    yield figures.gradient_norm(history, clip_by=clip_by, theme=theme, caption=told)
    if history.moments:
        yield figures.gradient_map(history, theme=theme, caption=told)
    yield figures.update_ratios(history, theme=theme, caption=told)
