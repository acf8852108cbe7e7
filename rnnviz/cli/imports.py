"""``rnnviz import``: weights from elsewhere, recognised, compared and run."""

from pathlib import Path
from typing import Any

import click
import numpy as np

from rnnviz.arrays import Array
from rnnviz.bptt import bptt
from rnnviz.cli.beside import written
from rnnviz.cli.settings import FILE, NEW_FILE, check_output, example, json_option, pair
from rnnviz.cli.told import print_rows, print_run
from rnnviz.interop import Parity, Recognised, parity, probe, read_arrays, recognise, suggest
from rnnviz.interop.limits import check_bytes, one_line, shown
from rnnviz.losses import MSE
from rnnviz.network import Network
from rnnviz.runfile import save_run

ENDINGS = (".safetensors",)


@click.command(
    "import",
    epilog=example(
        "rnnviz import weights.safetensors --probe probe.npz",
        "rnnviz import weights.safetensors --outputs outputs.npz -o run.safetensors",
    ),
)
@click.argument("file", type=FILE)
@click.option(
    "--as",
    "corrections",
    multiple=True,
    metavar="NAME=VALUE",
    help="A correction of what was recognised: cell=relu, gates='z r n', directions=forward.",
)
@click.option("--steps", type=click.IntRange(1, 10_000), default=20, show_default=True)
@click.option("--batch-size", type=click.IntRange(1, 512), default=4, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--probe", "probe_file", type=NEW_FILE, help="Write the inputs, x in an .npz file.")
@click.option("--outputs", type=FILE, help="What the model itself gave: y in an .npz file.")
@click.option("-o", "--output", type=NEW_FILE, help="A run file of the pass over the inputs.")
@json_option
def import_command(
    file: Path,
    corrections: tuple[str, ...],
    steps: int,
    batch_size: int,
    seed: int,
    probe_file: Path | None,
    outputs: Path | None,
    output: Path | None,
    as_json: bool,
) -> None:
    """Read weights of PyTorch, Keras, Flax or rnnviz from FILE, and run them on random inputs.

    What is recognised is said, and can be corrected. The loss is the mean square of the outputs at
    the last step.
    """
    check_output(output, ENDINGS)
    check_output(probe_file, (".npz",))
    arrays = _arrays(file)
    asked: dict[str, Any] = dict(pair(text, "--as") for text in corrections)
    found, network = _recognised(arrays, asked, file)
    x = probe(network, steps, batch_size, seed)
    if probe_file:
        with written(probe_file) as part:
            np.savez(part, x=x)
    y = _outputs(outputs) if outputs else None
    compared = None if y is None else parity(network, x, y)
    better = suggest(arrays, x, y, **asked) if y is not None and _differs(compared) else {}
    if not as_json:
        _print(found, compared, better)
    record = bptt(network, x, loss := _loss(network, x))
    if output:
        with written(output) as part:
            save_run(part, record, loss=loss, name=file.name)
    print_run(record, None, _told(found, compared, better), as_json=as_json)


def _arrays(file: Path) -> dict[str, Array]:
    check_bytes(file.stat().st_size, file.name)
    return read_arrays(file.read_bytes(), file.name)


def _recognised(
    arrays: dict[str, Array], asked: dict[str, Any], file: Path
) -> tuple[Recognised, Network]:
    try:
        found = recognise(arrays, **asked)
        return found, found.network()
    except ValueError as refused:
        raise ValueError(f"{shown(file.name)}: {refused}") from None


def _outputs(file: Path) -> Array:
    """The array y, or the only one."""
    arrays = _arrays(file)
    name = "y" if "y" in arrays else next(iter(arrays))
    if name != "y" and len(arrays) > 1:
        raise ValueError(f"{shown(file.name)} must hold an array y, got {len(arrays)} others")
    return arrays[name]


def _loss(network: Network, x: Array) -> MSE:
    T, B = x.shape[:2]
    mask = np.zeros((T, B), bool)
    mask[-1] = True
    return MSE(np.zeros((T, B, network.output_size), x.dtype), mask)


def _differs(compared: Parity | None) -> bool:
    return compared is not None and compared.precision is None


def _print(found: Recognised, compared: Parity | None, better: dict[str, str]) -> None:
    frame = found.to_frame()
    print_rows(dict(zip(frame["what"], frame["value"], strict=True)))
    for name, options in found.choices.items():
        if len(options) > 1:
            click.echo(f"--as {name}= could be: {', '.join(map(repr, options))}")
    for note in found.notes:
        click.echo(note)
    if found.unused:
        click.echo(f"not used: {', '.join(one_line(name) for name in found.unused)}")
    if compared:
        click.echo(f"\n{compared}")
    if better:
        words = " ".join(f"--as {name}={value!r}" for name, value in better.items())
        click.echo(f"With {words} the outputs agree.")
    click.echo()


def _told(found: Recognised, compared: Parity | None, better: dict[str, str]) -> dict[str, Any]:
    frame = found.to_frame()
    told: dict[str, Any] = {
        "recognised": dict(zip(frame["what"], frame["value"], strict=True)),
        "chosen": found.chosen,
        "choices": found.choices,
        "notes": found.notes,
        "unused": found.unused,
    }
    if compared:
        told["parity"] = {
            "largest": compared.largest,
            "where": compared.where,
            "sentence": compared.sentence,
            "better": better,
        }
    return told
