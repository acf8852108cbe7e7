"""The flow is the norm of what BPTT recorded, and goes on where a float ends."""

import numpy as np
import pytest
from helpers import B, O, T, network, sequences

import rnnviz as rv
from rnnviz.adjoint import scaled_bptt
from rnnviz.diagnostics.gradient_flow import log10_mean


def recorded_log10_norm(dh):
    with np.errstate(divide="ignore"):
        return np.log10(np.linalg.norm(dh, axis=2).mean(axis=1))


@pytest.mark.parametrize("cell", rv.CELLS)
@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("both", [False, True])
def test_the_total_flow_is_the_norm_of_the_recorded_derivative(cell, layers, dtype, both):
    net = network(cell, layers=layers, dtype=dtype, both=both, residual=both)
    data = sequences(net)
    record = rv.bptt(net, data.x.astype(dtype), rv.losses.MSE(data.target.astype(dtype), data.mask))
    rtol = 1e-12 if dtype is np.float64 else 1e-5
    for number, layer in enumerate(record.layers):
        flow = rv.diagnostics.gradient_flow(record, layer=number)
        norm = recorded_log10_norm(layer.ds)
        np.testing.assert_allclose(flow.log10_norm, norm, rtol=rtol, atol=rtol)
        atol = 10 * rtol * np.abs(layer.ds).max()
        np.testing.assert_allclose(flow.derivative.value(), layer.ds, rtol=rtol, atol=atol)


def test_the_last_flow_is_the_record_of_a_loss_at_the_last_step_alone():
    net = network(layers=2)
    data = sequences(net)
    last = np.zeros((T, B), bool)
    last[-1] = True
    everywhere = rv.bptt(net, data.x, rv.losses.MSE(data.target, reduction="sum"))
    alone = rv.bptt(net, data.x, rv.losses.MSE(data.target, last, reduction="sum"))
    flow = rv.diagnostics.gradient_flow(everywhere, "last")
    np.testing.assert_allclose(flow.log10_norm, recorded_log10_norm(alone.dh), rtol=1e-12)


def test_the_last_flow_starts_where_the_mask_ends():
    data = sequences()
    mask = np.zeros((T, B), bool)
    mask[:4] = True
    record = rv.bptt(network(), data.x, rv.losses.MSE(data.target, mask))
    flow = rv.diagnostics.gradient_flow(record, "last")
    assert flow.loss_state == 4
    assert flow.lag.tolist() == [4, 3, 2, 1, 0, -1, -2, -3]
    assert np.isneginf(flow.log10_norm[5:]).all()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("gain", "steps"), [(0.5, 3000), (0.1, 10_000), (1.1, 9000)])
def test_a_power_far_beyond_any_float_still_has_its_slope(gain, steps, dtype):
    H = 3
    params = {
        "W_ih": np.zeros((H, 1)),
        "W_hh": gain * np.linalg.qr(np.random.default_rng(0).normal(size=(H, H)))[0],
        "b_ih": np.zeros(H),
        "b_hh": np.zeros(H),
    }
    layer = rv.Layer(rv.CELLS["linear"](1, H), {k: W.astype(dtype) for k, W in params.items()})
    target = np.ones((steps, 2, H), dtype)
    mask = np.zeros((steps, 2), bool)
    mask[-1] = True
    record = rv.bptt(
        rv.Network([layer]), np.zeros((steps, 2, 1), dtype), rv.losses.MSE(target, mask)
    )
    flow = rv.diagnostics.gradient_flow(record)
    rel = 1e-10 if dtype == "float64" else 1e-4
    assert flow.factor == pytest.approx(gain, rel=rel)
    fallen = flow.log10_norm[-1] - flow.log10_norm[0]
    assert fallen == pytest.approx(-steps * np.log10(gain), rel=rel)


def test_a_late_loss_joins_an_early_one_that_has_all_but_vanished():
    """A loss at the first and the last of 2,000 steps: each is seen where it is the larger."""
    steps, w = 2000, 0.5
    params = {"W_ih": np.ones((1, 1)), "W_hh": np.full((1, 1), w), "b_ih": np.zeros(1)}
    net = rv.Network([rv.Layer(rv.CELLS["linear"](1, 1), params)])
    mask = np.zeros((steps, 1), bool)
    mask[[9, -1]] = True
    record = rv.bptt(net, np.ones((steps, 1, 1)), rv.losses.MSE(np.zeros((steps, 1, 1)), mask))
    flow = rv.diagnostics.gradient_flow(record)
    h = record.h[:, 0, 0]
    assert flow.log10_norm[steps] == pytest.approx(np.log10(h[-1]), rel=1e-12)
    assert flow.log10_norm[11] == pytest.approx(np.log10(h[-1]) - (steps - 11) * np.log10(2))
    assert flow.log10_norm[10] == pytest.approx(np.log10(h[10]), rel=1e-12)


def test_an_exact_zero_is_minus_infinity_and_nothing_else_is():
    record = rv.run(rv.RunConfig(gain=0.0, hidden_size=5, steps=20, batch_size=3))
    flow = rv.diagnostics.gradient_flow(record)
    assert np.isneginf(flow.log10_norm[:-1]).all()
    assert np.isfinite(flow.log10_norm[-1])
    assert flow.factor == 0


def test_quantiles_and_change_agree_with_the_sequences():
    record = rv.run(rv.RunConfig(hidden_size=6, steps=12, batch_size=11))
    flow = rv.diagnostics.gradient_flow(record)
    norms = np.linalg.norm(record.dh, axis=2)
    expected = np.log10(np.quantile(norms, [0.1, 0.5, 0.9], axis=1))
    np.testing.assert_allclose(flow.log10_quantiles, expected, rtol=1e-10)
    np.testing.assert_allclose(
        flow.log10_change, np.log10(norms.mean(1)[:-1] / norms.mean(1)[1:]), rtol=1e-9
    )


