"""What could the gradient have done at most, and at least?"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from rnnviz.adjoint import pull_back
from rnnviz.arrays import Array, Bool, Float, Int
from rnnviz.cells import Tape
from rnnviz.cells.vanilla import Vanilla
from rnnviz.diagnostics.gradient_flow import gradient_flow, log10_mean
from rnnviz.diagnostics.pascanu import Pascanu, mean_along, pascanu
from rnnviz.network import Layer
from rnnviz.products import one_blas_thread
from rnnviz.record import LayerRecord, Record
from rnnviz.sources import cut
from rnnviz.stopping import breathe


@dataclass(frozen=True)
class Bounds:
    """The measured gradient of the last loss by lag, and bounds it cannot leave, in log10."""

    layer: str
    loss_state: int
    """The state that the loss looks at first: lag 0, where the bounds begin."""
    measured: Float[Array, " K"]
    """log10 of the batch mean of |dL/ds| at each lag; -inf for exact zeros."""
    upper: Float[Array, " K"]
    """log10 of the same mean, had every step stretched by its Jacobian's largest singular value."""
    lower: Float[Array, " K"]
    """The same with the smallest one; -inf where that is 0 up to rounding."""
    largest: Float[Array, "M B"]
    """log10 of the largest singular value of ds_{t+1}/ds_t, at each of the last M steps before the
    loss; or what it is at most, at those whose Jacobian was not taken."""
    smallest: Float[Array, "M B"]
    """log10 of the smallest one; or what it is at least."""
    own: int
    """How many lags have the singular values of their own steps' Jacobians."""
    pascanu: Pascanu | None
    """The cruder bounds by the weights; none for a cell that they do not hold for."""
    tolerance: float
    """Of a log10, for each lag: what rounding may add."""
    parts: tuple[str, ...] = ("h",)
    """What the state is made of: h and c in an LSTM."""

    @property
    def lag(self) -> Int[Array, " K"]:
        """Steps back from the loss, from 0 to the initial state."""
        return np.arange(len(self.measured))

    @property
    def whole(self) -> bool:
        """Whether every step before the loss had its Jacobian taken."""
        return self.own == self.loss_state

    @property
    def batch_size(self) -> int:
        """How many sequences the means are over."""
        return int(self.largest.shape[1])

    @property
    def silent(self) -> Bool[Array, " K"]:
        """Lags at which the bounds say nothing: they allow the gradient to grow and to shrink."""
        slack = self.tolerance * self.lag
        with np.errstate(invalid="ignore"):
            above = self.upper - self.upper[0] > slack
            below = self.lower - self.lower[0] < -slack
        return np.asarray(above & below)

    @property
    def sentence(self) -> str:
        """What the bounds prove, or that they prove nothing."""
        silent, lags = int(self.silent.sum()), len(self.lag) - 1
        if not np.isfinite(self.measured[0]):
            return "No finite gradient starts at the loss, so there is nothing to bound."
        if silent:
            return f"The bounds allow growth and decay alike at {silent:,} of {lags:,} lags."
        slack = self.tolerance * lags
        can_grow = self.upper[-1] - self.upper[0] > -slack
        can_shrink = self.lower[-1] - self.lower[0] < slack
        if can_grow and can_shrink:
            return "The bounds leave the gradient no room, or room on one side alone."
        return f"The bounds prove that the gradient {'grows' if can_grow else 'shrinks'}."

    def to_frame(self) -> pd.DataFrame:
        """One row a lag: measured, bounds, and whether they say nothing; NaN for no bound.

        And whether the bounds are those of the Jacobians of all steps on the way.
        """
        crude = self.pascanu
        return pd.DataFrame(
            {
                "lag": self.lag,
                "measured": self.measured,
                "lower": self.lower,
                "upper": self.upper,
                "pascanu_lower": crude.lower if crude else np.nan,
                "pascanu_upper": crude.upper if crude else np.nan,
                "silent": self.silent,
                "of_jacobians": self.lag <= self.own,
            }
        )


