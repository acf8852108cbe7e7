"""How runs differ: only the settings that are not the same, in words."""

from collections.abc import Sequence

from rnnviz import RunConfig, TrainConfig

FIELDS = TrainConfig.model_fields
MOST_NAMED = 3


def differing(configs: Sequence[RunConfig]) -> list[str]:
    """The settings that are not the same in all of these runs, and matter in one of them.

    Those of training count where the configs have them.
    """
    return [
        name
        for name in type(configs[0]).model_fields
        if len({getattr(config, name) for config in configs}) > 1
        and any(config.matters(name) for config in configs)
    ]


def name_of(config: RunConfig, base: RunConfig) -> str:
    """A short name for a run beside another: what is different in it, such as ``gain 1.2``."""
    names = differing([base, config])
    told = [f"{name.replace('_', ' ')} {value_of(config, name)}" for name in names[:MOST_NAMED]]
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(told) + more or "same settings"


def value_of(config: RunConfig, name: str) -> str:
    """A setting's value, or a dash where it changes nothing."""
    value = getattr(config, name)
    if not config.matters(name):
        return "–"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def told_apart(configs: Sequence[RunConfig], base: RunConfig) -> list[str]:
    """A name for each run, no two alike."""
    names: list[str] = []
    for config in configs:
        name = name_of(config, base)
        alike = sum(other == name or other.startswith(f"{name} (") for other in names)
        names.append(f"{name} ({alike + 1})" if alike else name)
    return names
