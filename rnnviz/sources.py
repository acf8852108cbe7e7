"""The losses of many steps travelling back at once, each by itself: a gradient for each source."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from rnnviz.adjoint import Scaled
from rnnviz.arrays import Array, Float, Int
from rnnviz.cells import Adjoint, Tape
from rnnviz.network import Layer
from rnnviz.products import Step, through
from rnnviz.record import LayerRecord, Record
from rnnviz.stopping import breathe

BLOCK = 800_000
"""Bytes of one derivative by a state, of all sources that travel together: cache holds it."""
_SPAN = 64
"""Steps that are prepared at once: what is kept for each does not grow with T."""
_LOW, _HIGH = 2.0**-32, 2.0**32
"""Squares of norms between which nothing is scaled: no step leads from there out of a float."""
_FAR = 1 << 14
"""More powers of two than any float spans."""
_NONE = -(1 << 40)
"""The exponent of an exact zero, when it is compared with others."""


@dataclass(frozen=True, slots=True)
class Wave:
    """What the losses that have set out leave at one state; good until the next wave.

    The mantissas times ``2**exponent`` are the derivatives of each source's own loss.
    """

    sources: Int[Array, " K"]
    """The steps of these losses, the last first."""
    t: int
    """The state: step t - 1 made it."""
    parts: tuple[Array, ...]
    """Derivative by each part of the state, (K, B, H)."""
    exponent: Int[Array, "K B"]
    squares: Float[Array, "K B"]
    """The squared norm of the mantissas."""
    da: Array | None
    """Derivative by the pre-activations of the step that made the state, (K, B, G*H)."""


def waves(record: Record, sources: Int[Array, " K"], layer: int) -> Iterator[Wave]:
    """The derivative of every source's loss by every state of one layer, from the last state back.

    Blocks of sources come one after another, those of the last steps first. All layers from the
    top to this one take each step together.

    Parameters
    ----------
    sources : the steps whose losses travel
    layer : its number
    """
    if any(each.reverse for each in record.network.layers):
        raise ValueError(
            "losses travel together through layers that read forward, got a network that also "
            "reads in reverse"
        )
    widest = max(seen.h.shape[2] * len(seen.parts) for seen in record.layers[layer:])
    each = record.batch_size * widest * record.network.dtype.itemsize
    together = max(1, BLOCK // each)
    late_first = np.sort(sources)[::-1]
    for start in range(0, len(late_first), together):
        yield from _block(record, late_first[start : start + together], layer)


def _block(record: Record, sources: Int[Array, " K"], layer: int) -> Iterator[Wave]:
    numbers = range(len(record.layers) - 1, layer - 1, -1)
    fronts = [_Front(record.network.layers[n], record.layers[n], len(sources)) for n in numbers]
    set_out = 0
    for span, count in _spans(sources):
        for front in fronts:
            front.prepare(span, count)
        for t in reversed(range(span.start, span.stop)):
            breathe()
            starts = set_out < len(sources) and int(sources[set_out]) == t
            set_out += starts
            _take(record, fronts, t, set_out, starts)
            yield fronts[-1].wave(sources[:set_out], t + 1, fronts[-1].da[:set_out])
    if len(sources):
        fronts[-1].measure(0, set_out)
        yield fronts[-1].wave(sources, 0, None)


def _spans(sources: Int[Array, " K"]) -> Iterator[tuple[slice, int]]:
    """Runs of steps, and how many sources take part: some set out on the way and wait until then.

    A cell prepares its steps for one number of gradients; more runs cost more preparation, and
    fewer more sources that wait.
    """
    some = max(1, len(sources) // 12)
    ends = [*(int(s) + 1 for s in sources[::some]), 0]
    for n, (stop, start) in enumerate(pairwise(ends)):
        count = min((n + 1) * some, len(sources))
        for end in range(stop, start, -_SPAN):
            yield slice(max(start, end - _SPAN), end), count


def _take(record: Record, fronts: Sequence["_Front"], t: int, count: int, starts: bool) -> None:
    """All layers take step t, from the top down; the last of the sources sets out if it starts."""
    residual = record.network.residual
    above: Scaled | None = None
    direct = _direct(record, t) if starts else None
    for n, front in enumerate(fronts):
        if starts:
            front.clear(t + 1, count - 1)
        if n == 0 and direct is not None:
            front.parts[0][t + 1 - front.first][count - 1] = direct.mantissa[0]
            front.exponent[count - 1] = direct.exponent[0]
            above = _alone(direct, count) if residual else None
        elif n and above is not None:
            front.add(above, t + 1, count)
        front.measure(t + 1, count)
        front.step(t - front.first)
        if n + 1 < len(fronts):
            come = front.to_input(t, count)
            above = come if above is None or not residual else come.plus(above)


def _direct(record: Record, t: int) -> Scaled:
    """The derivative of the loss at step t by the outputs of the top layer, (1, B, H)."""
    readout, dy = record.network.readout, record.dy[t : t + 1]
    direct = dy if readout is None else through(dy, readout.params["W_hy"])
    unscaled = Scaled(direct, np.zeros(direct.shape[:2], np.int64))
    return unscaled.times(np.ones_like(direct))


def _alone(direct: Scaled, count: int) -> Scaled:
    """The last source's start, among others that have none."""
    mantissa = np.zeros((count, *direct.mantissa.shape[1:]), direct.mantissa.dtype)
    mantissa[-1] = direct.mantissa[0]
    exponent = np.zeros(mantissa.shape[:2], np.int64)
    exponent[-1] = direct.exponent[0]
    return Scaled(mantissa, exponent)


