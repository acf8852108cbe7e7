"""BPTT with its scale carried along: a derivative of 1e-900 is a number and not a zero."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from rnnviz.arrays import Array, Float, Int, PerStep
from rnnviz.cells import Adjoint
from rnnviz.network import Layer
from rnnviz.products import one_blas_thread, through
from rnnviz.record import LayerRecord, Record
from rnnviz.stopping import PIECE, breathe

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

    def times(self, factor: Float[Array, "*N B M"]) -> "Scaled":
        """Each entry multiplied, and the scale taken out again."""
        with np.errstate(all="ignore"):
            return _normalised(self.mantissa * factor, self.exponent)

    def plus(self, other: "Scaled") -> "Scaled":
        """The sum, to the precision of the larger of the two."""
        with np.errstate(all="ignore"):
            return _sum(self, other)

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
    above = _normalised(dy if W_hy is None else through(dy, W_hy), zeros)
    flows: dict[int, Scaled] = {}
    with np.errstate(all="ignore"), one_blas_thread():
        for level in reversed(network.levels):
            below = above if network.residual else None
            first = 0
            for n in level:
                layer, seen = network.layers[n], record.layers[n]
                last = first + layer.cell.hidden_size
                flows[n], da = _layer_pass(layer, seen, _part(layer, above, first, last))
                first = last
                if level[0] > 0:
                    into = through(*layer.cell.to_input(layer.params, da, seen.x))
                    come = _in_order(layer, _normalised(into, flows[n].exponent[1:]))
                    below = come if below is None else _sum(below, come)
            above = below or above
    return tuple(flows[n] for n in range(len(flows)))


def _part(layer: Layer, above: Scaled, first: int, last: int) -> Scaled:
    """What of the derivative by a level's outputs is by this layer's, as it takes its steps."""
    return _in_order(layer, Scaled(above.mantissa[..., first:last], above.exponent))


def _in_order(layer: Layer, scaled: Scaled) -> Scaled:
    if not layer.reverse:
        return scaled
    return Scaled(scaled.mantissa[::-1], scaled.exponent[::-1])


def _layer_pass(layer: Layer, seen: LayerRecord, direct: Scaled) -> tuple[Scaled, Array]:
    parts = {name: np.zeros_like(state) for name, state in seen.tape.states.items()}
    da = np.empty_like(seen.pre)
    exponent = np.zeros(seen.h.shape[:2], np.int64)
    step = layer.cell.backward(layer.params, seen.tape, Adjoint(parts, da))
    fed: Array = np.any(direct.mantissa, axis=(1, 2))
    parts["h"][-1], exponent[-1] = direct.mantissa[-1], direct.exponent[-1]
    every = normalise_every(layer)
    for t in reversed(range(len(da))):
        if not t % PIECE:
            breathe()
        step(t)
        exponent[t] = exponent[t + 1]
        arrives = t > 0 and fed[t - 1]
        if arrives or t % every == 0:
            flow = _normalised(_at(parts, t), exponent[t])
            if arrives:
                flow = _sum(flow, _as_state(direct, t - 1, flow.mantissa.shape[-1]))
            _put(parts, t, flow.mantissa)
            exponent[t] = flow.exponent
    arrays = list(parts.values())
    whole = arrays[0] if len(arrays) == 1 else np.concatenate(arrays, axis=2)
    return Scaled(whole, exponent), da


def _at(parts: Mapping[str, PerStep], t: int) -> Array:
    """The derivative by the whole state at t, its parts side by side."""
    arrays = [part[t] for part in parts.values()]
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays, axis=-1)


def _put(parts: Mapping[str, PerStep], t: int, state: Array) -> None:
    """The inverse of ``_at``."""
    for part, piece in zip(parts.values(), np.split(state, len(parts), axis=-1), strict=True):
        part[t][...] = piece


def _as_state(direct: Scaled, t: int, size: int) -> Scaled:
    """What the loss leaves at one step, in the h part of a state of this size."""
    whole = np.zeros((*direct.mantissa.shape[1:-1], size), direct.mantissa.dtype)
    whole[..., : direct.mantissa.shape[-1]] = direct.mantissa[t]
    return Scaled(whole, direct.exponent[t])


def normalise_every(layer: Layer) -> int:
    """Steps from one normalisation to the next: eight where they cannot cross float64's range.

    A step of a cell without gates multiplies by a slope, which a saturated tanh rounds to 2**-53
    at the least, and by weights. float32's range can be crossed in two steps of any network.
    """
    W = layer.params.get("W_hh")
    if W is None or W.dtype != np.float64 or layer.cell.gate_names:
        return 1
    size = np.abs(W)
    smallest, largest = size.min(where=size > 0, initial=1.0), size.sum(axis=0).max()
    return 8 if smallest >= 2.0**-60 and largest <= 2.0**120 else 1


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


def pull_back(layer: Layer, seen: LayerRecord, last: Float[Array, "K B S"]) -> Iterator[Array]:
    """Carry K gradients back from the last state at once, yielding them at each state before it.

    What is yielded may be changed in place, and is carried on as changed: two buffers take
    turns, so that memory does not grow with T.
    """
    steps, cell = len(seen.pre), layer.cell
    buffers = np.zeros((2, len(cell.state_names), *last.shape[:-1], cell.hidden_size), last.dtype)
    parts = {
        name: [buffers[(steps - t) % 2, n] for t in range(steps + 1)]
        for n, name in enumerate(cell.state_names)
    }
    _put(parts, steps, last)
    da = [np.empty((*last.shape[:-1], seen.pre.shape[-1]), last.dtype)] * steps
    step = cell.backward(layer.params, seen.tape, Adjoint(parts, da))
    for t in reversed(range(steps)):
        breathe()
        parts["h"][t][:] = 0
        step(t)
        state = _at(parts, t)
        yield state
        if len(parts) > 1:
            _put(parts, t, state)
