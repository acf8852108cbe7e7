"""The gradients of one picture, and what is said of them."""

from dataclasses import dataclass

import numpy as np

from rnnviz.arrays import Array
from rnnviz.diagnostics import Eigenvalues, GradientFlow
from rnnviz.figures.marks import WORDS, kinds
from rnnviz.figures.text import count, plain


@dataclass(frozen=True)
class Flows:
    """The gradients of one row: one step's loss, and what stands beside it."""

    flow: GradientFlow
    total: GradientFlow | None = None
    """The whole loss, where more than one step has any."""
    spectrum: Eigenvalues | None = None
    """Of the recurrent weights: what theory would have them do."""
    pinned: GradientFlow | None = None
    """Another run, kept to compare with."""

    @property
    def measured(self) -> list[GradientFlow]:
        """Every gradient that was measured."""
        return [flow for flow in (self.flow, self.total, self.pinned) if flow is not None]


def edge_words(flow: GradientFlow, kind: str, at: Array) -> str:
    """Where a gradient is a zero, an infinity or a NaN, by its lags."""
    word = WORDS[kind]
    if kind == "infinite":
        word = f"infinite in {flow.derivative.mantissa.dtype}"
    if len(at) == len(flow.t):
        return f"{word} at every state"
    if at[0] > flow.loss_state:
        return f"{word} behind the loss at t = {flow.loss_state}"
    before = at[at <= flow.loss_state]
    behind = f", and behind t = {flow.loss_state}" if len(before) < len(at) else ""
    if len(before) == before[-1] + 1:
        return f"{word} from lag {flow.loss_state - before[-1]} back{behind}"
    return f"{word} at {count(len(before), 'state')}{behind}"


def spoken(flows: Flows) -> str:
    """What the row shows, in words and numbers."""
    flow, fit = flows.flow, flows.flow.fit
    end = flow.log10_norm[flow.loss_state]
    parts = [
        f"On a log scale, the gradient's norm is {plain(end)} at the loss (t = {flow.loss_state}) "
        f"and {plain(flow.log10_norm[0])} at t = 0"
    ]
    if 0 < fit.factor < np.inf:
        parts.append(
            f"a straight line over lags {fit.first_lag} to {fit.last_lag} gives ×{fit.factor:.3g} "
            "a step back"
        )
    if flows.spectrum is not None:
        parts.append(f"the spectral radius is {flows.spectrum.spectral_radius:.3g}")
    if flows.total is not None:
        parts.append(f"the whole loss gives {plain(flows.total.log10_norm[0])} at t = 0")
    for kind, mask in kinds(flow.log10_norm).items():
        parts.append(f"it is {edge_words(flow, kind, np.flatnonzero(mask))}")
    return "; ".join(parts) + "."