@dataclass
class _Front:
    """One layer's derivatives by the state that the sources have come to, and by the next."""

    layer: Layer
    seen: LayerRecord
    count: int
    first: int = 0
    """The first of the steps that are prepared."""
    parts: list[list[Array]] = field(default_factory=list)
    """By each part of the state, at each of the prepared steps."""

    def __post_init__(self) -> None:
        """Two states take turns, so that memory does not grow with T."""
        B, H = self.seen.h.shape[1:]
        names, dtype = self.layer.cell.state_names, self.seen.h.dtype
        self.buffers = np.zeros((2, len(names), self.count, B, H), dtype)
        self.da = np.empty((self.count, B, self.seen.pre.shape[2]), dtype)
        self.exponent = np.zeros((self.count, B), np.int64)
        self.squares = np.zeros((self.count, B))

    def prepare(self, span: slice, count: int) -> None:
        """Make the steps of a span ready for so many sources."""
        self.first, steps = span.start, span.stop - span.start
        turns = [list(self.buffers[turn, :, :count]) for turn in (0, 1)]
        states = [turns[t % 2] for t in range(span.start, span.stop + 1)]
        self.parts = [[state[n] for state in states] for n in range(self.buffers.shape[1])]
        names = self.layer.cell.state_names
        adjoint = Adjoint(dict(zip(names, self.parts, strict=True)), [self.da[:count]] * steps)
        tape = cut(self.seen.tape, span)
        self._step: Step = self.layer.cell.backward(self.layer.params, tape, adjoint)

    def step(self, n: int) -> None:
        """Take the n-th of the prepared steps."""
        self.parts[0][n][...] = 0
        self._step(n)

    def clear(self, t: int, row: int) -> None:
        """A source that waited has gathered what it must not: zero times infinity."""
        self.buffers[t % 2, :, row] = 0
        self.exponent[row] = 0

    def measure(self, t: int, count: int) -> None:
        """The squared norms at state t, scaled anew where they have gone far from 1."""
        state, squares = self.buffers[t % 2, :, :count], self.squares[:count]
        _squares(state, squares)
        if not (squares.min() > _LOW and squares.max() < _HIGH):
            _, shift = np.frexp(np.maximum(state.max(axis=(0, 3)), -state.min(axis=(0, 3))))
            if shift.any():
                self._rescale(state, self.exponent[:count] + shift)
                _squares(state, squares)

    def add(self, come: Scaled, t: int, count: int) -> None:
        """What comes from above, to the derivative by h at state t."""
        state, own = self.buffers[t % 2, :, :count], self.exponent[:count]
        mantissa = come.mantissa
        if (come.exponent != own).any():
            here = np.where(state.any(axis=(0, 3)), own, _NONE)
            there = np.where(mantissa.any(axis=2), come.exponent, _NONE)
            both = np.maximum(here, there)
            both[both == _NONE] = 0
            if (both != own).any():
                self._rescale(state, both)
            mantissa = _times_power(mantissa, come.exponent - both)
        state[0] += mantissa

    def to_input(self, t: int, count: int) -> Scaled:
        """The derivative by what step t read."""
        x = np.broadcast_to(self.seen.x[t], (count, *self.seen.x.shape[1:]))
        factors = self.layer.cell.to_input(self.layer.params, self.da[:count], x)
        return Scaled(through(*factors), self.exponent[:count].copy())

    def wave(self, sources: Int[Array, " K"], t: int, da: Array | None) -> Wave:
        """What has come to state t."""
        parts, count = tuple(self.buffers[t % 2, :, : len(sources)]), len(sources)
        return Wave(sources, t, parts, self.exponent[:count], self.squares[:count], da)

    def _rescale(self, state: Array, exponent: Int[Array, "K B"]) -> None:
        own = self.exponent[: len(exponent)]
        state[...] = _times_power(state, own - exponent)
        own[...] = exponent


def cut(tape: Tape, span: slice) -> Tape:
    """The steps of a span alone."""
    with_last = slice(span.start, span.stop + 1)
    groups = [{name: a[span] for name, a in group.items()} for group in (tape.gates, tape.kept)]
    states = {name: state[with_last] for name, state in tape.states.items()}
    return Tape(tape.a[span], states, *groups)


def _squares(state: Float[Array, "P K B H"], out: Float[Array, "K B"]) -> None:
    """The squared norm of each row."""
    out[...] = np.vecdot(state[0], state[0])
    for part in state[1:]:
        out += np.vecdot(part, part)


def _times_power(values: Array, exponent: Array) -> Array:
    shift = np.clip(exponent, -_FAR, _FAR).astype(np.int32)  # Windows knows no shift of 64 bits
    scaled: Array = np.ldexp(values, shift[..., None])
    return scaled
