"""Is what travels back the transpose of what travels forward?"""

from dataclasses import dataclass

import numpy as np

from rnnviz.arrays import Array, Bool, Float
from rnnviz.diagnostics.check import Check, open_question, worst
from rnnviz.diagnostics.tangent import Tangent, tangents
from rnnviz.network import Layer
from rnnviz.products import through
from rnnviz.record import LayerRecord, Record

NAME = "Adjoint and tangent"
WORTH = 1e-2
"""A sequence whose own tolerance is not below this is not judged: too much would pass."""
_SIGMAS = 10.0
"""Times the root of the summed squares of independent roundings: Higham and Mary (2019), A new
approach to probabilistic rounding error analysis, SIAM J. Sci. Comput. 41(5)."""


def adjoint_product(record: Record) -> Check:
    """Whether <ds_t, v_t>, with what the loss takes out on the way, is the same at every state.

    v_t is a small change of the first state, carried forward by central differences of the
    cell's own steps. With ds_t = J_t^T ds_{t+1} + direct_t and v_{t+1} = J_t v_t, the sum of
    <ds_t, v_t> and of <direct_u, v_u> over the u before t does not depend on t. The number is how
    far it strays, as a share of itself; allowed is what the differences, measured at each step,
    and the roundings of the backward pass can add up to.
    """
    arriving = _arriving(record)
    return worst(
        [
            _of_layer(record, number, direct.astype(np.float64))
            for number, direct in enumerate(arriving)
        ]
    )


@dataclass(frozen=True)
class _Drift:
    """How far each sequence's product strays from where it began, and may stray."""

    strayed: Float[Array, " B"]
    allowed: Float[Array, " B"]
    judged: Bool[Array, " B"]


def _of_layer(record: Record, number: int, direct: Float[Array, "T B H"]) -> Check:
    layer, seen = record.network.layers[number], record.layers[number]
    first, last = _span(seen)
    where = f"in {record.network.names[number]} "
    if last - first < 1:
        why = "cannot be judged: no state before the last has a gradient above rounding."
        return open_question(NAME, f"{NAME}: {where}{why}")
    drift = _drift(layer, seen, direct, first, last)
    if not drift.judged.any():
        why = "cannot be judged: kinks or rounding drown the differences."
        return open_question(NAME, f"{NAME}: {where}{why}")
    ratio = np.where(drift.judged, drift.strayed / drift.allowed, -1)
    at = int(np.argmax(np.where(np.isnan(ratio), np.inf, ratio)))
    strayed, allowed = float(drift.strayed[at]), float(drift.allowed[at])
    passed = strayed <= allowed
    out = int((~drift.judged).sum())
    left_out = f" {out} of {len(ratio)} sequences could not be judged." if out else ""
    sentence = (
        f"{NAME}: the product of gradient and a carried change strays by {strayed:.1e} of itself "
        f"over {last - first:,} steps {where}and should be constant: up to {allowed:.1e} is "
        f"rounding.{left_out}"
    )
    return Check(NAME, passed, strayed, allowed, sentence)


def _span(seen: LayerRecord) -> tuple[int, int]:
    """The states between which the gradient is above what its precision can hold with all digits.

    Back from the last that has any.
    """
    size = np.abs(seen.ds).max(axis=(1, 2))
    info = np.finfo(seen.ds.dtype)
    last = int(np.flatnonzero(size)[-1]) if size.any() else 0
    lost = np.flatnonzero(size[: last + 1] < float(info.smallest_normal / info.eps))
    return (int(lost[-1]) + 1 if len(lost) else 0), last


def _drift(layer: Layer, seen: LayerRecord, direct: Array, first: int, last: int) -> _Drift:
    H, rounding = layer.cell.hidden_size, _rounding(layer, seen)
    start = _start(seen.ds[first])
    products, given = [], np.zeros(len(start))
    by_difference, by_rounding = np.zeros(len(start)), np.zeros(len(start))
    with np.errstate(all="ignore"):
        for t, tangent in enumerate(tangents(layer, seen, start, first, last), first):
            ds = seen.ds[t].astype(np.float64)
            product = _times_length(_dot(ds, tangent.direction), tangent) + given
            products.append(product)
            if t > 0:
                by_h = _dot(direct[t - 1], tangent.direction[:, :H])
                given = given + _times_length(by_h, tangent)
            size = _times_length(np.linalg.norm(ds, axis=1), tangent)
            by_difference += size * tangent.error
            by_rounding += (rounding * size) ** 2
        whole = np.abs(products[0])
        strayed = np.max(np.abs(np.array(products) - products[0]), axis=0) / whole
        allowed = (by_difference + _SIGMAS * np.sqrt(by_rounding)) / whole
        return _Drift(strayed, allowed, (whole > 0) & (allowed < WORTH))


def _start(ds: Float[Array, "B S"]) -> Float[Array, "B S"]:
    """A drawn direction with the gradient's signs, so that no entry hides another."""
    start: Array = np.abs(np.random.default_rng(0).normal(size=ds.shape)) * np.sign(ds)
    return start


def _rounding(layer: Layer, seen: LayerRecord) -> float:
    """One step's rounding of the gradient, as a share of it: sums of G*H products, and W's size."""
    W = layer.params.get("W_hh")
    size = 1.0 if W is None else max(1.0, float(np.linalg.norm(W, 2)))
    return float(np.finfo(seen.ds.dtype).eps) * float(np.sqrt(seen.pre.shape[2] + 8)) * size


def _times_length(values: Float[Array, " B"], tangent: Tangent) -> Float[Array, " B"]:
    half = np.exp2(tangent.log2_length / 2)  # the whole may be beyond any float
    scaled: Array = values * half * half
    return scaled


def _dot(one: Float[Array, "B N"], other: Float[Array, "B N"]) -> Float[Array, " B"]:
    dot: Array = np.einsum("bn,bn->b", one, other)
    return dot


def _arriving(record: Record) -> list[Array]:
    """What reaches each layer's h from above, by step as the layer takes them."""
    network, found = record.network, {}
    W_hy = network.readout.params["W_hy"] if network.readout else None
    above = record.dy if W_hy is None else through(record.dy, W_hy)
    for level in reversed(network.levels):
        ends = np.cumsum([network.layers[n].cell.hidden_size for n in level])[:-1]
        below = [above] if network.residual and level[0] else []
        for n, part in zip(level, np.split(above, ends, axis=2), strict=True):
            layer, seen = network.layers[n], record.layers[n]
            way = slice(None, None, -1 if layer.reverse else None)
            found[n] = part[way]
            if level[0]:
                below.append(through(*layer.cell.to_input(layer.params, seen.pre, seen.x))[way])
        above = np.sum(below, axis=0) if level[0] else above
    return [found[n] for n in range(len(found))]
