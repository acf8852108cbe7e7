"""BPTT with its scale carried along: a derivative of 1e-900 is a number and not a zero."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from rnnviz.arrays import Array, Float, Int
from rnnviz.cells import Adjoint
from rnnviz.network import Layer
from rnnviz.products import one_blas_thread, through
from rnnviz.record import LayerRecord, Record

_LOG10_2 = np.log10(2.0)
_FAR = 1 << 14
"""More powers of two than any float spans: a shift by this much is a zero or an infinity."""


@dataclass(frozen=True, slots=True)
class Scaled:
    """``mantissa * 2**exponent``, with an exponent for each step and sequence."""

    mantissa: Float[Array, "*N B M"]
    exponent: Int[Array, "*N B"]

    def log10_norm(self) -> Float[Array, "N B"]:
        """log10 of the Euclidean norm at each step: -inf only for an exact zero."""
        with np.errstate(all="ignore"):
            norm = np.sqrt(np.einsum("tbm,tbm->tb", self.mantissa, self.mantissa))
            log10: Array = np.log10(norm.astype(np.float64)) + self.exponent * _LOG10_2
        return log10

    def log10_abs(self, sequence: int) -> Float[Array, "N M"]:
        """log10 of each entry's size in one sequence: -inf only for an exact zero."""
        with np.errstate(all="ignore"):
            log10: Array = np.log10(np.abs(self.mantissa[:, sequence]).astype(np.float64))
            log10 += self.exponent[:, sequence, None] * _LOG10_2
        return log10

    def value(self) -> Float[Array, "N B M"]:
        """The plain numbers, as zero or infinite as the precision makes them."""
        with np.errstate(all="ignore"):
            value: Array = _times_power(self.mantissa, self.exponent)
        return value


def scaled_bptt(record: Record, dy: Float[Array, "T B O"]) -> tuple[Scaled, ...]:
    """Total derivative by every state of every layer, of a loss whose derivative by y is ``dy``.

    Each layer's result is (T+1, B, S). Every few steps back each sequence is divided by the
    power of two nearest to its largest entry, which rounds nothing.
    """
    network = record.network
    zeros = np.zeros(dy.shape[:2], np.int64)
    W_hy = network.readout.params["W_hy"] if network.readout else None
    direct = _normalised(dy if W_hy is None else through(dy, W_hy), zeros)
    flows: list[Scaled] = []
    with np.errstate(all="ignore"), one_blas_thread():
        for layer, seen in zip(reversed(network.layers), reversed(record.layers), strict=True):
            flow, da = _layer_pass(layer, seen, direct)
            flows.insert(0, flow)
            if len(flows) < len(network.layers):
                direct = _normalised(through(da, layer.params["W_ih"]), flow.exponent[1:])
    return tuple(flows)


def _layer_pass(layer: Layer, seen: LayerRecord, direct: Scaled) -> tuple[Scaled, Array]:
    dh, da = np.zeros_like(seen.h), np.empty_like(seen.da)
    exponent = np.zeros(dh.shape[:2], np.int64)
    step = layer.cell.backward(layer.params, seen.tape, Adjoint(dh, da))
    fed: Array = np.any(direct.mantissa, axis=(1, 2))
    dh[-1], exponent[-1] = direct.mantissa[-1], direct.exponent[-1]
    every = _normalise_every(layer.params["W_hh"])
    for t in reversed(range(len(da))):
        step(t)
        exponent[t] = exponent[t + 1]
        arrives = t > 0 and fed[t - 1]
        if arrives or t % every == 0:
            flow = _normalised(dh[t], exponent[t])
            if arrives:
                flow = _sum(flow, Scaled(direct.mantissa[t - 1], direct.exponent[t - 1]))
            dh[t], exponent[t] = flow.mantissa, flow.exponent
    return Scaled(dh, exponent), da


def _normalise_every(W_hh: Array) -> int:
    """Steps from one normalisation to the next: eight where they cannot cross float64's range.

    A step multiplies by a slope, which a saturated tanh rounds to 2**-53 at the least, and by
    weights. float32's range can be crossed in two steps of any network.
    """
    size = np.abs(W_hh)
    smallest, largest = size.min(where=size > 0, initial=1.0), size.sum(axis=0).max()
    safe = W_hh.dtype == np.float64 and smallest >= 2.0**-60 and largest <= 2.0**120
    return 8 if safe else 1


def _times_power(values: Array, exponent: Array) -> Array:
    """values * 2**exponent, an exponent for each row."""
    # Windows has no ldexp for shifts of 64 bits.
    shift = np.clip(exponent, -_FAR, _FAR).astype(np.int32)
    scaled: Array = np.ldexp(values, shift[..., None])
    return scaled


def _normalised(values: Array, exponent: Array) -> Scaled:
    """The same numbers with the largest entry of each row in [1/2, 1)."""
    _, shift = np.frexp(np.abs(values).max(axis=-1))  # the shift of a zero, inf or NaN is 0
    return Scaled(np.ldexp(values, -shift[..., None]), exponent + shift)


def _sum(one: Scaled, other: Scaled) -> Scaled:
    exponent = np.where(one.mantissa.any(axis=-1), one.exponent, other.exponent)
    exponent = np.where(other.mantissa.any(axis=-1), np.maximum(exponent, other.exponent), exponent)
    total = sum(_times_power(part.mantissa, part.exponent - exponent) for part in (one, other))
    return _normalised(np.asarray(total), exponent)


def pull_back(layer: Layer, seen: LayerRecord, last: Float[Array, "K B H"]) -> Iterator[Array]:
    """Carry K gradients back from the last state at once, yielding them at each state before it.

    What is yielded may be changed in place, and is carried on as changed: two buffers take
    turns, so that memory does not grow with T.
    """
    steps = len(seen.da)
    buffers = np.stack([last, np.zeros_like(last)])
    dh = [buffers[(steps - t) % 2] for t in range(steps + 1)]
    da = [np.empty((*last.shape[:-1], seen.da.shape[-1]), last.dtype)] * steps
    step = layer.cell.backward(layer.params, seen.tape, Adjoint(dh, da))
    for t in reversed(range(steps)):
        dh[t][:] = 0
        step(t)
        yield dh[t]
