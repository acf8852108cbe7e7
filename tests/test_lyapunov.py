"""The whole Lyapunov spectrum: known spectra, a twin, its sum rule, and what is drawn of it."""

from dataclasses import replace

import numpy as np
import pytest
from helpers import B, T, network, sequences
from twins import TWINS

import rnnviz as rv
from rnnviz import figures
from rnnviz.diagnostics import gradient_flow, lyapunov

LOSES_ALL_DIGITS = {"tanh_norm"}
"""Cells whose normalisation makes each Jacobian singular but for rounding."""


def recorded(net, data=None, dtype=np.float64):
    data = data or sequences(net)
    loss = rv.losses.MSE(data.target.astype(dtype))
    return rv.bptt(net, data.x.astype(dtype), loss, s0=[s.astype(dtype) for s in data.s0])


def linear(W, steps, batch=2):
    H = len(W)
    params = {"W_ih": np.ones((H, 1)), "W_hh": W, "b_ih": np.zeros(H)}
    net = rv.Network([rv.Layer(rv.CELLS["linear"](1, H), params)])
    x = np.random.default_rng(1).normal(size=(steps, batch, 1))
    return rv.bptt(net, x, rv.losses.MSE(np.zeros((steps, batch, H))))


def rotation(size, seed=0):
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(size, size)))[0]


# Known spectra


def test_a_linear_cells_exponents_are_the_logs_of_its_eigenvalues_moduli():
    V = np.random.default_rng(3).normal(size=(4, 4))
    W = V @ np.diag([1.1, 0.8, 0.5, 0.2]) @ np.linalg.inv(V)
    found = lyapunov(linear(W, 3000), skip=200)
    np.testing.assert_allclose(found.exponents, np.log([1.1, 0.8, 0.5, 0.2]), atol=1e-9)
    assert found.steps == 2800
    assert found.sum_rule.outcome == "agrees"


def test_a_diagonal_cells_exponents_are_the_logs_of_its_entries():
    found = lyapunov(linear(np.diag([0.3, -0.9, 0.6]), 900), skip=300)
    np.testing.assert_allclose(found.exponents, np.log([0.9, 0.6, 0.3]), atol=1e-10)


@pytest.mark.parametrize("gain", [0.5, 1.0, 1.5, 1e-30, 1e30])
def test_a_rotation_times_a_gain_has_one_exponent_from_the_first_step(gain):
    found = lyapunov(linear(gain * rotation(5), 9))
    np.testing.assert_allclose(found.exponents, np.log(gain), atol=1e-12)
    assert found.kaplan_yorke == (5.0 if gain >= 1 else 0.0)


def test_the_kaplan_yorke_dimension_by_hand():
    found = lyapunov(linear(np.diag(np.exp([0.3, -0.1, -0.4, -2.0])), 2000), skip=500)
    assert found.kaplan_yorke == pytest.approx(2 + 0.2 / 0.4, abs=1e-9)
    known = replace(found, exponents=np.array([0.5, -1.0, -np.inf, -np.inf]))
    assert known.kaplan_yorke == 1.5
    assert np.isnan(lyapunov(linear(np.diag([2.0, 1.5, 0.1]), 50), 2).kaplan_yorke)
    nan = np.array([0.5, np.nan, np.nan, np.nan])
    assert np.isnan(replace(found, exponents=nan).kaplan_yorke)


def test_two_near_states_part_at_the_rate_of_the_largest_exponent():
    config = rv.RunConfig(hidden_size=12, steps=240, batch_size=1, gain=1.6, task="sine")
    record = rv.run(config)
    found = lyapunov(record, 1, skip=40)
    rng, eps = np.random.default_rng(2), 1e-8
    s, near, log = record.s[0], record.s[0], []
    offset = rng.normal(size=s.shape)
    for t in range(record.steps):
        near = record.s[t] + eps * offset / np.linalg.norm(offset)
        loss = rv.losses.MSE(np.zeros((1, 1, record.y.shape[2])))
        offset = rv.bptt(record.network, record.x[t : t + 1], loss, s0=[near]).s[1]
        offset = offset - record.s[t + 1]
        log.append(np.log(np.linalg.norm(offset) / eps))
    assert np.mean(log[40:]) == pytest.approx(found.largest, abs=0.02)


