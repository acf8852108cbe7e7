"""Settings as the Python that makes them."""

import json
from collections.abc import Iterable, Mapping

from rnnviz.config import Knob, RunConfig, SweepConfig

WIDTH = 96


def config(settings: RunConfig) -> str:
    """The call that makes a config: what matters, and what is not as it is by default.

    Examples
    --------
    >>> made = RunConfig(hidden_size=8)
    >>> import rnnviz as rv
    >>> eval(config(made)) == made
    True
    """
    shown = {
        name: getattr(settings, name)
        for name, field in type(settings).model_fields.items()
        if settings.matters(name) or getattr(settings, name) != field.default
    }
    return call(f"rv.{type(settings).__name__}", shown)


def changed(settings: RunConfig, base: str, before: RunConfig) -> str:
    """The call that makes a config from the one called ``base``, or its name if they are equal."""
    different = {
        name: value
        for name, value in settings.model_dump().items()
        if value != getattr(before, name)
    }
    return call(f"{base}.replace", different) if different else base


def sweep(settings: SweepConfig) -> str:
    """The call that makes a grid; its base is called ``base``."""
    seeds = ", ".join(map(str, settings.seeds))
    measures = ", ".join(map(json.dumps, settings.measures))
    return lines(
        "rv.SweepConfig",
        [
            "base=base",
            f"knobs=[{', '.join(map(_knob, settings.knobs))}]",
            f"seeds=[{seeds}]",
            f"measures=[{measures}]",
            f"solved={settings.solved!r}",
        ],
    )


def _knob(knob: Knob) -> str:
    return f"rv.Knob.parse({json.dumps(knob.text)})"


def call(name: str, arguments: Mapping[str, object]) -> str:
    """A call by keywords: in one line where it fits, else a line each."""
    return lines(name, [f"{key}={value_text(value)}" for key, value in arguments.items()])


def lines(name: str, arguments: Iterable[str]) -> str:
    """A call with these arguments: in one line where it fits, else a line each."""
    listed = [*arguments]
    short = f"{name}({', '.join(listed)})"
    if len(short) <= WIDTH and len(listed) < 4:
        return short
    return "\n".join([f"{name}(", *(f"    {one}," for one in listed), ")"])


def value_text(value: object) -> str:
    """A number or a text as Python has it, with double quotes."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)
