"""The gradient check catches a wrong gradient, and says so where its own difference is at fault."""

import numpy as np
import pytest
from helpers import network, sequences

import rnnviz as rv
from rnnviz.run import draw


class Doubled:
    """A loss whose derivative is twice too large."""

    def __init__(self, loss):
        self.loss = loss

    def value_and_grad(self, y):
        loss_t, dy = self.loss.value_and_grad(y)
        return loss_t, 2 * dy


def checked(*, wrong=False, **settings):
    """The check of a small run, or of the same run with a wrong gradient."""
    config = rv.RunConfig(**{"hidden_size": 16, "batch_size": 4, **settings})
    record, loss = rv.run(config), draw(config).loss(config.loss_at)
    return rv.diagnostics.gradient_check(record.network, record.x, Doubled(loss) if wrong else loss)


def one_unit(weight, *, cell="relu"):
    """One unit that reads the number 1 through one weight: its output is f(weight)."""
    params = {"W_ih": [[weight]], "W_hh": [[1.0]], "b_ih": [0.0], "b_hh": [0.0]}
    net = rv.Network([rv.Layer(rv.CELLS[cell](1, 1), {k: np.array(W) for k, W in params.items()})])
    loss = rv.losses.MSE(np.ones((1, 1, 1)))
    return rv.diagnostics.gradient_check(net, np.ones((1, 1, 1)), loss)


UNDECIDED_IN_PART = {
    "below rounding": {"cell": "sigmoid", "layers": 8, "steps": 12, "hidden_size": 8},
    "chaotic": {"init": "normal", "gain": 10},
    "moved far by a step": {
        "cell": "linear",
        "gain": 10,
        "bias": "single",
        "input_scale": 0,
        "steps": 153,
        "loss_at": "all",
    },
    "chaotic, all steps": {"init": "normal", "gain": 10, "loss_at": "all"},
    "kinked": {
        "cell": "relu",
        "init": "identity",
        "bias": "zero",
        "input_init": "glorot_normal",
        "task": "adding",
        "hidden_size": 64,
        "batch_size": 16,
        "seed": 4,
    },
}


def test_a_wrong_gradient_is_found_and_named():
    net = network()
    data = sequences(net)
    check = rv.diagnostics.gradient_check(net, data.x, Doubled(rv.losses.MSE(data.target)))
    assert not check.passed
    assert check.undecided == 0
    assert "differs from" in check.sentence
    assert check.worst.parameter in check.sentence
    assert check.worst.bptt == pytest.approx(2 * check.worst.difference, rel=1e-4)


def test_the_same_entries_are_drawn_for_the_same_seed():
    net = network()
    data = sequences(net)
    loss = rv.losses.MSE(data.target)
    one, two = (rv.diagnostics.gradient_check(net, data.x, loss, seed=3) for _ in range(2))
    other = rv.diagnostics.gradient_check(net, data.x, loss, seed=4)
    assert one.to_frame().equals(two.to_frame())
    assert not one.to_frame().equals(other.to_frame())


@pytest.mark.parametrize("cell", rv.CELLS)
def test_an_ordinary_network_is_decided_everywhere(cell):
    check = checked(cell=cell, layers=2, steps=12)
    assert check.passed
    assert check.undecided == 0
    count = len(check.entries)
    assert check.sentence.startswith(
        f"BPTT agrees with central differences at {count} of {count} entries; the worst is "
    )


@pytest.mark.parametrize("settings", UNDECIDED_IN_PART.values(), ids=UNDECIDED_IN_PART)
def test_a_right_gradient_passes_where_some_differences_fail(settings):
    check = checked(**settings)
    count = len(check.entries)
    assert check.passed, check.sentence
    assert 0 < check.undecided < count
    assert f"at {count - check.undecided} of {count} entries; at {check.undecided} the" in (
        check.sentence
    )
    assert check.worst.decided


@pytest.mark.parametrize("settings", UNDECIDED_IN_PART.values(), ids=UNDECIDED_IN_PART)
def test_a_wrong_gradient_is_found_where_some_differences_fail(settings):
    check = checked(wrong=True, **settings)
    assert check.undecided < len(check.entries)
    assert not check.passed
    assert "differs from" in check.sentence


def test_nothing_is_decided_where_everything_overflows():
    check = checked(cell="linear", init="normal", gain=10, steps=400, task="sine")
    assert check.undecided == len(check.entries)
    assert not check.passed
    assert check.sentence.startswith("The central difference cannot decide at any of 21 entries")


@pytest.mark.parametrize("share", [0.0, 0.1, 1 / 3, 0.45, 0.6, 0.9])
@pytest.mark.parametrize("side", [-1, 1])
def test_a_kink_within_the_step_is_undecided_wherever_it_is(share, side):
    check = one_unit(side * share * 1e-5)
    at = next(entry for entry in check.entries if entry.parameter == "l0.W_ih")
    assert not at.decided
    assert abs(at.bptt - at.difference) <= 1.01


@pytest.mark.parametrize("weight", [-1.1e-5, 1.1e-5, 0.5])
def test_a_kink_beyond_the_step_leaves_the_entry_decided(weight):
    check = one_unit(weight)
    assert check.undecided == 0
    assert check.passed


def test_a_gradient_that_is_no_number_beside_a_finite_slope_fails():
    class Broken(Doubled):
        def value_and_grad(self, y):
            loss_t, dy = self.loss.value_and_grad(y)
            return loss_t, np.full_like(dy, np.nan)

    net = network()
    data = sequences(net)
    check = rv.diagnostics.gradient_check(net, data.x, Broken(rv.losses.MSE(data.target)))
    assert not check.passed
    assert check.undecided == 0
    assert "nan by BPTT and" in check.sentence
