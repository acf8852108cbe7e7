"""Does as much come into each unit as goes out of it?"""

from dataclasses import dataclass

import numpy as np

from rnnviz.arrays import Array, Float, Params
from rnnviz.cells import Tape
from rnnviz.cells.indrnn import IndRNN
from rnnviz.cells.vanilla import Linear, ReLU
from rnnviz.diagnostics.check import Check, open_question, worst
from rnnviz.network import Layer
from rnnviz.products import rows
from rnnviz.record import LayerRecord, Record

NAME = "Conservation by unit"
HOMOGENEOUS = (ReLU, Linear, IndRNN)
"""Cells whose f doubles when its argument does: f'(a) a = f(a)."""


def conservation(record: Record) -> Check:
    """Whether each unit's weights times their gradients add up to its states times theirs.

    For f'(a) a = f(a): sum_t h_t dh_t = sum_t a_t da_t = the sum over the unit's incoming weights
    and biases of each times its gradient. It is what makes the incoming and outgoing weights of a
    unit balance in feed-forward networks: Du, Hu and Lee (2018), Algorithmic regularization in
    learning deep homogeneous models: layers are automatically balanced, NeurIPS, theorem 2.1. In
    a recurrent network W_hh counts on both sides, and the states stand for what goes out.
    The number is the largest difference of the three sums in any unit, by what its terms add up
    to without their signs; allowed is what rounding can make of that.
    """
    names = record.network.names
    return worst(
        [
            _of_layer(layer, seen, name)
            for layer, seen, name in zip(record.network.layers, record.layers, names, strict=True)
        ]
    )


@dataclass(frozen=True)
class _Sums:
    """Each unit's sums over all steps and sequences."""

    by_weights: Float[Array, " H"]
    by_arguments: Float[Array, " H"]
    by_states: Float[Array, " H"]
    unsigned: Float[Array, " H"]
    """What every term adds up to without signs."""


def _of_layer(layer: Layer, seen: LayerRecord, name: str) -> Check:
    if not isinstance(layer.cell, HOMOGENEOUS):
        return open_question(
            NAME, f"{NAME}: does not apply: {layer.cell.title} is not homogeneous, as ReLU is."
        )
    with np.errstate(all="ignore"):
        sums = _sums(layer, seen)
        off = np.maximum(
            np.abs(sums.by_weights - sums.by_arguments), np.abs(sums.by_states - sums.by_arguments)
        )
        share = off / sums.unsigned
    info = np.finfo(seen.h.dtype)
    judged = sums.unsigned > float(info.smallest_normal / info.eps)
    if not judged.any():
        why = "cannot be judged: no unit has a gradient above rounding."
        return open_question(NAME, f"{NAME}: in {name} {why}")
    allowed = _allowed(layer, seen)
    share = np.where(judged, share, 0)
    unit = int(np.argmax(share))
    sentence = (
        f"{NAME}: what comes into unit {unit} of {name} and what goes out of it differ by "
        f"{share[unit]:.1e} of their size, the most of {len(share):,} units, and should not: up "
        f"to {allowed:.1e} is rounding."
    )
    brief = f"conservation by unit to {share[unit]:.1g}"
    passed = bool(share[unit] <= allowed)
    return Check(NAME, passed, float(share[unit]), allowed, sentence, brief)


def _sums(layer: Layer, seen: LayerRecord) -> _Sums:
    params = {key: W.astype(np.float64) for key, W in layer.params.items()}
    da, after = rows(seen.da), rows(seen.h[1:])
    if da.dtype != np.float64:
        da, after = da.astype(np.float64), after.astype(np.float64)
    # The gradients' own products, of sizes: as much as each could be if no term had a sign.
    tape = Tape(seen.tape.a, {"h": np.abs(seen.h).astype(np.float64, copy=False)})
    sizes = np.abs(seen.da).astype(np.float64, copy=False), np.abs(seen.x).astype(np.float64)
    unsigned = layer.cell.grads(params, tape, *sizes, slice(0, len(seen.x)))
    return _Sums(
        by_weights=_by_unit(params, seen.grads),
        by_arguments=np.einsum("rh,rh->h", after, da),
        by_states=np.einsum("rh,rh->h", after, rows(seen.dh[1:])),
        unsigned=_by_unit({key: np.abs(W) for key, W in params.items()}, unsigned),
    )


def _by_unit(params: Params, grads: Params) -> Float[Array, " H"]:
    """Each unit's weights times what stands for their gradients."""
    products = [(W * grads[key]).reshape(len(W), -1).sum(axis=1) for key, W in params.items()]
    total: Array = np.sum(products, axis=0)
    return total


def _allowed(layer: Layer, seen: LayerRecord) -> float:
    """n roundings in a row: n eps at the worst, about 10 sqrt(n) eps as they are.

    n counts the terms of a gradient, T*B, and of a pre-activation, I + H. Higham and Mary (2019),
    A new approach to probabilistic rounding error analysis, SIAM J. Sci. Comput. 41(5).
    """
    n = seen.da.shape[0] * seen.da.shape[1] + layer.cell.input_size + layer.cell.hidden_size + 4
    return float(min(n, 10 * np.sqrt(n)) * np.finfo(seen.h.dtype).eps)
