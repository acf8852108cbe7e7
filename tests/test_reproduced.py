"""Results from papers, found again by training: each preset's claim, and the cliff."""

import json
import subprocess
import sys

import numpy as np
import pytest
from scipy.special import expit

import rnnviz as rv
from rnnviz.diagnostics.cliff import AT_THE_WALL, CENTRE, STEPS, TARGET
from rnnviz.optim import clip_norm

pytestmark = pytest.mark.slow


TRAIN = """
import json, sys
import numpy as np
import rnnviz as rv
config = rv.PRESETS[sys.argv[1]].config.replace(**json.loads(sys.argv[2]))
history = rv.History.collect(rv.train(config))
lowest = np.nanmin(history.column("validation_loss"))
print(json.dumps([float(lowest), float(history.column("loss")[-100:].mean())]))
"""


def trained(name: str, seed: int, **changes: float) -> tuple[float, float]:
    """The lowest held-out loss, and the mean of the last hundred training losses.

    A target of the held-out loss ends a training that has shown what it is to show. It runs in
    a process of its own: here array shapes are checked, which trains slowly.
    """
    command = [sys.executable, "-c", TRAIN, name, json.dumps({"seed": seed} | changes)]
    lowest, late = json.loads(subprocess.check_output(command))
    return lowest, late


def more(*seeds: int) -> list[object]:
    """Seeds that ``make test-long`` trains too."""
    return [pytest.param(seed, marks=pytest.mark.long) for seed in seeds]


@pytest.mark.parametrize("seed", [0, *more(1, 2, 3)])
def test_an_irnn_learns_adding_where_a_small_tanh_network_stays_at_the_baseline(seed) -> None:
    assert trained("irnn-adding", seed, target_loss=0.02)[0] < 0.02
    assert trained("tanh-adding", seed)[1] == pytest.approx(1 / 6, abs=0.02)


@pytest.mark.parametrize("seed", [0, *more(1)])
def test_an_open_forget_gate_learns_a_lag_that_a_half_closed_one_does_not(seed) -> None:
    assert trained("forget-recall", seed, target_loss=0.8)[0] < 0.8
    assert trained("plain-recall", seed)[0] > 0.95


@pytest.mark.parametrize("seed", [0, *more(1)])
def test_chrono_learns_the_same_lag(seed) -> None:
    assert trained("chrono-recall", seed, target_loss=0.87)[0] < 0.87


def test_flossing_learns_a_lag_that_the_same_network_without_it_does_not() -> None:
    assert trained("floss-recall", 0, iterations=350, target_loss=0.2)[0] < 0.2
    assert trained("floss-recall", 0, iterations=350, floss=0)[1] > 0.95


def test_of_the_two_presets_at_the_cliff_only_the_clipped_one_gets_down() -> None:
    start = 0.0297
    lowest, late = trained("cliff-plain", seed=0)
    assert lowest == pytest.approx(start, abs=1e-4)
    assert late > 2.5 * start
    assert trained("cliff-clipped", seed=0)[0] < 1e-3


def test_influence_balancing_is_learned_through_a_long_window_alone() -> None:
    start = 16.0
    assert trained("influence-short", seed=0)[1] > 1e6 * start
    lowest, late = trained("influence-long", seed=0)
    assert lowest < 1e-6
    assert late < 1e-4


def walk(limit: float, steps: int = 100, rate: float = 0.1) -> tuple[np.ndarray, np.ndarray]:
    """Descent over (w, b) of the unit with the cliff: where it went, and the loss on the way."""
    cell, x = rv.CELLS["sigmoid"](1, 1), np.zeros((STEPS, 1, 1))
    last = np.arange(STEPS)[:, None] == STEPS - 1
    loss = rv.losses.MSE(np.full((STEPS, 1, 1), TARGET), last)
    theta = np.array([CENTRE["w"], CENTRE["b"]]) + AT_THE_WALL
    path, losses = [theta], []
    for _ in range(steps):
        W = {"W_ih": np.zeros((1, 1)), "W_hh": theta[:1, None], "b_ih": theta[1:]}
        network = rv.Network([rv.Layer(cell, W)])
        record = rv.bptt(network, x, loss, s0=np.full((1, 1), expit(0.5)))
        g = np.array([record.grads["l0.W_hh"][0, 0], record.grads["l0.b_ih"][0]])
        theta = theta - rate * (clip_norm(g, limit).g if limit else g)
        path.append(theta)
        losses.append(record.loss)
    return np.array(path), np.array(losses)


def test_clipping_survives_the_cliff_that_plain_descent_is_thrown_off() -> None:
    plain, after = walk(limit=0.0)
    clipped, losses = walk(limit=1.0)
    assert np.linalg.norm(plain[-1] - plain[0]) > 100
    assert np.linalg.norm(clipped - clipped[0], axis=1).max() < 1
    assert losses[-20:].min() < 0.02 < after[-20:].min()
