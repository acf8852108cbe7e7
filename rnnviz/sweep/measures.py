"""What a sweep measures at a point: from a stack's flow, from a record, or by training."""

import math
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from rnnviz.arrays import Array, Float
from rnnviz.config import RunConfig, TrainConfig
from rnnviz.diagnostics.gradient_flow import fit_line, gradient_flow
from rnnviz.diagnostics.lyapunov import lyapunov
from rnnviz.diagnostics.verdict import reach_of
from rnnviz.run import run
from rnnviz.train import baseline, train

OF_A_FLOW: Final = ("factor", "half_life", "reach", "loss")
"""Measures that the last loss's way back is enough for."""
TRAINED: Final = ("trained_loss", "success")
"""Measures that the network is trained for."""

Row = dict[str, float]


def of_flow(
    log10_norm: Float[Array, " N"], loss: float, measures: Sequence[str]
) -> Mapping[str, float]:
    """What the norms at every state up to the loss's, and the loss, say: the verdict's numbers.

    ``half_life`` is NaN where nothing is halved, ``reach`` where more than 1 % is left.

    Examples
    --------
    >>> norms = np.log10(0.5) * np.arange(20)[::-1]
    >>> told = of_flow(norms, 0.25, ["factor", "half_life", "reach"])
    >>> {name: round(value, 9) for name, value in told.items()}
    {'factor': 0.5, 'half_life': 1.0, 'reach': 7.0}
    """
    by_lag = log10_norm[::-1]
    fit, reach = fit_line(by_lag), reach_of(by_lag)
    told = {
        "factor": fit.factor,
        "half_life": math.nan if fit.half_life is None else fit.half_life,
        "reach": math.nan if reach is None else float(reach),
        "loss": loss,
    }
    return {name: told[name] for name in measures if name in told}


def of_run(config: RunConfig, measures: Sequence[str]) -> Row:
    """What one pass of one network says, for what cannot be stacked."""
    found: Row = {}
    record = run(config)
    if set(measures) & set(OF_A_FLOW):
        flow = gradient_flow(record, "last")
        found |= of_flow(flow.log10_norm[: flow.loss_state + 1], record.loss, measures)
    if "exponent" in measures:
        found["exponent"] = lyapunov(record, count=1).largest
    return found


def of_training(config: TrainConfig, measures: Sequence[str], solved: float) -> Row:
    """How training ends, and whether the held-out loss ever fell below its share of the baseline.

    ``trained_loss`` is the last held-out loss, infinite where training diverged.
    """
    goal = solved * baseline(config)
    last, success = math.nan, False
    for step in train(config):
        if step.fault:
            last = math.inf
        elif step.validation_loss is not None:
            last = step.validation_loss
            success = success or last < goal
        if success and "trained_loss" not in measures:
            break
    found = {"trained_loss": last, "success": float(success)}
    return {name: found[name] for name in measures if name in found}


def empty(measures: Sequence[str]) -> Row:
    """The row of a point that has no numbers."""
    return dict.fromkeys(measures, np.nan)
