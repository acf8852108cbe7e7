"""Is what travels back the transpose of what travels forward?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rnnviz.arrays import Array, Bool, Float, Int
from rnnviz.diagnostics.check import Check, open_question
from rnnviz.diagnostics.tangent import MOVES, Tangent, dot, largest, norms
from rnnviz.network import Layer
from rnnviz.products import rows, through
from rnnviz.record import LayerRecord, Record
from rnnviz.stopping import breathe

NAME = "Adjoint and tangent"
WORTH = 1e-2
"""A state whose own tolerance is not below this is not judged: too much would pass."""
_SIGMAS = 10.0
"""Times the root of the summed squares of independent roundings: Higham and Mary (2019), A new
approach to probabilistic rounding error analysis, SIAM J. Sci. Comput. 41(5)."""
_BLOCK, _FEWEST = 1 << 17, 64
"""Entries of the largest array of a block of states, 1 MiB, and the least states in one."""


def adjoint_product(record: Record, every: int = 1) -> Check:
    """Whether <ds_t, v> is <ds_{t+1}, J_t v> and what the loss puts in, at every state.

    J_t v is what a small change v of the state becomes, by a central difference of the cell's own
    step. With ds_t = J_t^T ds_{t+1} + direct_t the two are equal for any v; each state has its
    own, drawn with the gradient's signs, so that no entry hides another. Summed over the steps
    between two states, this is what makes the product of the gradient and a change carried
    through all of them, and what the loss takes out of it on the way, the same at both. The
    number is the largest stray, as a share of the largest of the three terms; allowed is what the
    difference, measured at that step, and one step's roundings can add up to.

    Parameters
    ----------
    record : Record
    every : of the (T+1)*B states of each layer, one in this many is taken, in the order (t, b)
    """
    found = [
        _strays(layer, seen, direct, every)
        for layer, seen, direct in zip(
            record.network.layers, record.layers, _arriving(record), strict=True
        )
    ]
    return _said(found, record)


@dataclass(frozen=True)
class _Strays:
    """How far the two sides are apart at each state that was taken, and may be, as a share."""

    at: Int[Array, " N"]
    """Which of the (T+1)*B states."""
    strayed: Float[Array, " N"]
    allowed: Float[Array, " N"]
    judged: Bool[Array, " N"]

    @property
    def ratio(self) -> Float[Array, " N"]:
        """What strayed by what may; -1 where it is not judged."""
        ratio = np.where(self.judged, self.strayed / self.allowed, -1)
        return np.where(np.isnan(ratio), np.inf, ratio)


def _said(found: Sequence[_Strays], record: Record) -> Check:
    """A failure that is farthest from what may be; without one, the largest stray."""
    taken = sum(len(layer.at) for layer in found)
    judged = sum(int(layer.judged.sum()) for layer in found)
    if not judged:
        why = "no gradient is above rounding, or kinks or rounding drown the differences."
        return open_question(NAME, f"{NAME}: cannot be judged: {why}")
    passed = all((layer.ratio <= 1).all() for layer in found)
    rank = [np.where(s.judged, s.strayed, -1) if passed else s.ratio for s in found]
    number = int(np.argmax([values.max() for values in rank]))
    layer, row = found[number], int(np.argmax(rank[number]))
    strayed, allowed = float(layer.strayed[row]), float(layer.allowed[row])
    t, sequence = divmod(int(layer.at[row]), record.batch_size)
    out = taken - judged
    left_out = f" {out:,} of {taken:,} states could not be judged." if out else ""
    where = f"state {t:,} of sequence {sequence + 1:,} in {record.network.names[number]}"
    sentence = (
        f"{NAME}: the product of gradient and a change carried one step forward strays by "
        f"{strayed:.1e} of itself at {where}, the most of {judged:,} states, and should not: up to "
        f"{allowed:.1e} is rounding there.{left_out}"
    )
    whole = sum(seen.ds.shape[0] * seen.ds.shape[1] for seen in record.layers)
    brief = f"gradient and carried change agree to {strayed:.1g} at {judged:,} of {whole:,} states"
    return Check(NAME, passed, strayed, allowed, sentence, brief)


def _strays(layer: Layer, seen: LayerRecord, direct: Array, every: int) -> _Strays:
    at = np.arange(0, seen.ds.shape[0] * seen.ds.shape[1], every)
    widest = len(MOVES) * max(seen.ds.shape[2], seen.pre.shape[2])
    blocks = np.array_split(at, -(-len(at) // max(_FEWEST, _BLOCK // widest)))
    compare = _Comparison(layer, seen, direct, len(blocks[0]))
    with np.errstate(all="ignore"):
        strayed, allowed, judged = map(np.concatenate, zip(*map(compare, blocks), strict=True))
    return _Strays(at, strayed, allowed, judged)


class _Comparison:
    """Both sides at any states of one layer, a block at a time."""

    def __init__(self, layer: Layer, seen: LayerRecord, direct: Array, block: int) -> None:
        self.seen, self.direct = seen, direct
        self.block, self.tangent = block, Tangent(layer, block)
        self.drawn = _drawn(seen.ds.shape[1], seen.ds.shape[2])
        W = layer.params.get("W_hh", np.zeros((1, 1)))
        self.size_of_W = max(1.0, float(norms(W.astype(np.float64)).max()))

    def __call__(self, at: Int[Array, " N"]) -> tuple[Array, Array, Array]:
        """How far the two sides are apart, may be, and whether that says anything."""
        breathe()
        count = len(at)
        at = np.resize(at, self.block)  # a tape has one length
        seen, B = self.seen, self.seen.ds.shape[1]
        ds, after, direct = _rows(seen.ds, at), _rows(seen.ds, at + B), _rows(self.direct, at - B)
        scale = np.max([largest(part) for part in (ds, after, direct)], axis=0)
        scale[scale == 0] = 1
        ds, after, direct = ds / scale[:, None], after / scale[:, None], direct / scale[:, None]
        v = np.copysign(self.drawn[at % B], ds)
        carried, off = self.tangent(_rows(seen.x, at), _rows(seen.s, at), v, after)
        kept, put_in = dot(ds, v), dot(direct, v[:, : direct.shape[1]])
        whole = np.max(np.abs([kept, carried, put_in]), axis=0)
        da = _rows(seen.pre, at) / scale[:, None]
        allowed = (off + _SIGMAS * self._rounding(ds, after, direct, da)) / whole
        info = np.finfo(seen.ds.dtype)
        judged = (whole * scale > float(info.smallest_normal / info.eps)) & (allowed < WORTH)
        strayed = np.abs(kept - carried - put_in) / whole
        return strayed[:count], allowed[:count], judged[:count]

    def _rounding(self, ds: Array, after: Array, direct: Array, da: Array) -> Float[Array, " N"]:
        """One step's rounding of the gradient: in sums of G*H products, and in the slopes."""
        sums = norms(ds) + norms(direct)
        sums += self.size_of_W * norms(da)
        slopes = self.size_of_W * norms(after)
        eps = float(np.finfo(self.seen.ds.dtype).eps)
        rounding: Array = eps * (np.sqrt(da.shape[1] + 8) * sums + slopes)
        return rounding


def _drawn(batch_size: int, size: int) -> Float[Array, "B S"]:
    """Directions of length 1 in which no entry is much smaller than another; signs come later."""
    drawn = np.random.default_rng(0).uniform(0.5, 1.5, (batch_size, size))
    unit: Array = drawn / norms(drawn)[:, None]
    return unit


def _rows(array: Float[Array, "T B N"], at: Int[Array, " R"]) -> Float[Array, "R N"]:
    """Some (t, b) in float64, counted through; zeros before the first and behind the last."""
    flat = rows(array)
    there = (at >= 0) & (at < len(flat))
    taken: Array = flat[np.where(there, at, 0)].astype(np.float64, copy=False)
    taken[~there] = 0
    return taken


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
            found[n] = np.ascontiguousarray(part[way])
            if level[0]:
                below.append(through(*layer.cell.to_input(layer.params, seen.pre, seen.x))[way])
        above = np.sum(below, axis=0) if level[0] else above
    return [found[n] for n in range(len(found))]
