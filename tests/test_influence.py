"""Influence balancing: a network that its task prescribes, and one number that moves in it."""

from math import comb

import numpy as np
import pytest

import rnnviz as rv
from dashboard.settle import settle
from rnnviz.optim import OPTIMIZERS
from rnnviz.tasks.influence import POSITIVE, SIGNS, START, UNITS
from rnnviz.windows import windowed_grads

TASK = rv.TASKS["influence"]
CONFIG = rv.TrainConfig(
    task="influence",
    **TASK.network,
    steps=150,
    batch_size=2,
    optimizer="sgd",
    learning_rate=0.03,
    clip=0.0,
    iterations=6,
)


def influence(steps):
    """How much the first unit changes with theta through so many steps.

    k steps take a unit's value one place on as often as a coin falls on one side: a unit is heard
    with the share of its falls, and those within the first ten add.
    """
    falls = [(k, j) for k in range(steps) for j in range(min(k + 1, UNITS))]
    return sum((1 if j < POSITIVE else -1) * comb(k, j) / 2**k for k, j in falls)


def theta_of(network):
    """The number that moves, if all biases are that number times its sign."""
    b_ih = network.params["l0.b_ih"]
    np.testing.assert_array_equal(b_ih, b_ih[0] * SIGNS.astype(b_ih.dtype))
    return b_ih[0]


def loss_at(theta):
    network = rv.build(CONFIG, 1, 1)
    network = network.with_params(network.params | {"l0.b_ih": theta * SIGNS})
    batch = rv.draw(CONFIG)
    return rv.bptt(network, batch.x, batch.loss("last")).loss


def test_the_first_unit_settles_at_minus_six_times_the_number():
    record = rv.run(CONFIG)
    assert theta_of(record.network) == START
    np.testing.assert_allclose(record.y[-1], -6 * START, rtol=1e-12)
    assert record.loss == pytest.approx(16, rel=1e-12)
    assert loss_at(-1 / 6) == pytest.approx(0, abs=1e-24)


def test_what_a_number_does_turns_after_forty_steps_and_is_whole_after_a_hundred():
    assert influence(1) == 1
    assert influence(10) == 10
    assert influence(40) > 0 > influence(41)
    assert influence(100) == pytest.approx(-6, rel=1e-8)


@pytest.mark.parametrize("window", [1, 10, 40, 41, 100])
def test_a_window_sees_what_the_number_does_within_it(window):
    record, batch = rv.run(CONFIG), rv.draw(CONFIG)
    _, grads = windowed_grads(record.network, batch.x, batch.loss("last"), window)
    by_theta = SIGNS @ grads["l0.b_ih"]
    assert by_theta == pytest.approx(2 * (-6 * START - 1) * influence(window), rel=1e-12)
    exact = SIGNS @ record.grads["l0.b_ih"]
    assert (by_theta * exact > 0) == (window > 40)


def test_the_whole_derivative_is_that_of_finite_differences():
    record = rv.run(CONFIG)
    differences = (loss_at(START + 0.01) - loss_at(START - 0.01)) / 0.02
    assert SIGNS @ record.grads["l0.b_ih"] == pytest.approx(differences, rel=1e-9)


def test_a_step_of_plain_descent_is_the_one_worked_by_hand():
    step = next(rv.train(CONFIG.replace(window=10)))
    gradient = 2 * (-6 * START - 1) * 10
    assert step.grad_norm == pytest.approx(abs(gradient) / np.sqrt(UNITS), rel=1e-12)
    assert theta_of(step.network) == pytest.approx(START - 0.03 * gradient / UNITS, rel=1e-12)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_whatever_moves_the_weights_the_network_stays_the_prescribed_one(optimizer, dtype):
    config = CONFIG.replace(
        optimizer=optimizer,
        dtype=dtype,
        bias="uniform",
        weight_decay=0.1,
        noise=0.3,
        reproject=2,
        clip_by="value",
        clip=0.5,
    )
    *_, last = rv.train(config)
    assert theta_of(last.network) != START
    for name, W in TASK.weights().items():
        if name != "l0.b_ih":
            np.testing.assert_array_equal(last.network.params[name], W)


@pytest.mark.parametrize(
    "change", [{"cell": "tanh"}, {"hidden_size": 5}, {"layers": 2}, {"readout": "none"}]
)
def test_another_network_is_refused(change):
    config = CONFIG.replace(**change)
    ((name, came),) = change.items()
    said = f"^influence must have {name} {TASK.network[name]}, got {came}$"
    with pytest.raises(ValueError, match=said):
        rv.build(config, 1, 1)
    with pytest.raises(ValueError, match=said):
        rv.run(config)
    with pytest.raises(ValueError, match=said):
        rv.train(config, after=next(rv.train(CONFIG)))


def test_the_page_takes_the_prescribed_network_and_says_so():
    config, said = settle(rv.TrainConfig(task="influence", cell="lstm", hidden_size=9, steps=21))
    assert config.prescribed == {}
    assert said == [
        "The network became the one that Influence balancing is about: cell linear, hidden_size 23."
    ]
    assert settle(config) == (config, [])


def test_only_settings_that_change_something_are_offered():
    hidden = ("cell", "layers", "hidden_size", "readout", "init", "gain", "bias", "reproject")
    assert not any(CONFIG.matters(name) for name in hidden)
    assert all(CONFIG.matters(name) for name in ("steps", "batch_size", "window", "learning_rate"))
    assert all(CONFIG.replace(task="constant").matters(name) for name in hidden)


def test_settings_that_do_not_matter_change_no_number():
    one, other = (
        rv.run(CONFIG.replace(seed=seed, gain=gain, init=init, bias="single"))
        for seed, gain, init in ((0, 1.0, "uniform"), (1, 3.0, "orthogonal"))
    )
    np.testing.assert_array_equal(one.h, other.h)
    np.testing.assert_array_equal(one.dh, other.dh)


def test_the_verdict_advises_what_can_be_changed():
    found = rv.diagnostics.verdict(rv.run(CONFIG), config=CONFIG)
    assert found.kind == "vanishing"
    assert found.remedy.control == "steps"
    shorter = found.remedy.apply(CONFIG)
    assert rv.diagnostics.verdict(rv.run(shorter), config=shorter).kind == "holding"


def test_a_sweep_runs_it_and_keeps_the_sentence_of_what_it_refuses():
    knobs = [rv.Knob.of("steps", [37, 150]), rv.Knob.of("hidden_size", [5, UNITS])]
    table = rv.sweep(rv.SweepConfig(base=CONFIG, knobs=knobs, seeds=[0], measures=["loss"]))
    fits = table.hidden_size == UNITS
    assert table.error[~fits].str.startswith("influence must have hidden_size 23").all()
    expected = [rv.run(CONFIG.replace(steps=steps)).loss for steps in (37, 150)]
    np.testing.assert_allclose(table.loss[fits], expected, rtol=1e-12)
