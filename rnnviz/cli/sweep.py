"""``rnnviz sweep``: a grid of runs."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pandas as pd

from rnnviz.cli.beside import written
from rnnviz.cli.settings import NEW_FILE, check_output, config_of, json_option, takes_settings
from rnnviz.config import MEASURES, Knob, SweepConfig
from rnnviz.sweep import plan_sweep, sweep

ENDINGS = (".csv", ".parquet")
ON_MANY_MACHINES = """
\b
On many machines, each with rnnviz installed, in a network of your own:
  dask scheduler --host 10.0.0.1 --port 8786      on one of them
  dask worker tcp://10.0.0.1:8786 --nthreads 1 --nworkers auto      on each
  rnnviz sweep ... --scheduler tcp://10.0.0.1:8786 --store results/
Whoever can reach a scheduler can run code on its workers.
"""


@click.command("sweep", epilog=ON_MANY_MACHINES)
@takes_settings
@click.option(
    "--knob",
    "knobs",
    multiple=True,
    required=True,
    metavar="NAME=VALUES",
    help="What is turned: gain=0.5:2:20 (20 values in a line), steps=log:10:1000:5 (with equal "
    "ratios) or cell=tanh,lstm (a list). Up to three.",
)
@click.option("--seeds", default=3, show_default=True, help="How many seeds, from 0.")
@click.option(
    "--measure",
    "measures",
    multiple=True,
    type=click.Choice([*MEASURES]),
    default=["factor"],
    show_default=True,
    help="What is measured; may be given several times.",
)
@click.option("--solved", default=0.1, show_default=True, help="Share of the baseline's loss.")
@click.option("--store", type=click.Path(path_type=Path), help="A folder to go on from.")
@click.option("--scheduler", help="A Dask scheduler's address, tcp://host:port.")
@click.option("--workers", type=click.IntRange(1), help="Processes on this machine.")
@click.option("-o", "--output", type=NEW_FILE, help="A .csv or .parquet file.")
@json_option
def sweep_command(
    preset: str | None,
    config: Path | None,
    settings: tuple[str, ...],
    knobs: tuple[str, ...],
    seeds: int,
    measures: tuple[str, ...],
    solved: float,
    store: Path | None,
    scheduler: str | None,
    workers: int | None,
    output: Path | None,
    as_json: bool,
) -> None:
    """Run a grid of settings with several seeds, from PRESET or from the defaults."""
    check_output(output, ENDINGS)
    asked = SweepConfig(
        base=config_of(preset, config, settings),
        knobs=[Knob.parse(text) for text in knobs],
        seeds=tuple(range(seeds)),
        measures=measures,
        solved=solved,
    )
    plan = plan_sweep(asked)
    click.echo(
        f"{plan.runs:,} runs in {plan.chunks:,} chunks, about {plan.seconds:,.0f} s of one core"
        f" and {plan.nbytes / 2**20:,.0f} MB a worker",
        err=True,
    )
    with click.progressbar(length=asked.runs, file=sys.stderr, label="Runs") as bar:
        table = sweep(asked, store, scheduler, workers, _progress(bar.update))
    _write(table, output, as_json=as_json)
    _tell_failed(table)


def _progress(update: Callable[[int], None]) -> Callable[[int, int, pd.DataFrame], None]:
    def watch(*told: Any) -> None:
        update(len(told[-1]))

    return watch


def _write(table: pd.DataFrame, output: Path | None, *, as_json: bool) -> None:
    if output is not None:
        with written(output) as part:
            if output.suffix.lower() == ".parquet":
                table.to_parquet(part, index=False)
            else:
                table.to_csv(part, index=False)
    if as_json:
        click.echo(table.to_json(orient="records"))
    elif output is None:
        click.echo(table.to_csv(index=False), nl=False)


def _tell_failed(table: pd.DataFrame) -> None:
    errors = table["error"][table["error"] != ""]
    if errors.empty:
        return
    told = f"{len(errors):,} of {len(table):,} runs failed, the first with: {errors.iloc[0]}"
    if len(errors) == len(table):
        raise ValueError(told)
    click.echo(f"Warning: {told}", err=True)
