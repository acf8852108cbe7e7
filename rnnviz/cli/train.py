"""``rnnviz train``: a network's training, step by step."""

import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import click

from rnnviz.bptt import bptt
from rnnviz.cli.beside import written
from rnnviz.cli.settings import (
    NEW_FILE,
    check_output,
    config_of,
    example,
    json_option,
    takes_settings,
)
from rnnviz.cli.told import print_json, print_rows
from rnnviz.config import TrainConfig
from rnnviz.events import check_empty, write_events
from rnnviz.history import History
from rnnviz.run import draw
from rnnviz.runfile import save_run
from rnnviz.train import baseline, train
from rnnviz.train_step import TrainStep

ENDINGS = (".safetensors", ".csv")


@click.command(
    "train", epilog=example("rnnviz train irnn-adding --set iterations=200 -o trained.safetensors")
)
@takes_settings
@click.option(
    "-o",
    "--output",
    type=NEW_FILE,
    help="A .safetensors file of the trained network's run on a held-out batch, with every moment "
    "of its training; or every step's numbers as .csv.",
)
@click.option(
    "--events",
    type=click.Path(file_okay=False, path_type=Path),
    help="A folder for TensorBoard's event files.",
)
@json_option
def train_command(
    preset: str | None,
    config: Path | None,
    settings: tuple[str, ...],
    output: Path | None,
    events: Path | None,
    as_json: bool,
) -> None:
    """Train a network, from PRESET or from the defaults; Ctrl-C ends it early."""
    check_output(output, ENDINGS)
    if events:
        check_empty(events)
    asked = config_of(preset, config, settings)
    history, last = trained(asked)
    if output:
        _write(output, asked, history, last)
    if events:
        write_events(history, events)
    _print(asked, history, last, as_json=as_json)


def trained(config: TrainConfig) -> tuple[History, TrainStep]:
    """Every number and moment of a training, and its last step; a bar shows how far it is."""
    steps = train(config)
    with click.progressbar(
        length=config.iterations,
        file=sys.stderr,
        label="Training",
        item_show_func=_shown,
    ) as bar:
        seen: list[TrainStep] = []
        history = History.collect(_watched(steps, seen, bar.update))
    return history, seen[0]


def _shown(step: TrainStep | None) -> str | None:
    return f"loss {step.loss:.4g}" if step else None


def _watched(
    steps: Iterable[TrainStep], seen: list[TrainStep], update: Callable[[int, TrainStep], None]
) -> Iterator[TrainStep]:
    """The same steps, of which the latest is in ``seen``; Ctrl-C ends them, and nothing is lost."""
    try:
        for step in steps:
            seen[:] = [step]
            update(1, step)
            yield step
    except KeyboardInterrupt:
        if not seen:
            raise
        click.echo("\nStopped: what was trained until here is kept.", err=True)


def _write(path: Path, config: TrainConfig, history: History, last: TrainStep) -> None:
    if path.suffix.lower() == ".csv":
        with written(path) as part:
            history.to_frame().to_csv(part, index=False)
        return
    batch = draw(config, "validation")
    loss = batch.loss(config.loss_at)
    record = bptt(last.network, batch.x, loss)
    with written(path) as part:
        save_run(part, record, config=config, loss=loss, history=history)


def _print(config: TrainConfig, history: History, last: TrainStep, *, as_json: bool) -> None:
    ended = {"fault": last.fault, "reached": last.reached}
    if as_json:
        columns = {name: history.column(name) for name in history.columns}
        told = {"baseline": baseline(config), **ended, "history": columns}
        print_json({**told, "config": config.model_dump()})
        return
    held_out = last.validation_loss
    rows = {
        "steps": f"{len(history.rows):,}",
        "loss before the last step": last.loss,
        "held-out loss": "not taken" if held_out is None else held_out,
        "by ignoring the past": baseline(config),
        "gradient norm": last.grad_norm,
    }
    print_rows(rows)
    for sentence in filter(None, ended.values()):
        click.echo(sentence)
