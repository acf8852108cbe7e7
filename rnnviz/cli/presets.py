"""``rnnviz presets``: named experiments, with what is claimed of each and by whom."""

import json
import textwrap

import click

from rnnviz.cli.settings import example, json_option, preset_named
from rnnviz.cli.told import print_json
from rnnviz.presets import PRESETS, Preset


@click.command(
    "presets",
    epilog=example(
        "rnnviz presets irnn > mine.toml", "rnnviz run --config mine.toml --set hidden_size=32"
    ),
)
@click.argument("name", required=False)
@json_option
def presets_command(name: str | None, as_json: bool) -> None:
    """List the presets; or, with NAME, one as a file of settings that --config reads."""
    chosen = {own: PRESETS[own] for own in ([preset_named(name)] if name else PRESETS)}
    if as_json:
        print_json([_told(own, preset) for own, preset in chosen.items()])
    elif name:
        click.echo(as_toml(*chosen.values()), nl=False)
    else:
        _list()


def as_toml(preset: Preset) -> str:
    """The settings in which a preset differs from the defaults, under what is claimed of it.

    Examples
    --------
    >>> print(as_toml(PRESETS["chrono-lstm"]).splitlines()[-1])
    t_max = 100
    """
    words = (preset.title, preset.claim, preset.source)
    comments = [
        textwrap.fill(text, 98, initial_indent="# ", subsequent_indent="# ") for text in words
    ]
    settings = [f"{name} = {json.dumps(value)}" for name, value in preset.settings.items()]
    return "\n".join([*comments, *settings]) + "\n"


def _list() -> None:
    width = max(map(len, PRESETS))
    click.echo(f"{'name':<{width}}  factor  title")
    for own, preset in PRESETS.items():
        click.echo(f"{own:<{width}}  {preset.factor:>6.3f}  {preset.title}")


def _told(name: str, preset: Preset) -> dict[str, object]:
    words = {"title": preset.title, "claim": preset.claim, "source": preset.source}
    return {"name": name, **words, "factor": preset.factor, "settings": preset.settings}