def test_the_frame_has_a_row_for_each_state():
    record = rv.run(rv.RunConfig(hidden_size=6, steps=12, batch_size=3))
    frame = rv.diagnostics.gradient_flow(record).to_frame()
    assert len(frame) == 13
    assert frame["lag"].tolist() == list(range(12, -1, -1))


def test_one_step_has_one_factor():
    data = sequences(outputs=O)
    net = network()
    loss = rv.losses.MSE(data.target[:1])
    record = rv.bptt(net, data.x[:1], loss)
    flow = rv.diagnostics.gradient_flow(record)
    norms = np.linalg.norm(record.dh, axis=2).mean(axis=1)
    assert flow.factor == pytest.approx(norms[0] / norms[1], rel=1e-12)


def test_two_lags_far_apart_are_fitted_by_the_line_through_both():
    run = rv.RunConfig(gain=0, hidden_size=4, steps=20, batch_size=2)
    mask = np.zeros((20, 2), bool)
    mask[[0, 19]] = True
    made = rv.run(run)
    record = rv.bptt(made.network, made.x, rv.losses.MSE(np.ones_like(made.y), mask))
    flow = rv.diagnostics.gradient_flow(record)
    assert (flow.fit.first_lag, flow.fit.last_lag) == (0, 19)
    rise = (flow.log10_norm[1] - flow.log10_norm[20]) / 19
    assert flow.factor == pytest.approx(10**rise, rel=1e-9)
    assert flow.fit.log10_at_loss == pytest.approx(flow.log10_norm[20])


def test_a_sequence_that_is_not_finite_beside_huge_ones_raises_no_warning():
    config = rv.RunConfig(
        cell="linear", init="normal", gain=10, steps=281, task="sine", hidden_size=16
    )
    flow = rv.diagnostics.gradient_flow(rv.run(config))
    assert flow.log10_norm.shape == (282,)
    assert not np.isfinite(flow.log10_norm).all()


def test_the_mean_of_logs_is_scaled_by_the_largest_finite_one():
    log10 = np.array([[400.0, np.nan], [400.0, np.inf], [400.0, -np.inf], [-400.0, -400.0]])
    mean = log10_mean(log10)
    np.testing.assert_allclose(mean, [np.nan, np.inf, 400 - np.log10(2), -400])


@pytest.mark.parametrize("gain", [1e-300, 1e-50, 1e-20, 1e50, 1e300])
def test_weights_of_any_size_have_an_exact_slope(gain):
    steps = 40
    params = {"W_ih": np.zeros((3, 1)), "W_hh": gain * np.eye(3), "b_ih": np.zeros(3)}
    net = rv.Network([rv.Layer(rv.CELLS["linear"](1, 3), params)])
    mask = np.zeros((steps, 2), bool)
    mask[-1] = True
    record = rv.bptt(net, np.zeros((steps, 2, 1)), rv.losses.MSE(np.ones((steps, 2, 3)), mask))
    flow = rv.diagnostics.gradient_flow(record)
    np.testing.assert_allclose(flow.log10_change, np.log10(gain), rtol=1e-12)


def test_shifts_fit_in_32_bits(monkeypatch):
    """Windows has no ldexp for more, and Linux would not tell."""
    ldexp, taken = np.ldexp, []

    def spy(values, shift):
        taken.append(shift.dtype)
        return ldexp(values, shift)

    monkeypatch.setattr(np, "ldexp", spy)
    data = sequences()
    record = rv.bptt(network(layers=2), data.x, rv.losses.MSE(data.target))
    rv.diagnostics.gradient_flow(record).derivative.value()
    assert set(taken) == {np.dtype(np.int32)}


def test_the_last_flow_follows_one_step_for_all_sequences():
    """A sequence whose loss ends before the others' carries nothing of that step."""
    data = sequences()
    mask = np.ones((T, B), bool)
    mask[4:, 0] = False
    record = rv.bptt(network(), data.x, rv.losses.MSE(data.target, mask))
    flow = rv.diagnostics.gradient_flow(record, "last")
    assert flow.loss_state == T
    assert np.isneginf(flow.log10_norms[:, 0]).all()
    assert np.isfinite(flow.log10_norms[:, 1:]).all()


@pytest.mark.parametrize("gain", [0.3, 1.0, 3.0])
@pytest.mark.parametrize("cell", ["tanh", "lstm", "gru"])
def test_what_the_record_has_is_what_a_scaled_pass_finds(cell, gain):
    config = rv.RunConfig(
        cell=cell, gain=gain, steps=31, batch_size=3, hidden_size=7, layers=2, task="sine"
    )
    record = rv.run(config)
    for number in (0, 1):
        flow = rv.diagnostics.gradient_flow(record, layer=number)
        assert not flow.derivative.exponent.any()
        scaled = scaled_bptt(record, record.dy)[number]
        np.testing.assert_allclose(flow.log10_norms, scaled.log10_norm(), atol=1e-12)


def test_a_flow_that_leaves_the_range_is_not_taken_from_the_record():
    config = rv.RunConfig(cell="linear", gain=0.1, steps=400, batch_size=2, hidden_size=5)
    flow = rv.diagnostics.gradient_flow(rv.run(config.replace(task="sine")), "last")
    assert flow.derivative.exponent.any()
    assert flow.log10_norm[0] < -330
