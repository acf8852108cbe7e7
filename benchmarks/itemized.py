"""Every step's loss sent back by itself, against PyTorch and our own pass once per source."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch

from benchmarks.peers import STEPS, Case, Work, filled, hidden, ours, readout_of
from benchmarks.timing import medians
from rnnviz.diagnostics import itemized
from rnnviz.record import Record
from rnnviz.sources import cut
from rnnviz.unroll import backward

CASES = [
    Case(300, 16, 64),
    Case(300, 16, 64, dtype="float32"),
    Case(300, 16, 64, "lstm"),
    Case(100, 16, 64),
]
CLOSE = {"float64": 1e-9, "float32": 1e-3}


def table() -> Iterator[str]:
    """Our time at each size, and how many times longer the others take."""
    yield "cell, dtype           T   B    H   ours ms  PyTorch, a backward each  our pass each"
    for case in CASES:
        work, _, x, target = ours(case)
        record = work()
        assert isinstance(record, Record)
        peers = [_pytorch(record, x, target), _own(record)]
        log10 = itemized(record).log10_norm
        for peer in peers if case.cell == "tanh" else peers[1:]:  # PyTorch's dL/dc is the total
            with np.errstate(divide="ignore"):
                found = np.log10(peer())
            held = log10 > -18  # a square below that is none in float32
            np.testing.assert_allclose(found[held], log10[held], rtol=0, atol=CLOSE[case.dtype])
        mine, others, own = medians([lambda record=record: itemized(record), *peers], rounds=3)
        yield (
            f"{case.cell:<8} {case.dtype:<8} {case.T:>5} {case.B:>3} {case.H:>4} "
            f"{mine * 1e3:>9.1f} {others / mine:>24.1f}x {own / mine:>13.1f}x"
        )
    yield f"float32 at the first of these sizes: {_times_faster_in_float32(CASES[0]):.2f}x as fast"


def _times_faster_in_float32(case: Case) -> float:
    """Both precisions in turn, so that a machine that drifts does so under both."""
    records = [ours(replace(case, dtype=dtype))[0]() for dtype in CLOSE]
    double, single = medians([lambda r=record: itemized(r) for record in records], rounds=15)
    return double / single


def _pytorch(record: Record, x: np.ndarray, target: np.ndarray) -> Work:
    """A cell in a loop, its graph kept, and one backward for each step's loss."""
    network = record.network
    kind, (T, B, _) = type(network.layers[0].cell).__name__, x.shape
    dtype = torch.tensor(x).dtype
    cell = filled(STEPS[kind](x.shape[2], hidden(network), dtype=dtype), network)
    readout, x_twin, y_twin = readout_of(network, x), torch.tensor(x), torch.tensor(target)

    def work() -> object:
        h = torch.zeros(B, hidden(network), dtype=dtype, requires_grad=True)
        c = torch.zeros_like(h, requires_grad=True)
        state: object = (h, c) if kind == "LSTM" else h
        states = [state]
        for x_t in x_twin:
            state = cell(x_t, state)
            states.append(state)
        parts = [s if kind == "LSTM" else (s,) for s in states]
        norms = np.zeros((T, T + 1))
        for s in range(T):
            loss = ((readout(parts[s + 1][0]) - y_twin[s]) ** 2).sum() / target.size
            reached = [part for state in parts[: s + 2] for part in state]
            grads = torch.autograd.grad(loss, reached, retain_graph=True, allow_unused=True)
            norms[s, : s + 2] = _norms(grads, len(parts[0]))
        return norms

    return work


def _norms(grads: tuple[torch.Tensor | None, ...], parts: int) -> np.ndarray:
    """The batch mean of the norm of each state's whole gradient."""
    zero = torch.zeros_like(next(grad for grad in grads if grad is not None))
    whole = torch.stack([zero if grad is None else grad for grad in grads])
    joined = whole.reshape(-1, parts, *zero.shape)
    return joined.square().sum(dim=(1, 3)).sqrt().mean(dim=1).numpy()


def _own(record: Record) -> Work:
    """Our own backward pass over the steps up to each source, parameters included."""
    layer, seen = record.network.layers[0], record.layers[0]
    assert record.network.readout
    W_hy = record.network.readout.params["W_hy"]

    def work() -> object:
        T = record.steps
        norms = np.zeros((T, T + 1))
        for s in range(T):
            steps = slice(0, s + 1)
            dy = np.zeros_like(record.dy[steps])
            dy[s] = record.dy[s]
            ds = backward(layer, seen.x[steps], cut(seen.tape, steps), (dy, W_hy)).ds
            norms[s, : s + 2] = np.sqrt(np.einsum("tbs,tbs->tb", ds, ds)).mean(axis=1)
        return norms

    return work
