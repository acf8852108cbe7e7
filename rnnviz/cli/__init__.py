"""The ``rnnviz`` command: what the app does, from a shell."""

import errno
from typing import Any

import click

from rnnviz.cli.app import app_command
from rnnviz.cli.imports import import_command
from rnnviz.cli.presets import presets_command
from rnnviz.cli.report import report_command
from rnnviz.cli.run import run_command
from rnnviz.cli.sweep import sweep_command
from rnnviz.cli.train import train_command

__all__ = ["main"]

EXITS = """
\b
Exit codes: 0 all went well, 1 it did not, and one sentence says why, 2 the command
was not used as its --help says.
"""


class _Commands(click.Group):
    """Commands whose refusals are one sentence each."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except ValueError as refused:
            raise click.ClickException(str(refused)) from None
        except OSError as error:
            if error.errno == errno.EPIPE:  # whoever read what is printed has gone
                raise
            what = f"{error.filename}: " if error.filename else ""
            raise click.ClickException(f"{what}{error.strerror or error}") from None


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]}, epilog=EXITS)
@click.version_option(package_name="rnnviz")
def main() -> None:
    """How gradients move through time in a recurrent network."""


for command in (
    app_command,
    run_command,
    train_command,
    sweep_command,
    report_command,
    import_command,
    presets_command,
):
    main.add_command(command)
