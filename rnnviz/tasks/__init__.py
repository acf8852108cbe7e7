"""Tasks. To add one: write its module, then name it in ``TASKS``."""

from rnnviz.tasks.adding import Adding
from rnnviz.tasks.base import LOSS_AT, Batch, Task
from rnnviz.tasks.copy import Copy
from rnnviz.tasks.delayed_recall import DelayedRecall
from rnnviz.tasks.series import CO2, Sunspots
from rnnviz.tasks.sine import Sine

__all__ = ["LOSS_AT", "TASKS", "Batch", "Task"]

TASKS: dict[str, Task] = {
    "sunspots": Sunspots(),
    "co2": CO2(),
    "adding": Adding(),
    "copy": Copy(),
    "delayed_recall": DelayedRecall(),
    "sine": Sine(),
}
