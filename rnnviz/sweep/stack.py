"""Many experiments of one shape at once: forward, and the last loss back, for their gradient flow.

The sequences of all experiments lie behind each other in one batch, and every product of an
experiment is one of its own, of a shape that no other experiment enters: what comes of an
experiment is the same to the bit, alone or in any company. A shorter sequence that begins a longer
one is not run again: its loss is one more source on the way back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from rnnviz.adjoint import normalise_every
from rnnviz.arrays import Array, Float, Params
from rnnviz.cells import Adjoint, Tape
from rnnviz.diagnostics.gradient_flow import log10_mean
from rnnviz.network import Layer, Network
from rnnviz.products import one_blas_thread
from rnnviz.tasks import Batch

PROJECTED = 32
"""Steps whose input is projected together: a number that does not depend on the length."""
_LOG10_2 = np.log10(2.0)


@dataclass(frozen=True)
class Flowed:
    """What a stack says of one experiment at one length."""

    loss: float
    log10_norm: Float[Array, " N"]
    """log10 of the batch mean of the norm of the last loss's derivative by each state, up to the
    one that it looks at first."""


@dataclass(frozen=True)
class Stack:
    """Networks of one ``shape``, and for each its batches at some lengths, the longest first.

    The inputs of the shorter batches begin those of the longest.
    """

    networks: Sequence[Network]
    batches: Sequence[Sequence[Batch]]
    loss_at: str

    @cached_property
    def size(self) -> int:
        """E: how many experiments there are."""
        return len(self.networks)

    def run(self) -> list[list[Flowed]]:
        """For each network, what comes of each of its batches."""
        with np.errstate(all="ignore"), one_blas_thread():
            x = np.concatenate([batches[0].x for batches in self.batches], axis=1)
            for number in range(len(self.networks[0].layers)):
                tape = _forward([network.layers[number] for network in self.networks], x)
                x = tape.h[1:]
            sources = [self._sources(e, x) for e in range(self.size)]
            return self._back(tape, sources)

    def _sources(self, e: int, top: Array) -> list["_Source"]:
        """The last loss of each batch of one experiment, and the derivative that starts there."""
        network, found = self.networks[e], []
        B = top.shape[1] // self.size
        own = top[:, e * B : (e + 1) * B]
        for batch in self.batches[e]:
            y = _read_out(network, own[: len(batch.x)])
            loss_t, dy = batch.loss(self.loss_at).value_and_grad(y)
            active = np.flatnonzero(dy.any(axis=(1, 2)))
            last = int(active[-1]) if len(active) else len(y) - 1
            dh = dy[last] @ network.readout.params["W_hy"] if network.readout else dy[last]
            found.append(_Source(float(loss_t.sum()), last, dh))
        return found

    def _back(self, tape: Tape, sources: list[list["_Source"]]) -> list[list[Flowed]]:
        layers = [network.layers[-1] for network in self.networks]
        ends = sorted({source.last for own in sources for source in own}, reverse=True)
        flow = _Flow(layers, tape, max(len(own) for own in sources))
        rank = [sorted(own, key=lambda source: -source.last) for own in sources]
        for stop, start in pairwise([*ends, -1]):
            for e, own in enumerate(rank):
                for k, source in enumerate(own):
                    if source.last == stop:
                        flow.join(k, e, source)
            flow.carry(stop, start)
        return [
            [flow.of(e, rank[e].index(source), source) for source in own]
            for e, own in enumerate(sources)
        ]


@dataclass(frozen=True, eq=False)
class _Source:
    loss: float
    last: int
    """The step of the loss that travels back."""
    dh: Float[Array, "B H"]


def begins(short: Array, long: Array) -> bool:
    """Whether the shorter input is how the longer one begins."""
    return len(short) <= len(long) and np.array_equal(short, long[: len(short)])


def shape(network: Network, batch: Batch) -> tuple[object, ...]:
    """What the networks and batches of a stack have in common."""
    sizes = [(name, W.shape, W.dtype) for name, W in network.params.items()]
    cells = [layer.cell for layer in network.layers]
    return *cells, *sizes, batch.x.shape, normalise_every(network.layers[-1])


def takes(network: Network) -> bool:
    """Whether networks like this one can be stacked."""
    plain = not network.residual and not any(layer.reverse for layer in network.layers)
    return plain and all(layer.cell.stacks for layer in network.layers)


def stacked(layers: Sequence[Layer]) -> Params:
    """What the steps of a cell use of the parameters, those of all experiments on a new axis."""
    names = [name for name in ("W_hh", "b_hh") if name in layers[0].params]
    return {name: np.stack([layer.params[name] for layer in layers]) for name in names}


def part_of(tape: Tape, steps: slice) -> Tape:
    """Some of a tape's steps, as views."""
    states = {n: state[steps.start : steps.stop + 1] for n, state in tape.states.items()}
    gates = {name: gate[steps] for name, gate in tape.gates.items()}
    return Tape(tape.a[steps], states, gates, {n: kept[steps] for n, kept in tape.kept.items()})


