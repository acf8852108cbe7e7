"""Tasks. To add one: write its module, then name it in ``TASKS``."""

from rnnviz.tasks.adding import Adding
from rnnviz.tasks.base import LOSS_AT, Batch, Task
from rnnviz.tasks.characters import Characters
from rnnviz.tasks.constant import Constant
from rnnviz.tasks.copy import Copy
from rnnviz.tasks.delayed_recall import DelayedRecall
from rnnviz.tasks.digits import Digits
from rnnviz.tasks.influence import Influence
from rnnviz.tasks.mackey_glass import MackeyGlass
from rnnviz.tasks.multiplication import Multiplication
from rnnviz.tasks.parity import Parity
from rnnviz.tasks.series import CO2, Sunspots
from rnnviz.tasks.sine import Sine
from rnnviz.tasks.temporal_order import ThreeSymbols, TwoSymbols

__all__ = ["LOSS_AT", "TASKS", "Batch", "Task"]

TASKS: dict[str, Task] = {
    "sunspots": Sunspots(),
    "co2": CO2(),
    "adding": Adding(),
    "copy": Copy(),
    "delayed_recall": DelayedRecall(),
    "sine": Sine(),
    "multiplication": Multiplication(),
    "temporal_order": TwoSymbols(),
    "temporal_order_3": ThreeSymbols(),
    "parity": Parity(),
    "mackey_glass": MackeyGlass(),
    "digits": Digits(),
    "characters": Characters(),
    "constant": Constant(),
    "influence": Influence(),
}
