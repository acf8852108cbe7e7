"""Is the gradient that is shown a gradient?"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from rnnviz.arrays import Array
from rnnviz.cells.antisymmetric import Antisymmetric
from rnnviz.cells.gru_cho import ChoGRU
from rnnviz.cells.mgu import MGU
from rnnviz.diagnostics.adjoint_product import NAME as PRODUCT
from rnnviz.diagnostics.adjoint_product import adjoint_product
from rnnviz.diagnostics.check import Check, open_question, worst
from rnnviz.diagnostics.conservation import NAME as CONSERVATION
from rnnviz.diagnostics.conservation import conservation
from rnnviz.diagnostics.gradient_check import TOLERANCE, GradientCheck
from rnnviz.diagnostics.tangent import norms
from rnnviz.network import Layer
from rnnviz.products import one_blas_thread, rows
from rnnviz.record import LayerRecord, Record

RANK, DIFFERENCES = "Rank of ∂L/∂W_hh", "Gradient check"
_TWO_PRODUCTS = (Antisymmetric, ChoGRU, MGU)
"""Cells in which a step adds two products of vectors to dL/dW_hh, and not one."""


@dataclass(frozen=True)
class Health:
    """The checks under a gradient."""

    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool | None:
        """False if any check failed, None if none could be made."""
        judged = [check.passed for check in self.checks if check.passed is not None]
        return all(judged) if judged else None

    @property
    def line(self) -> str:
        """All of it in a line: what fails, or the numbers, or why there are none."""
        if self.passed is None:
            return self.checks[0].sentence
        if not self.passed:
            return " ".join(check.sentence for check in self.checks if check.passed is False)
        said = "; ".join(check.brief for check in self.checks if check.brief)
        return f"{said[0].upper()}{said[1:]}."

    def to_frame(self) -> pd.DataFrame:
        """One row a check: name, passed, number, allowed, sentence."""
        return pd.DataFrame([vars(check) for check in self.checks]).drop(columns="brief")


def health(
    record: Record, checked: GradientCheck | None = None, *, every: int = 1, with_rank: bool = True
) -> Health:
    """Checks of the record's own gradient that a wrong backward pass does not survive.

    The product of adjoint and tangent is the same before and after each step; in ReLU and linear
    units as much comes in as goes out; the rank of dL/dW_hh is at most T*B; and central
    differences of the loss agree, if they have been taken. No tolerance is a setting: each is
    what rounding can add up to.

    Parameters
    ----------
    record : Record
    checked : what ``gradient_check`` found for the same network, x and loss, for a line of its own
    every : the product of adjoint and tangent is taken at one in this many states
    with_rank : whether the rank is asked for, which takes singular values

    Examples
    --------
    >>> import rnnviz as rv
    >>> config = rv.RunConfig(cell="relu", hidden_size=16, steps=4, batch_size=2, task="sine")
    >>> result = health(rv.run(config))
    >>> result.passed, [check.passed for check in result.checks]
    (True, [True, True, True])
    """
    names = (PRODUCT, CONSERVATION, RANK)[: 3 if with_rank else 2]
    last = () if checked is None else (_differences(checked),)
    broken = _broken(record)
    if broken:
        why = f"cannot be judged: {broken}."
        return Health((*(open_question(name, f"{name}: {why}") for name in names), *last))
    with np.errstate(all="ignore"), one_blas_thread():
        ranks = (rank(record),) if with_rank else ()
        return Health((adjoint_product(record, every), conservation(record), *ranks, *last))


def rank(record: Record) -> Check:
    """The largest numerical rank of dL/dW_hh by what it may be: T*B, a product of vectors each.

    In cells whose W_hh acts twice in a step, twice as much. Singular values count that are above
    what rounding the T*B products can make of nothing. With T*B of H or more any matrix passes,
    and so none is judged.
    """
    checks = [
        _rank_of_layer(layer, seen, name)
        for layer, seen, name in zip(
            record.network.layers, record.layers, record.network.names, strict=True
        )
    ]
    return worst(checks)


def _rank_of_layer(layer: Layer, seen: LayerRecord, name: str) -> Check:
    if "W_hh" not in seen.grads:
        return open_question(RANK, f"{RANK}: does not apply: {layer.cell.title} has no W_hh.")
    dW = seen.grads["W_hh"].astype(np.float64)
    values = np.linalg.svd(dW, compute_uv=False)
    eps = float(np.finfo(seen.h.dtype).eps)
    steps = seen.pre.shape[0] * seen.pre.shape[1]
    pre, before = (rows(part).astype(np.float64, copy=False) for part in (seen.pre, seen.h[:-1]))
    largest = max(float(values[0]), float(norms(pre) @ norms(before)))
    found = int(np.count_nonzero(values > max(*dW.shape, steps) * eps * largest))
    products = 2 if isinstance(layer.cell, _TWO_PRODUCTS) else 1
    most = products * steps
    bound = f"at most {'2' * (products - 1)}T·B = {most:,}"
    text = f"{RANK}: {found} in {name}, should be {bound}"
    brief = f"rank of ∂L/∂W_hh {found:,} of at most {most:,}"
    if most >= min(dW.shape):
        why = f"says nothing here, as no matrix of this shape has more than {min(dW.shape)}"
        return open_question(RANK, f"{text}; {why}.", float(found), brief)
    return Check(RANK, found <= most, float(found), float(most), f"{text}.", brief)


def _differences(checked: GradientCheck) -> Check:
    name, number = DIFFERENCES, float(checked.worst.error)
    if checked.undecided == len(checked.entries):
        return open_question(name, f"{name}: {checked.sentence}")
    text = f"{name}: {checked.sentence} Up to {TOLERANCE:g} is taken as agreement."
    return Check(name, checked.passed, number, TOLERANCE, text)


def _broken(record: Record) -> str:
    """What of the run is no number, in words."""
    places: tuple[tuple[str, list[Array]], ...] = (
        ("the states overflowed", [layer.s for layer in record.layers]),
        ("the loss overflowed", [record.loss_t, record.dy]),
        ("the gradient overflowed", [layer.ds for layer in record.layers]),
        ("the gradient overflowed", [layer.pre for layer in record.layers]),
        ("the weights' gradients overflowed", list(record.grads.values())),
    )
    for words, arrays in places:
        if not all(np.isfinite(array).all() for array in arrays):
            return words
    return ""
