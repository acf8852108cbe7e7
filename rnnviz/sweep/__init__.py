"""From a grid of configs to a table: one row a point and seed."""

from rnnviz.sweep.named import SWEEPS, NamedSweep
from rnnviz.sweep.sweep import SweepPlan, plan_sweep, sweep
from rnnviz.sweep.table import SweepTable

__all__ = ["SWEEPS", "NamedSweep", "SweepPlan", "SweepTable", "plan_sweep", "sweep"]
