"""From a grid of configs to a table: one row a point and seed."""

from rnnviz.sweep.sweep import SweepPlan, plan_sweep, sweep

__all__ = ["SweepPlan", "plan_sweep", "sweep"]
