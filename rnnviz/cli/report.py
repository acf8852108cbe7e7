"""``rnnviz report``: a run or a training as one HTML page."""

from pathlib import Path

import click

from rnnviz.cli.beside import written
from rnnviz.cli.settings import NEW_FILE, check_output, config_of, example, takes_settings

ENDINGS = (".html",)
RUN_FILE = ".safetensors"


@click.command("report", epilog=example("rnnviz report lstm-pytorch -o report.html"))
@takes_settings
@click.option(
    "-o", "--output", type=NEW_FILE, required=True, help="The .html file; it needs no network."
)
@click.option("--train", "training", is_flag=True, help="Train, and report on the training.")
@click.option("--dark", is_flag=True, help="On a dark ground.")
def report_command(
    preset: str | None,
    config: Path | None,
    settings: tuple[str, ...],
    output: Path,
    training: bool,
    dark: bool,
) -> None:
    """Write a page with live charts, verdict, method, sources and settings.

    PRESET is the name of a preset, or a run file that ends in .safetensors.
    """
    from rnnviz.cli import page  # Plotly takes a second, which the other commands need not wait

    check_output(output, ENDINGS)
    theme: page.Theme = "dark" if dark else "light"
    if preset and preset.lower().endswith(RUN_FILE):
        if config or settings or training:
            raise click.UsageError("a run file is reported as it is: it takes no settings")
        text = page.of_file(Path(preset), theme)
    else:
        asked = config_of(preset, config, settings)
        text = page.of_training(asked, theme) if training else page.of_run(asked.run, theme)
    with written(output) as part:
        part.write_text(text, "utf-8")
    click.echo(f"{output}: {output.stat().st_size / 2**20:.1f} MB", err=True)
