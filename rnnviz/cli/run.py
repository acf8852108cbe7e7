"""``rnnviz run``: one pass and its gradients."""

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
from rnnviz.cli.told import print_run
from rnnviz.config import RunConfig
from rnnviz.export import to_frame, to_npz
from rnnviz.losses import Loss
from rnnviz.record import Record
from rnnviz.run import check_memory, check_outputs, draw, untrained
from rnnviz.runfile import save_run

ENDINGS = (".safetensors", ".npz", ".csv")


@click.command(
    "run", epilog=example("rnnviz run lstm-pytorch --set hidden_size=128 -o out.safetensors")
)
@takes_settings
@click.option(
    "-o",
    "--output",
    type=NEW_FILE,
    help="A .safetensors file of the whole run, which the app and rv.load_run open; its arrays as "
    ".npz; or every state and derivative as .csv.",
)
@json_option
def run_command(
    preset: str | None,
    config: Path | None,
    settings: tuple[str, ...],
    output: Path | None,
    as_json: bool,
) -> None:
    """Run an untrained network once, from PRESET or from the defaults, and judge its gradient."""
    check_output(output, ENDINGS)
    asked = config_of(preset, config, settings).run
    record, loss = recorded(asked)
    if output:
        _write(output, record, asked, loss)
    print_run(record, asked, {}, as_json=as_json)


def recorded(config: RunConfig) -> tuple[Record, Loss]:
    """What ``rv.run`` gives, and the loss that it was made with."""
    check_memory(config)
    check_outputs(config)
    batch = draw(config)
    loss = batch.loss(config.loss_at)
    return bptt(untrained(config), batch.x, loss), loss


def _write(path: Path, record: Record, config: RunConfig, loss: Loss) -> None:
    with written(path) as part:
        match path.suffix.lower():
            case ".npz":
                part.write_bytes(to_npz(record, config))
            case ".csv":
                to_frame(record).to_csv(part, index=False)
            case _:
                save_run(part, record, config=config, loss=loss)
