"""Eigenvalues, saturation, Lyapunov exponents and faults, on known cases."""

import numpy as np
import pytest
from helpers import network, sequences

import rnnviz as rv


def test_eigenvalues_are_those_of_w_hh_largest_first():
    net = network()
    W_hh = net.params["l0.W_hh"]
    found = rv.diagnostics.eigenvalues(net)
    assert found.values.sum() == pytest.approx(np.trace(W_hh))
    assert np.prod(found.values) == pytest.approx(np.linalg.det(W_hh))
    assert (np.diff(np.abs(found.values)) <= 1e-12).all()
    assert found.largest_singular_value == pytest.approx(np.linalg.norm(W_hh, 2))
    assert found.spectral_radius <= found.largest_singular_value
    assert len(found.to_frame()) == len(W_hh)


def test_weights_that_are_not_finite_are_refused():
    net = network()
    W_hh = net.params["l0.W_hh"].copy()
    W_hh[1, 2] = np.nan
    with pytest.raises(ValueError, match="W_hh must be finite, got 1 entries that are not"):
        rv.diagnostics.eigenvalues(net.with_params({**net.params, "l0.W_hh": W_hh}))


@pytest.mark.parametrize(
    ("cell", "values", "share", "slopes"),
    [
        ("tanh", [0.0, 0.95, -0.95, 0.5], 0.5, [1, 1 - 0.95**2, 1 - 0.95**2, 0.75]),
        ("sigmoid", [0.5, 0.99, 0.01, 0.2], 0.5, [0.25, 0.0099, 0.0099, 0.16]),
        ("relu", [0.0, 3.0, 1.0, 0.5], 0.25, [0, 1, 1, 1]),
        ("linear", [0.0, 3.0, -9.0, 0.5], 0.0, [1, 1, 1, 1]),
    ],
)
def test_saturation_by_hand(cell, values, share, slopes):
    """One step from chosen pre-activations: the bias of each unit decides its value."""
    inverse = {"tanh": np.arctanh, "sigmoid": lambda h: np.log(h / (1 - h))}.get(cell, np.array)
    H = len(values)
    params = {
        "W_ih": np.zeros((H, 1)),
        "W_hh": np.zeros((H, H)),
        "b_ih": inverse(np.array(values)),
        "b_hh": np.zeros(H),
    }
    net = rv.Network([rv.Layer(rv.CELLS[cell](1, H), params)])
    record = rv.bptt(net, np.zeros((3, 2, 1)), rv.losses.MSE(np.zeros((3, 2, H))))
    found = rv.diagnostics.saturation(record)
    np.testing.assert_allclose(found.share, share)
    assert found.rms_slope == pytest.approx(np.sqrt(np.mean(np.square(slopes))))
    assert len(found.to_frame()) == 3


def test_exponents_of_a_linear_network_are_the_logs_of_its_singular_structure():
    """For a normal matrix the exponents are the logs of the absolute eigenvalues."""
    H, steps = 4, 4000
    rates = np.array([0.9, 0.5, 0.3, 0.2])
    Q = np.linalg.qr(np.random.default_rng(0).normal(size=(H, H)))[0]
    params = {"W_ih": np.ones((H, 1)), "W_hh": Q @ np.diag(rates) @ Q.T, "b_ih": np.zeros(H)}
    net = rv.Network([rv.Layer(rv.CELLS["linear"](1, H), params)])
    x = np.random.default_rng(1).normal(size=(steps, 2, 1))
    record = rv.bptt(net, x, rv.losses.MSE(np.zeros((steps, 2, H))))
    found = rv.diagnostics.lyapunov(record)
    np.testing.assert_allclose(found.exponents, np.log(rates), atol=1e-3)
    assert rv.diagnostics.lyapunov(record, 1).largest == pytest.approx(np.log(0.9), abs=1e-3)
    assert len(found.to_frame()) == H


@pytest.mark.parametrize("cell", ["tanh", "sigmoid", "linear"])
def test_exponents_add_up_to_the_mean_log_determinant(cell):
    """The sum rule: each step's Jacobian has determinant det(W_hh) times the units' slopes."""
    net = network(cell)
    data = sequences(net)
    record = rv.bptt(net, data.x, rv.losses.MSE(data.target))
    found = rv.diagnostics.lyapunov(record)
    W_hh = net.params["l0.W_hh"]
    slope = net.layers[0].cell.slope(record.h[1:])
    log_det = np.log(np.abs(np.linalg.det(W_hh))) + np.log(slope).sum(axis=2).mean(axis=0)
    np.testing.assert_allclose(found.by_sequence.sum(axis=1), log_det, rtol=1e-10)


def test_the_largest_exponent_alone_equals_the_first_of_several():
    record = rv.run(rv.RunConfig(hidden_size=12, steps=900, batch_size=2, task="sine"))
    alone = rv.diagnostics.lyapunov(record, 1).largest
    assert rv.diagnostics.lyapunov(record, 3).largest == pytest.approx(alone, abs=0.02)


@pytest.mark.parametrize(
    ("settings", "where", "kind"),
    [
        ({"cell": "linear", "init": "normal", "gain": 10, "steps": 400}, "states", "infinity"),
        ({"cell": "linear", "init": "normal", "gain": 10, "steps": 200}, "loss", "infinity"),
        ({"gain": 0}, "gradient", "zero"),
        (
            {"cell": "linear", "init": "identity", "gain": 0.01, "steps": 300},
            "gradient",
            "underflow",
        ),
    ],
)
def test_the_first_fault_is_named(settings, where, kind):
    record = rv.run(rv.RunConfig(hidden_size=7, batch_size=2, task="sine", **settings))
    flow = rv.diagnostics.gradient_flow(record, "last")
    fault = rv.diagnostics.first_fault(record, flow)
    assert (fault.where, fault.kind) == (where, kind)
    assert str(fault.lag if where == "gradient" else fault.t) in fault.sentence


def test_a_healthy_run_has_no_fault():
    record = rv.run(rv.RunConfig(hidden_size=7, steps=20, batch_size=2))
    assert rv.diagnostics.first_fault(record, rv.diagnostics.gradient_flow(record)) is None


def test_a_direction_of_which_nothing_is_left_has_exponent_minus_infinity():
    record = rv.run(rv.RunConfig(gain=0, hidden_size=5, steps=9, batch_size=2))
    assert rv.diagnostics.lyapunov(record, 1).largest == -np.inf


def test_an_infinite_state_is_a_fault_and_not_a_saturated_unit():
    config = rv.RunConfig(cell="linear", init="normal", gain=10, steps=400, task="sine")
    record = rv.run(config)
    assert np.isinf(record.h).any()
    assert not rv.diagnostics.saturation(record).share.any()
