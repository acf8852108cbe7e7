"""The whole Lyapunov spectrum with its self-test, against the same algorithm in PyTorch."""

from collections.abc import Iterator

import numpy as np
import torch

import rnnviz as rv
from benchmarks.peers import Case, Work, ours
from benchmarks.timing import medians

SIZES = [(300, 1, 64), (300, 16, 64)]
CLOSE = 1e-9


def table() -> Iterator[str]:
    """Our time, and how many times longer PyTorch takes with one QR at each step.

    Both take the states as given. PyTorch gets the Jacobian of tanh in closed form; ours is pulled
    out of the cell's backward pass, and the determinants of the sum rule are in our time.
    """
    yield "    T   B    H   ours ms  torch.linalg.qr"
    for T, B, H in SIZES:
        record = ours(Case(T, B, H))[0]()
        assert isinstance(record, rv.Record)
        work, peer = _ours(record), _theirs(record)
        np.testing.assert_allclose(work(), peer(), rtol=0, atol=CLOSE)
        mine, theirs = medians([work, peer], rounds=5)
        yield f"{T:>5} {B:>3} {H:>4} {mine * 1e3:>9.1f} {theirs / mine:>15.2f}x"


def _ours(record: rv.Record) -> Work:
    return lambda: rv.diagnostics.lyapunov(record).exponents


def _theirs(record: rv.Record) -> Work:
    h = torch.tensor(record.h)
    W = torch.tensor(record.network.params["l0.W_hh"])
    drawn = np.random.default_rng(0).normal(size=(h.shape[2], *h.shape[1:]))
    start = torch.linalg.qr(torch.tensor(np.moveaxis(drawn, 0, 2)))[0]

    def work() -> np.ndarray:
        frame, total = start, torch.zeros(h.shape[1:], dtype=h.dtype)
        for t in reversed(range(len(h) - 1)):
            slope = 1 - h[t + 1] ** 2
            frame, r = torch.linalg.qr(W.T @ (slope[:, :, None] * frame))
            total += r.diagonal(dim1=1, dim2=2).abs().log()
        exponents = total.mean(dim=0) / (len(h) - 1)
        found: np.ndarray = exponents.sort(descending=True).values.numpy()
        return found

    return work
