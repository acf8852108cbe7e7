"""What every command that runs something takes: a preset, a file of settings, single settings."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from rnnviz.config import TrainConfig
from rnnviz.config.file import PRESET, read_config
from rnnviz.config.sweep import value_of
from rnnviz.presets import PRESETS

Command = TypeVar("Command", bound=Callable[..., Any])

FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
NEW_FILE: Final = click.Path(dir_okay=False, path_type=Path)

config_option = click.option(
    "-c",
    "--config",
    type=FILE,
    help="A .toml or .json file of settings; its preset = names what they are changes of.",
)
set_option = click.option(
    "-s",
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    help="A setting, by the name that the app's links have; may be given several times.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")


def takes_settings(command: Command) -> Command:
    """A command with the argument PRESET and the options ``--config`` and ``--set``."""
    return click.argument("preset", required=False)(config_option(set_option(command)))


def example(*lines: str) -> str:
    """What stands below a command's help, as it is typed."""
    return "\b\nFor example:\n" + "\n".join(f"  {line}" for line in lines)


def config_of(preset: str | None, file: Path | None, settings: Iterable[str]) -> TrainConfig:
    """The settings of a preset or the defaults, changed by a file and then one by one.

    Raises
    ------
    ValueError
        If there is no such preset, it is named twice, or a setting is not allowed.
    """
    found = read_config(file) if file else None
    for notice in found.notices if found else ():
        click.echo(f"Warning: {notice}", err=True)
    named = [name for name in (preset, found.preset if found else None) if name]
    if len(named) > 1:
        raise ValueError(f"one {PRESET} is read, got {preset!r} and {named[1]!r} in the file")
    base = PRESETS[preset_named(named[0])].config if named else TrainConfig()
    pairs = dict(pair(text, "--set") for text in settings)
    single = {name: value_of(name, text) for name, text in pairs.items()}
    return base.replace(**{**(found.settings if found else {}), **single})


def preset_named(name: str) -> str:
    """The key in ``PRESETS`` of a name whose words may come in any order.

    Raises
    ------
    ValueError
        If there is none.

    Examples
    --------
    >>> preset_named("lstm-pytorch")
    'pytorch-lstm'
    """
    words = sorted(name.lower().split("-"))
    for own in PRESETS:
        if sorted(own.split("-")) == words:
            return own
    raise ValueError(f"the preset must be one of {sorted(PRESETS)}, got {name[:60]!r}")


def pair(text: str, option: str) -> tuple[str, str]:
    """A name and its value, as NAME=VALUE has them."""
    name, sign, value = text.partition("=")
    if not sign or not value:
        raise ValueError(f"{option} must be NAME=VALUE, got {text[:60]!r}")
    return name.strip(), value.strip()


def check_output(path: Path | None, endings: Iterable[str]) -> None:
    """Refuse a file that could not be written, before what is to be in it is computed.

    Raises
    ------
    ValueError
    """
    if path is None:
        return
    if path.suffix.lower() not in endings:
        raise ValueError(f"the output must end in {' or '.join(endings)}, got {path.name[:60]!r}")
    if not path.parent.is_dir():
        raise ValueError(f"the output's folder must be there, got {str(path.parent)[:60]!r}")
