"""Settings that depend on each other, brought to where they fit together."""

from typing import Any

from rnnviz import CELLS, TASKS, TrainConfig


def changed(config: TrainConfig, **settings: Any) -> tuple[TrainConfig, list[str]]:
    """The config with these settings, and with what no longer fits brought into range and told.

    Raises
    ------
    ValueError
        If a setting is not one, or out of its range.
    """
    return settle(config.replace(**settings))


def settle(config: TrainConfig) -> tuple[TrainConfig, list[str]]:
    """The config with each setting that its task limits brought to the limit; what changed."""
    said = []
    task = TASKS[config.task]
    if asked := config.prescribed:
        to = ", ".join(f"{name} {value}" for name, value in asked.items())
        said.append(f"The network became the one that {task.title} is about: {to}.")
        config = config.replace(**asked)
    if config.steps > config.longest:
        config, sentence = _lower(config, "steps", config.longest, f"{task.title} goes no further")
        said.append(sentence)
    if task.uses_lag and config.lag >= config.steps:
        config, sentence = _lower(config, "lag", config.steps - 1, "it must be below the length")
        said.append(sentence)
    if config.ring_min > config.ring_max:
        why = "it cannot lie outside the outer radius"
        config, sentence = _lower(config, "ring_min", config.ring_max, why)
        said.append(sentence)
    if config.hidden_size < config.fewest_units:
        need = config.fewest_units
        said.append(
            f"hidden_size was raised from {config.hidden_size} to {need}: {task.title} needs as "
            "many outputs, and without a readout they are the hidden states."
        )
        config = config.replace(hidden_size=need)
    if CELLS[config.cell].in_pairs and config.hidden_size % 2:
        size = config.hidden_size + 1
        said.append(f"hidden_size was raised from {size - 1} to {size}: units come in pairs.")
        config = config.replace(hidden_size=size)
    return config, said


def _lower(config: TrainConfig, name: str, to: float, why: str) -> tuple[TrainConfig, str]:
    sentence = f"{name} was lowered from {getattr(config, name)} to {to}: {why}."
    return config.replace(**{name: to}), sentence
