"""The norm of the mean and the mean of the norms."""

import numpy as np
import pytest
from helpers import B, T, network, sequences
from test_figures import SETTINGS, config, named, notes

import rnnviz as rv
from rnnviz import figures
from rnnviz.diagnostics import batch_mean, gradient_flow


def recorded(net, x=None):
    data = sequences(net)
    x, target = ((a if x is None else a[:, :1].repeat(B, 1)) for a in (data.x, data.target))
    mask = np.ones((T, B), bool)
    loss = rv.losses.MSE(target.astype(net.dtype), mask)
    return rv.bptt(net, x.astype(net.dtype), loss)


@pytest.mark.parametrize("cell", rv.CELLS)
def test_both_norms_are_those_of_the_records_gradients(cell):
    record = recorded(network(cell, layers=2))
    for number, layer in enumerate(record.layers):
        result = batch_mean(record, "total", number)
        norm = np.linalg.norm(layer.ds.mean(axis=1), axis=1)
        np.testing.assert_allclose(result.norm_of_mean, np.log10(norm), atol=1e-12)
        norms = np.linalg.norm(layer.ds, axis=2).mean(axis=1)
        np.testing.assert_allclose(result.mean_of_norms, np.log10(norms), atol=1e-12)
        np.testing.assert_allclose(result.coherence, norm / norms, rtol=1e-11)
        assert result.layer == record.network.names[number]


def test_the_mean_is_what_autograd_gives():
    torch = pytest.importorskip("torch")
    net = network("tanh")
    record = recorded(net)
    p = {name: torch.tensor(W) for name, W in net.params.items()}
    h = [torch.zeros(B, 5, dtype=torch.float64, requires_grad=True)]
    for x in record.x:
        a = torch.tensor(x) @ p["l0.W_ih"].T + p["l0.b_ih"] + p["l0.b_hh"]
        h.append(torch.tanh(a + h[-1] @ p["l0.W_hh"].T))
    y = h[-1] @ p["readout.W_hy"].T
    grads = torch.autograd.grad((y * torch.tensor(record.dy[-1])).sum(), h)
    expected = [np.linalg.norm(grad.numpy().mean(axis=0)) for grad in grads]
    np.testing.assert_allclose(10 ** batch_mean(record).norm_of_mean, expected, rtol=1e-12)


@pytest.mark.parametrize("cell", ["tanh", "lstm", "gru"])
def test_equal_sequences_agree_exactly(cell):
    result = batch_mean(recorded(network(cell), x="equal"))
    np.testing.assert_allclose(result.coherence, 1, rtol=1e-13)


def test_opposite_gradients_cancel_and_neither_has_vanished():
    settings = {"cell": "linear", "init": "identity", "hidden_size": 3, "steps": 50}
    net = rv.run(rv.RunConfig(**settings, task="sine", batch_size=2)).network
    x = np.zeros((50, 2, net.input_size))
    y = rv.predict(net, x)
    away = np.array([1.0, -1.0])[None, :, None]
    result = batch_mean(rv.bptt(net, x, rv.losses.MSE(y + away)))
    assert np.isneginf(result.norm_of_mean).all() or (result.coherence < 1e-14).all()
    assert np.isfinite(result.mean_of_norms).all()


def test_independent_directions_give_one_over_the_root_of_the_batch():
    """dL/dy drawn at random for a linear network: the root mean square is 1 / sqrt(B)."""
    batch = 64
    settings = {"cell": "linear", "init": "orthogonal", "hidden_size": 32, "steps": 10}
    net = rv.run(rv.RunConfig(**settings, task="sine", batch_size=2)).network
    net = rv.Network(net.layers)
    x = np.zeros((10, batch, net.input_size))
    target = rv.predict(net, x) + np.random.default_rng(0).normal(size=(10, batch, 32))
    result = batch_mean(rv.bptt(net, x, rv.losses.MSE(target)))
    assert result.independent == 0.125
    np.testing.assert_allclose(result.coherence, 0.125, rtol=0.3)


def test_sequences_of_different_scales_are_aligned_far_below_any_float():
    """One unit: each sequence's gradient is w^k times its own start."""
    W = {"W_ih": np.ones((1, 1)), "W_hh": np.full((1, 1), 0.01)}
    params = W | {"b_ih": np.zeros(1), "b_hh": np.zeros(1)}
    net = rv.Network([rv.Layer(rv.CELLS["linear"](1, 1), params)])
    target = np.zeros((400, 2, 1))
    target[-1, :, 0] = 1e-30, 3.0
    result = batch_mean(rv.bptt(net, np.zeros((400, 2, 1)), rv.losses.MSE(target)))
    np.testing.assert_allclose(result.norm_of_mean - result.norm_of_mean[-1], -2.0 * result.lag)
    np.testing.assert_allclose(result.coherence, 1, rtol=1e-12)


def test_the_mean_of_norms_is_the_gradient_flow():
    record = recorded(network("gru", both=True))
    for source in ("last", "total"):
        flow = gradient_flow(record, source, 1)
        result = batch_mean(record, source, 1)
        np.testing.assert_array_equal(result.mean_of_norms, flow.log10_norm)
        np.testing.assert_array_equal(result.lag, flow.lag)


def test_float32_agrees():
    one, two = (batch_mean(recorded(network("lstm", dtype=dtype))) for dtype in (np.float32, float))
    np.testing.assert_allclose(one.norm_of_mean, two.norm_of_mean, atol=1e-4)


def test_no_recurrence_has_no_coherence_before_the_loss():
    result = batch_mean(rv.run(config(gain=0.0)))
    assert np.isnan(result.coherence[:-1]).all()
    assert np.isneginf(result.norm_of_mean[:-1]).all()


def test_a_long_sequence():
    settings = {"steps": 10_000, "hidden_size": 8, "batch_size": 2, "task": "sine"}
    result = batch_mean(rv.run(rv.RunConfig(**settings)))
    assert np.isfinite(result.norm_of_mean).all()
    assert (result.coherence <= 1 + 1e-9).all()  # a log of thousands has twelve digits left
    assert "Every 5th state is drawn" in figures.batch_mean(result).layout.meta["subtitle"]


def test_the_frame_has_a_row_a_state():
    result = batch_mean(recorded(network()))
    assert list(result.to_frame().t) == list(range(T + 1))


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_the_picture_draws_both_norms_their_ratio_and_the_theory(settings):
    result = batch_mean(rv.run(config(**settings)))
    figure = figures.batch_mean(result)
    one, two = named(figure, "mean of the norms"), named(figure, "norm of the mean")
    states = result.t[one.x]
    np.testing.assert_array_equal(one.y, result.mean_of_norms[states])
    np.testing.assert_array_equal(two.y, result.norm_of_mean[states])
    np.testing.assert_array_equal(named(figure, "coherence").y, result.coherence[states])
    line = named(figure, "independent")
    assert list(line.y) == [result.independent] * 2
    assert line.line.dash == "dash"
    assert any(note.startswith("independent: 1/√B") for note in notes(figure))