def _forward(layers: Sequence[Layer], x: Float[Array, "T R I"]) -> Tape:
    """One layer of all experiments over what each reads, R rows a step."""
    cell, (T, R, I) = layers[0].cell, x.shape
    B = R // len(layers)
    tape = cell.tape(T, R, x.dtype)
    for state in tape.states.values():
        state[0] = 0
    padded = np.zeros((PROJECTED, B, I), x.dtype)
    projected = np.empty((PROJECTED, B, tape.a.shape[2]), x.dtype)
    step = cell.forward(stacked(layers), tape)
    for start in range(0, T, PROJECTED):
        stop = min(start + PROJECTED, T)
        for e, layer in enumerate(layers):
            own = slice(e * B, (e + 1) * B)
            padded[: stop - start] = x[start:stop, own]
            cell.project(layer.params, padded, projected)
            tape.a[start:stop, own] = projected[: stop - start]
        for t in range(start, stop):
            step(t)
    return tape


def _read_out(network: Network, h: Float[Array, "T B H"]) -> Float[Array, "T B O"]:
    if network.readout is None:
        return h
    y: Array = h @ network.readout.params["W_hy"].T
    return y + network.readout.params["b_y"]


class _Flow:
    """The derivatives of K losses of each experiment, on their way back together."""

    def __init__(self, layers: Sequence[Layer], tape: Tape, K: int) -> None:
        self.tape, self.cell = tape, layers[0].cell
        self.params = stacked(layers)
        self.W_hh = self.params["W_hh"]
        self.steps, self.rows, _ = tape.a.shape
        self.K, self.E = K, len(layers)
        shape = (2, K, self.rows, self.cell.hidden_size)
        self.states = {name: np.zeros(shape, tape.a.dtype) for name in self.cell.state_names}
        self.da = np.empty((K, self.rows, tape.a.shape[2]), tape.a.dtype)
        self.exponent = np.zeros((K, self.rows), np.int64)
        self.log10 = np.full((self.steps + 1, K, self.rows), -np.inf)
        self.every = normalise_every(layers[0])
        self.going = 0

    def join(self, k: int, e: int, source: _Source) -> None:
        """Let the k-th loss of an experiment in, at the state behind its step."""
        B = self.rows // self.E
        at = source.last + 1
        own = slice(e * B, (e + 1) * B)
        for state in self.states.values():
            state[at % 2, k, own] = 0
        self.states["h"][at % 2, k, own] = source.dh
        self.exponent[k, own] = 0
        self.going = max(self.going, k + 1)
        self._normalise(at % 2, slice(k, k + 1))
        self._note(at, slice(k, k + 1))

    def carry(self, stop: int, start: int) -> None:
        """From the state behind step ``stop`` to the one behind ``start``."""
        going, first = slice(0, self.going), start + 1
        parts = {
            name: [state[t % 2, going] for t in range(first, stop + 2)]
            for name, state in self.states.items()
        }
        adjoint = Adjoint(parts, [self.da[going]] * (stop - start))
        W = self.params | {"W_hh": np.broadcast_to(self.W_hh, (self.going, *self.W_hh.shape))}
        step = self.cell.backward(W, part_of(self.tape, slice(first, stop + 1)), adjoint)
        for t in range(stop, start, -1):
            parts["h"][t - first][...] = 0
            step(t - first)
            if t % self.every == 0:
                self._normalise(t % 2, going)
            self._note(t, going)

    def of(self, e: int, k: int, source: _Source) -> Flowed:
        """What the k-th loss of an experiment says, up to the state that it looks at first."""
        B = self.rows // self.E
        norms = self.log10[: source.last + 2, k, e * B : (e + 1) * B]
        return Flowed(source.loss, log10_mean(norms))

    def _normalise(self, at: int, going: slice) -> None:
        """Take the power of two out of each row."""
        parts = [state[at, going] for state in self.states.values()]
        largest = np.max([np.abs(part).max(axis=-1) for part in parts], axis=0)
        _, shift = np.frexp(largest)
        for part in parts:
            np.ldexp(part, -shift[..., None], out=part)
        self.exponent[going] += shift

    def _note(self, t: int, going: slice) -> None:
        """Keep the norms at a state."""
        squares = sum(
            np.einsum("krm,krm->kr", part, part)
            for part in (state[t % 2, going] for state in self.states.values())
        )
        norm = np.sqrt(np.asarray(squares)).astype(np.float64)
        self.log10[t, going] = np.log10(norm) + self.exponent[going] * _LOG10_2