def bounds(
    record: Record,
    layer: int | None = None,
    sequences: int | None = None,
    lags: int | None = None,
) -> Bounds:
    """Upper and lower bounds on the last loss's gradient at every lag.

    A step back multiplies the norm of dL/ds by no more than the largest singular value of the
    step's Jacobian ds_{t+1}/ds_t, and by no less than the smallest. For a cell without gates,
    whose Jacobian is diag(f') W_hh, the paper's bounds by the weights lie outside these:
    Pascanu, Mikolov and Bengio (2013), section 2.1.

    Time grows with T, with the sequences, and with the third power of the state's size. A bound
    needs every step on the way, so that no step may be left out; but one at lag k needs only k.
    Of the steps beyond the lags that are asked for, a cell without gates has a bound that costs
    nothing: its steepest and flattest unit times the singular values of W_hh. Of other cells
    nothing is said beyond them.

    Parameters
    ----------
    record : Record
    layer : the top one that reads forward by default
    sequences : how many of the batch to take, from the first; all by default. Everything,
        what was measured as well, is then of these
    lags : how many steps back from the loss have their Jacobian taken; all by default

    Raises
    ------
    ValueError
        If another layer lies above, which feeds the gradient at every step, or if there is no
        such number of lags.

    Examples
    --------
    >>> import rnnviz as rv
    >>> config = rv.RunConfig(cell="linear", init="orthogonal", gain=0.5, steps=9, hidden_size=4)
    >>> result = bounds(rv.run(config))
    >>> [round(float(line[-1] - line[0]), 6) for line in (result.lower, result.upper)]
    [-2.70927, -2.70927]
    >>> result.pascanu.condition
    'The largest singular value of W_hh is 0.5, below 1/γ = 1: enough for the gradient to vanish.'
    """
    number = record.network.top if layer is None else layer
    if number not in record.network.levels[-1]:
        top = [record.network.names[n] for n in record.network.levels[-1]]
        raise ValueError(
            f"bounds takes a layer that no other lies on, {' or '.join(top)}, "
            f"got {record.network.names[number]}"
        )
    if lags is not None and lags < 1:
        raise ValueError(f"lags must be at least 1, got {lags}")
    at = record.network.layers[number]
    seen = _first(record.layers[number], sequences)
    with np.errstate(all="ignore"), one_blas_thread():
        flow = gradient_flow(record, "last", number)
        steps = flow.loss_state
        own = steps if lags is None else min(lags, steps)
        norms = flow.log10_norms[steps::-1, : seen.h.shape[1]]
        largest, smallest = _of_jacobians(at, _steps(seen, slice(steps - own, steps)))
        crude = None
        if isinstance(at.cell, Vanilla):
            crude, least, most = pascanu(at, at.cell, seen, norms)
            # A product keeps the digits that a nearly singular Jacobian's smallest value loses.
            smallest = np.fmax(np.concatenate([least[:-own], smallest]), least)
            largest = np.concatenate([most[:-own], largest])
        norms = norms[: len(largest) + 1]
        upper, lower = (mean_along(norms[0], size) for size in (largest, smallest))
    return Bounds(
        layer=record.network.names[number],
        loss_state=steps,
        measured=log10_mean(norms),
        upper=upper,
        lower=lower,
        largest=largest,
        smallest=smallest,
        own=own,
        pascanu=crude,
        tolerance=float(np.finfo(seen.h.dtype).eps) * at.cell.state_size,
        parts=at.cell.state_names,
    )


def _first(seen: LayerRecord, sequences: int | None) -> LayerRecord:
    """The same pass with only the first sequences of the batch."""
    tape = seen.tape
    states, gates, kept = (
        {name: array[:, :sequences] for name, array in arrays.items()}
        for arrays in (tape.states, tape.gates, tape.kept)
    )
    return replace(
        seen, pre=seen.pre[:, :sequences], tape=Tape(tape.a[:, :sequences], states, gates, kept)
    )


def _steps(seen: LayerRecord, span: slice) -> LayerRecord:
    """The same pass with only these steps."""
    return replace(seen, pre=seen.pre[span], tape=cut(seen.tape, span))


def _jacobians(layer: Layer, seen: LayerRecord) -> Iterator[Float[Array, "B S S"]]:
    """Each step's ds_{t+1}/ds_t, from the last step to the first."""
    size = layer.cell.state_size
    identity = np.zeros((size, seen.h.shape[1], size), seen.h.dtype)
    identity[np.arange(size), :, np.arange(size)] = 1
    for pulled in pull_back(layer, seen, identity):
        yield pulled.swapaxes(0, 1).astype(np.float64)
        pulled[...] = identity


def _of_jacobians(layer: Layer, seen: LayerRecord) -> tuple[Array, Array]:
    """log10 of the largest and smallest singular value at each step, (steps, B) each.

    What rounding cannot tell from 0 is 0, so that a lower bound promises nothing it cannot keep.
    """
    ends = np.full((2, len(seen.pre), seen.h.shape[1]), np.nan)
    for t, J in zip(reversed(range(len(seen.pre))), _jacobians(layer, seen), strict=True):
        breathe()
        whole = np.isfinite(J).all(axis=(1, 2))
        if whole.any():
            sizes = np.linalg.svd(J[whole], compute_uv=False)
            high, low = sizes[:, 0], sizes[:, -1]
            rounding = J.shape[1] * np.finfo(seen.h.dtype).eps * high
            ends[:, t, whole] = np.log10([high, np.where(low > rounding, low, 0.0)])
    return ends[0], ends[1]