# The same algorithm in PyTorch


@pytest.mark.parametrize("cell", ["tanh", "lstm", "gru", "sigmoid", "leaky", "mgu"])
def test_the_same_algorithm_on_autograds_jacobians_gives_the_same(cell):
    torch = pytest.importorskip("torch")
    net = network(cell)
    record, kind = recorded(net), net.layers[0].cell
    p = {name: torch.tensor(W) for name, W in net.layers[0].params.items()}
    S, H = kind.state_size, kind.hidden_size
    drawn = np.random.default_rng(0).normal(size=(S, B, S))
    logs = np.zeros((B, S))
    for b in range(B):
        frame = torch.linalg.qr(torch.tensor(drawn[:, b].T.copy()))[0]
        for t in reversed(range(T)):

            def step(s, t=t, b=b):
                parts = {n: s[None, i * H : (i + 1) * H] for i, n in enumerate(kind.state_names)}
                after = TWINS[cell](torch, kind, p, torch.tensor(record.x[t, b])[None], parts)[2]
                return torch.cat([after[name][0] for name in kind.state_names])

            J = torch.autograd.functional.jacobian(step, torch.tensor(record.s[t, b]))
            frame, r = torch.linalg.qr(J.T @ frame)
            logs[b] += r.diagonal().abs().log().numpy() / T
    found = lyapunov(record)
    order = np.argsort(-logs.mean(axis=0))
    np.testing.assert_allclose(found.by_sequence, logs[:, order], rtol=0, atol=1e-10)


# The sum rule


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("cell", rv.CELLS)
def test_the_sum_rule_holds_for_every_cell_or_says_that_it_cannot_be_told(cell, dtype):
    rule = lyapunov(recorded(network(cell, dtype=dtype), dtype=dtype)).sum_rule
    assert rule.outcome == ("untold" if cell in LOSES_ALL_DIGITS else "agrees")
    if rule.outcome == "agrees":
        assert rule.difference < 1e-7


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("both", [False, True])
def test_the_sum_rule_holds_in_every_layer(layers, both):
    record = recorded(network("gru", layers=layers, both=both))
    for number, name in enumerate(record.network.names):
        found = lyapunov(record, layer=number)
        assert found.sum_rule.outcome == "agrees"
        assert found.layer == name


def test_the_sum_rule_tells_an_error_of_a_millionth():
    found = lyapunov(recorded(network()))
    wrong = replace(found, log_det=found.log_det + 1e-6)
    assert found.sum_rule.outcome == "agrees"
    assert wrong.sum_rule.outcome == "differs"
    assert lyapunov(recorded(network()), 2).sum_rule is None


def test_a_unit_that_is_off_leaves_minus_infinity_on_both_sides():
    found = lyapunov(recorded(network("relu")))
    assert found.sum_rule.total == found.sum_rule.log_det == -np.inf
    assert np.isneginf(found.exponents[-1])


# The frame


def test_steps_taken_together_give_what_steps_taken_one_by_one_give(monkeypatch):
    config = rv.RunConfig(hidden_size=16, steps=60, batch_size=3, task="sine")
    record = rv.run(config)
    together = lyapunov(record)
    monkeypatch.setattr("rnnviz.diagnostics.stretches._MOST", 1)
    alone = lyapunov(record)
    np.testing.assert_allclose(together.by_sequence, alone.by_sequence, rtol=0, atol=1e-10)
    assert len(together.running_steps) < len(alone.running_steps)


@pytest.mark.parametrize("cell", ["tanh", "lstm"])
@pytest.mark.parametrize("skip", [0, 3])
def test_fewer_directions_are_the_first_of_all(cell, skip):
    record = recorded(network(cell))
    logs = lyapunov(record, skip=skip).by_sequence
    for count in (1, 3):
        few = lyapunov(record, count, skip=skip)
        assert few.by_sequence.shape == (B, count)
        gaps = np.abs(few.by_sequence[:, :, None] - logs[:, None]).max(axis=0).min(axis=1)
        np.testing.assert_allclose(gaps, 0, atol=1e-10)


