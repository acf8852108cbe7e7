"""The decay by lag: averages of the itemized gradients, and the half-life they have."""

import numpy as np
import pytest
from helpers import T, network, sequences
from test_figures import SETTINGS, config, named, notes

import rnnviz as rv
from rnnviz import figures
from rnnviz.diagnostics import decay, gradient_flow, itemized


def recorded(net):
    data = sequences(net)
    return rv.bptt(
        net,
        data.x.astype(net.dtype),
        rv.losses.MSE(data.target.astype(net.dtype), data.mask),
        s0=data.s0,
    )


@pytest.mark.parametrize("cell", ["tanh", "lstm", "gru"])
@pytest.mark.parametrize("layers", [1, 2])
def test_each_lag_is_the_mean_over_the_sources_that_reach_it(cell, layers):
    record = recorded(network(cell, layers=layers))
    items = itemized(record)
    result = decay(items)
    fed = record.dy.any(axis=(1, 2))
    for k in result.lag:
        norms = [
            items.log10_norm[n, s + 1 - k]
            for n, s in enumerate(items.sources)
            if fed[s] and s + 1 >= k
        ]
        assert result.sources[k] == len(norms)
        assert result.log10_norm[k] == pytest.approx(np.log10(np.mean(10.0 ** np.array(norms))))
        assert result.log10_quantiles[1, k] == sorted(norms)[round(0.5 * (len(norms) - 1))]
    assert result.lag[-1] == T


@pytest.mark.parametrize("gain", [0.5, 0.9])
def test_an_orthogonal_linear_network_has_the_half_life_of_its_gain(gain):
    settings = {"cell": "linear", "init": "orthogonal", "loss_at": "all", "task": "sine"}
    record = rv.run(rv.RunConfig(**settings, gain=gain, hidden_size=4, steps=400, batch_size=2))
    result = decay(itemized(record))
    last = decay(itemized(record, every=400))
    assert last.factor == pytest.approx(gain, rel=1e-9)
    assert last.half_life == pytest.approx(np.log(0.5) / np.log(gain), rel=1e-9)
    assert result.factor == pytest.approx(gain, rel=0.05)


def test_the_last_source_alone_is_the_flow_of_the_last_steps_loss():
    record = recorded(network("gru"))
    flow = gradient_flow(record, "last")
    result = decay(itemized(record, every=T), flow)
    np.testing.assert_allclose(result.log10_norm, result.log10_last, atol=1e-12)
    assert result.fit.factor == pytest.approx(flow.factor)
    assert decay(itemized(record)).log10_last is None


def test_numbers_below_any_float_are_averaged():
    settings = {"cell": "linear", "init": "identity", "gain": 0.01, "loss_at": "all"}
    record = rv.run(rv.RunConfig(**settings, task="sine", hidden_size=2, steps=300, batch_size=1))
    result = decay(itemized(record))
    assert result.log10_norm[-1] < -590
    assert result.factor == pytest.approx(0.01, rel=0.05)


def test_no_recurrence_leaves_exact_zeros_and_no_half_life():
    result = decay(itemized(rv.run(config(gain=0.0, loss_at="all"))))
    assert np.isfinite(result.log10_norm[0])
    assert np.isneginf(result.log10_norm[1:]).all()
    assert result.half_life is None
    assert any("exactly 0 at 20 lags" in note for note in notes(figures.decay(result)))


def test_a_growing_gradient_has_no_half_life():
    grown = config(cell="linear", init="orthogonal", gain=2.0, loss_at="all")
    assert decay(itemized(rv.run(grown))).half_life is None


def test_float32_agrees():
    one, two = (
        decay(itemized(recorded(network("lstm", dtype=dtype)))) for dtype in (np.float32, float)
    )
    np.testing.assert_allclose(one.log10_norm, two.log10_norm, atol=1e-4)


def test_a_loss_of_nothing_decays_nowhere():
    net = network()
    data = sequences(net)
    result = decay(itemized(rv.bptt(net, data.x, rv.losses.MSE(rv.predict(net, data.x)))))
    assert np.isneginf(result.log10_norm).all()


def test_the_frame_has_a_row_a_lag():
    frame = decay(itemized(recorded(network()))).to_frame()
    assert list(frame.lag) == list(range(T + 1))


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_the_picture_draws_mean_band_last_step_and_half_life(settings):
    record = rv.run(config(**settings))
    result = decay(itemized(record, every=9), gradient_flow(record, "last"))
    figure = figures.decay(result)
    if np.isfinite(result.log10_norm).any():
        np.testing.assert_array_equal(named(figure, "mean of").y, result.log10_norm)
        np.testing.assert_array_equal(named(figure, "last step").y, result.log10_last)
    drawn = [note for note in notes(figure) if note.startswith("half-life")]
    life = result.half_life
    assert len(drawn) == (life is not None and life <= result.lag[-1])
    assert len(figure.layout.shapes) == len(drawn)
    if result.sources[0] > 1:
        assert named(figure, "90 %").fill == "tonexty"
