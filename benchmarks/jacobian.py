"""Exact singular values of products of Jacobians, against plain QR at every step."""

from collections.abc import Iterator

import numpy as np

import rnnviz as rv
from benchmarks.timing import medians
from rnnviz.jacobians import backwards
from rnnviz.record import Record

STEPS, SIZE, LAGS = 1000, 64, 60
CELLS = [("tanh", SIZE), ("relu", SIZE), ("gru", SIZE), ("lstm", SIZE // 2)]


def table() -> Iterator[str]:
    """Milliseconds with 60 lags, 1000 steps and 64 numbers in the state; the target is 3."""
    yield "cell   ours ms  plain QR ms  ours / plain"
    for cell, hidden_size in CELLS:
        config = rv.RunConfig(
            cell=cell, hidden_size=hidden_size, steps=STEPS, batch_size=1, task="sine"
        )
        record = rv.run(config)
        matrices = [J.T for J in backwards(record.network.layers[0], record.top, 0, STEPS, STEPS)]
        mine, plain = medians([lambda r=record: _ours(r), lambda m=matrices: _plain(m)])
        yield f"{cell:>5} {1e3 * mine:>8.0f} {1e3 * plain:>12.0f} {mine / plain:>13.2f}"


def _ours(record: Record) -> object:
    lags = np.rint(np.linspace(1, STEPS, LAGS)).astype(int)
    return rv.diagnostics.jacobian_spectrum(record, lags, sequence=0)


def _plain(matrices: list[np.ndarray]) -> object:
    """What Lyapunov exponents take: no singular value of any product comes out of it."""
    Q = np.eye(SIZE)
    logs = np.zeros(SIZE)
    for A in matrices:
        Q, R = np.linalg.qr(A @ Q)
        logs += np.log(np.abs(np.diagonal(R)))
    return logs