def test_the_running_estimate_ends_at_the_exponents():
    found = lyapunov(rv.run(rv.RunConfig(hidden_size=6, steps=700, batch_size=2, task="sine")))
    np.testing.assert_array_equal(found.running[-1], found.exponents)
    assert found.running_steps[-1] == found.steps == 700
    assert len(found.running_steps) <= 201
    assert (np.diff(found.running_steps) > 0).all()
    spread = found.by_sequence.std(axis=0, ddof=1) / np.sqrt(2)
    np.testing.assert_allclose(found.standard_error, spread)
    assert list(found.to_frame()) == ["rank", "exponent", "standard_error", "rounding"]


@pytest.mark.parametrize("settings", [{"count": 0}, {"skip": -1}, {"skip": T}])
def test_what_makes_no_sense_is_refused(settings):
    with pytest.raises(ValueError, match="must be"):
        lyapunov(recorded(network()), **settings)


# Extremes


def test_one_step_of_one_unit_in_one_sequence():
    found = lyapunov(linear(np.array([[0.25]]), 1, batch=1))
    assert found.exponents == pytest.approx([np.log(0.25)])
    assert np.isnan(found.standard_error).all()


def test_without_recurrence_nothing_is_left_of_any_direction():
    found = lyapunov(rv.run(rv.RunConfig(gain=0, hidden_size=5, steps=9, batch_size=2)))
    assert np.isneginf(found.exponents).all()
    assert found.sum_rule.outcome == "agrees"
    assert found.kaplan_yorke == 0


def test_a_jacobian_that_is_no_number_gives_nan_for_its_sequence_alone():
    net = network("gru")
    data = sequences(net)
    data.x[3, 1] = np.nan
    found = lyapunov(recorded(net, data))
    assert np.isnan(found.by_sequence[1]).all()
    assert np.isfinite(found.by_sequence[[0, 2]]).all()
    assert found.sum_rule.outcome == "untold"
    assert np.isnan(found.kaplan_yorke)


def test_ten_thousand_steps():
    found = lyapunov(rv.run(rv.RunConfig(hidden_size=8, steps=10_000, batch_size=1, task="sine")))
    assert found.sum_rule.outcome == "agrees"
    assert found.sum_rule.difference < 1e-10


# The picture


def picture(cell="tanh", **options):
    record = recorded(network(cell))
    found = lyapunov(record)
    return found, figures.lyapunov(found, gradient_flow(record, "last"), **options)


def test_every_exponent_is_a_point_on_its_side_of_the_zero_line():
    result = lyapunov(linear(np.diag([1.5, 0.5, 1.2]), 50))
    figure = figures.lyapunov(result)
    by_name = {trace.name: trace for trace in figure.data}
    np.testing.assert_array_equal(by_name["grows"].y, result.exponents[:2])
    np.testing.assert_array_equal(by_name["shrinks or holds"].y, result.exponents[2:])
    assert list(by_name["0: neither grows nor shrinks"].y) == [0, 0]
    assert "xaxis3" not in figure.to_dict()["layout"]


def test_the_line_over_the_flow_has_the_slope_of_the_largest_exponent():
    found, figure = picture()
    (line,) = [trace for trace in figure.data if (trace.name or "").startswith("slope")]
    slope = (line.y[1] - line.y[0]) / (line.x[1] - line.x[0])
    assert slope == pytest.approx(found.largest / np.log(10))
    assert line.line.dash == "dash"


@pytest.mark.parametrize(
    ("cell", "words"),
    [("tanh", "Sum rule: agrees"), ("relu", "both sides are −∞"), ("tanh_norm", "cannot be told")],
)
def test_the_subtitle_prints_the_sum_rule(cell, words):
    _, figure = picture(cell)
    assert words in figure.layout.meta["subtitle"]
    assert words in figure.layout.meta["alt"]


def test_what_is_lost_in_rounding_is_hollow_and_what_is_gone_is_a_mark():
    _, lost = picture("tanh_norm")
    assert any((trace.marker.symbol or "").endswith("-open") for trace in lost.data)
    assert any("lost in rounding" in note.text for note in lost.layout.annotations)
    _, gone = picture("relu")
    assert any("−∞, nothing is left" in note.text for note in gone.layout.annotations)


def test_the_sum_rule_allows_for_the_rounding_of_the_sums_themselves():
    record = rv.run(rv.RunConfig(hidden_size=1, steps=20, batch_size=5, task="sine"))
    assert lyapunov(record).sum_rule.outcome == "agrees"
