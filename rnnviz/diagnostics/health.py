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

    def to_frame(self) -> pd.DataFrame:
        """One row a check: name, passed, number, allowed, sentence."""
        return pd.DataFrame([vars(check) for check in self.checks])


def health(record: Record, checked: GradientCheck | None = None) -> Health:
    """Checks of the record's own gradient that a wrong backward pass does not survive.

    The product of adjoint and tangent is constant in time; in ReLU and linear units as much comes
    in as goes out; the rank of dL/dW_hh is at most T*B; and central differences of the loss agree,
    if they have been taken. No tolerance is a setting: each is what rounding can add up to.

    Parameters
    ----------
    record : Record
    checked : what ``gradient_check`` found for the same network, x and loss, for a line of its own

    Examples
    --------
    >>> import rnnviz as rv
    >>> config = rv.RunConfig(cell="relu", hidden_size=16, steps=4, batch_size=2, task="sine")
    >>> result = health(rv.run(config))
    >>> result.passed, [check.passed for check in result.checks]
    (True, [True, True, True])
    """
    names = PRODUCT, CONSERVATION, RANK
    last = () if checked is None else (_differences(checked),)
    broken = _broken(record)
    if broken:
        why = f"cannot be judged: {broken}."
        return Health((*(open_question(name, f"{name}: {why}") for name in names), *last))
    with np.errstate(all="ignore"), one_blas_thread():
        return Health((adjoint_product(record), conservation(record), rank(record), *last))


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
    terms = np.linalg.norm(rows(seen.pre).astype(np.float64), axis=1)
    terms = terms * np.linalg.norm(rows(seen.h[:-1]).astype(np.float64), axis=1)
    largest = max(float(values[0]), float(terms.sum()))
    found = int(np.count_nonzero(values > max(*dW.shape, steps) * eps * largest))
    products = 2 if isinstance(layer.cell, _TWO_PRODUCTS) else 1
    most = products * steps
    text = f"{RANK}: {found} in {name}, should be at most {'2' * (products - 1)}T·B = {most:,}"
    if most >= min(dW.shape):
        why = f"says nothing here, as no matrix of this shape has more than {min(dW.shape)}"
        return open_question(RANK, f"{text}; {why}.", float(found))
    return Check(RANK, found <= most, float(found), float(most), f"{text}.")


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
