"""How gradients move through time in a recurrent network.

    RunConfig -> run() -> Record -> a diagnostic -> a figure -> a page

Every arrow is a pure function of frozen data. Equal configs give equal records, to the bit.
"""

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

from rnnviz import diagnostics, losses
from rnnviz.bptt import bptt, predict
from rnnviz.build import build
from rnnviz.cells import CELLS
from rnnviz.config import MEASURES, Knob, RunConfig, SweepConfig, TrainConfig
from rnnviz.events import write_events
from rnnviz.network import Layer, Network, Readout
from rnnviz.presets import PRESETS
from rnnviz.record import LayerRecord, Record
from rnnviz.run import draw, run
from rnnviz.runfile import SavedRun, load_run, run_bytes, runs, save_run
from rnnviz.sweep import SWEEPS, SweepPlan, SweepTable, plan_sweep, sweep
from rnnviz.tasks import TASKS
from rnnviz.train import Change, History, Moment, TrainStep, schedule_of, train

if TYPE_CHECKING:
    from rnnviz import figures, interop

__all__ = [
    "CELLS",
    "Change",
    "History",
    "Knob",
    "MEASURES",
    "Moment",
    "PRESETS",
    "SWEEPS",
    "TASKS",
    "Layer",
    "LayerRecord",
    "Network",
    "Readout",
    "Record",
    "RunConfig",
    "SavedRun",
    "SweepConfig",
    "SweepPlan",
    "SweepTable",
    "TrainConfig",
    "TrainStep",
    "bptt",
    "build",
    "diagnostics",
    "draw",
    "figures",
    "interop",
    "load_run",
    "losses",
    "plan_sweep",
    "predict",
    "run",
    "run_bytes",
    "runs",
    "save_run",
    "schedule_of",
    "sweep",
    "train",
    "write_events",
]


def __getattr__(name: str) -> ModuleType:
    """``figures`` or ``interop``, imported when first asked for: Plotly takes a quarter second."""
    if name in {"figures", "interop"}:
        return import_module(f"rnnviz.{name}")
    raise AttributeError(f"module 'rnnviz' has no attribute {name!r}")
