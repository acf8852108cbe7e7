"""Settings that depend on each other, brought to where they fit together."""

from rnnviz import TASKS, TrainConfig
from rnnviz.fields import bounds


def longest(config: TrainConfig) -> int:
    """The most steps that the config's task can be drawn with."""
    most = TASKS[config.task].max_steps()
    return int(bounds(TrainConfig.model_fields["steps"])[1]) if most is None else most


def settle(config: TrainConfig) -> tuple[TrainConfig, list[str]]:
    """The config with its length within the data's and its lag within its length; what changed."""
    said = []
    task = TASKS[config.task]
    if config.steps > longest(config):
        said.append(
            f"Length T was lowered from {config.steps} to {longest(config)}, the longest window "
            f"of {task.title}."
        )
        config = config.replace(steps=longest(config))
    if task.uses_lag and config.lag >= config.steps:
        said.append(f"Lag was lowered from {config.lag} to {config.steps - 1}: it must be below T.")
        config = config.replace(lag=config.steps - 1)
    return config, said
