"""Whoever asked for long work can end it within a tenth of a second."""

import time

import pytest

import rnnviz as rv
from rnnviz import diagnostics
from rnnviz.adjoint import scaled_bptt
from rnnviz.bptt import predict
from rnnviz.diagnostics import Axis
from rnnviz.losses import MSE
from rnnviz.stopping import asking

RUN = rv.RunConfig(cell="gru", hidden_size=24, steps=300, batch_size=3, task="sine", loss_at="all")
"""A record with work for every diagnostic."""


class EnoughError(Exception):
    pass


class Patience:
    """Asked whether to go on, says yes so many times, and keeps the longest it was not asked."""

    def __init__(self, times=10**9):
        self.times, self.gaps, self.last = times, [], time.thread_time()

    def __call__(self):
        now = time.thread_time()
        self.gaps.append(now - self.last)
        self.last = now
        self.times -= 1
        if self.times < 0:
            raise EnoughError


@pytest.fixture(scope="module")
def record():
    return rv.run(RUN)


def surface(record):
    loss = MSE(0 * record.y)
    return diagnostics.loss_surface(record.network, record.x, loss, [Axis.random()], points=5)


LONG = {
    "run": lambda _: rv.run(RUN),
    "predict": lambda r: predict(r.network, r.x),
    "flow": lambda r: scaled_bptt(r, r.dy),
    "itemized": lambda r: diagnostics.itemized(r, every=8),
    "contributions": lambda r: diagnostics.contributions(r, "W_hh", every=8),
    "spectrum": lambda r: diagnostics.jacobian_spectrum(r, [200], sequence=0),
    "spectrum of some units": lambda r: diagnostics.jacobian_spectrum(
        r, [200], sequence=0, units=3
    ),
    "steps": lambda r: diagnostics.jacobian_steps(r, sequence=0),
    "lyapunov, one": lambda r: diagnostics.lyapunov(r, 1),
    "lyapunov, some": lambda r: diagnostics.lyapunov(r, 3),
    "lyapunov, all": diagnostics.lyapunov,
    "bounds": diagnostics.bounds,
    "truncation": lambda r: diagnostics.truncation(r, every=8),
    "fixed points": lambda r: diagnostics.fixed_points(r, starts=8),
    "surface": surface,
    "gradient check": lambda r: diagnostics.gradient_check(
        r.network, r.x, MSE(0 * r.y), per_parameter=1
    ),
    "roads": diagnostics.roads,
    "precision": diagnostics.precision,
    "health": lambda r: diagnostics.health(r, every=9),
}


@pytest.mark.parametrize("name", LONG)
def test_long_work_is_ended_by_what_its_asker_raises(name, record):
    whole = Patience()
    with asking(whole):
        LONG[name](record)
    assert whole.gaps
    with asking(Patience(len(whole.gaps) // 2)), pytest.raises(EnoughError):
        LONG[name](record)


@pytest.mark.parametrize("settings", [{"cell": "gru_norm", "hidden_size": 2, "batch_size": 1}, {}])
def test_a_run_asks_ten_times_a_second(settings):
    config = rv.RunConfig(**{"cell": "lstm", "hidden_size": 200, "steps": 1500, **settings})
    patience = Patience()
    with asking(patience):
        rv.run(config.replace(task="sine"))
    assert max(patience.gaps) < 0.1
    assert len(patience.gaps) > 10


def test_work_that_was_ended_can_be_done_again(record):
    with asking(Patience(2)), pytest.raises(EnoughError):
        diagnostics.lyapunov(record)
    assert diagnostics.lyapunov(record).exponents.shape == (24,)
