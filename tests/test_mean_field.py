"""The theory of endlessly many units, by hand, by quadrature and by simulation."""

import json
import math

import numpy as np
import pytest
from helpers import network, sequences
from scipy.integrate import quad

import rnnviz as rv
from rnnviz import figures
from rnnviz.diagnostics import mean_field, mean_field_of
from rnnviz.mean_field import CELLS, critical_gain, critical_input_sd, over_normal


def run(**settings):
    return rv.run(
        rv.RunConfig(
            **{"steps": 40, "batch_size": 3, "init": "normal", "task": "adding", **settings}
        )
    )


def simulated(H, g, variance, seed, cell="tanh", steps=60, inputs=50):
    """A random network with an input of this variance that changes at every step."""
    rng = np.random.default_rng(seed)
    params = {
        "W_hh": g * rng.normal(size=(H, H)) / np.sqrt(H),
        "W_ih": np.sqrt(variance / inputs) * rng.normal(size=(H, inputs)),
        "b_ih": np.zeros(H),
        "b_hh": np.zeros(H),
    }
    net = rv.Network([rv.Layer(rv.CELLS[cell](inputs, H), params)])
    last = np.repeat(np.arange(steps)[:, None] == steps - 1, 2, axis=1)
    loss = rv.losses.MSE(rng.normal(size=(steps, 2, H)), last)
    return rv.bptt(net, rng.normal(size=(steps, 2, inputs)), loss, s0=[rng.normal(size=(2, H))])


# The theory


@pytest.mark.parametrize("q", [1e-8, 0.01, 0.7, 0.99, 1.01, 3.9, 4.1, 50.0, 1e4, 1e8])
def test_the_averages_over_a_normal_are_scipys(q):
    sd = math.sqrt(q)

    def mean(f, end):
        def weighted(u):
            return f(u) * math.exp(-((u / sd) ** 2) / 2) / (sd * math.sqrt(2 * math.pi))

        return 2 * quad(weighted, 0, min(end, 12 * sd), epsabs=0, epsrel=1e-12, limit=500)[0]

    tanh_2 = mean(lambda u: math.tanh(u) ** 2, 40) if q < 1 else 1 - mean(sech_2, 40)
    assert over_normal(q) == pytest.approx((tanh_2, mean(lambda u: sech_2(u) ** 2, 40)), rel=1e-12)


def sech_2(u):
    return math.cosh(u) ** -2


@pytest.mark.parametrize("variance", [0.0, 0.3])
@pytest.mark.parametrize("gain", [0.0, 0.5, 0.9])
def test_chi_of_linear_units_is_the_gain_squared_and_of_relu_half_of_it(gain, variance):
    linear, relu = (mean_field(cell, gain, variance) for cell in ("linear", "relu"))
    assert linear.chi == pytest.approx(gain**2)
    assert linear.factor == pytest.approx(gain)
    assert linear.q == pytest.approx(variance / (1 - gain**2))
    assert relu.chi == pytest.approx(gain**2 / 2)
    assert relu.q == pytest.approx(variance / (1 - gain**2 / 2))


def test_without_a_limit_q_is_infinite_and_chi_stays():
    assert mean_field("relu", 1.5, 0.1) == rv.diagnostics.MeanField("relu", 1.5, 0.1, np.inf, 1.125)
    assert mean_field("linear", 1.1, 0.0).q == np.inf


@pytest.mark.parametrize("gain", [0.0, 0.3, 1.0])
def test_below_gain_1_and_without_input_tanh_units_are_linear_and_still(gain):
    field = mean_field("tanh", gain, 0.0)
    assert field.q == 0
    assert field.chi == gain**2


@pytest.mark.parametrize("gain", [0.5, 1.0001, 1.2, 3.0, 20.0])
@pytest.mark.parametrize("variance", [0.0, 1e-9, 0.2, 30.0])
def test_q_is_where_the_map_of_tanh_units_stays(gain, variance):
    field = mean_field("tanh", gain, variance)
    again = gain**2 * over_normal(field.q)[0] + variance
    assert again == pytest.approx(field.q, rel=1e-9, abs=1e-300)
    assert field.chi == pytest.approx(gain**2 * over_normal(field.q)[1])
    if gain > 1:
        assert field.q > 0


@pytest.mark.parametrize(("gain", "sd"), [(1.0, 0.0), (1.5, 0.431), (2.0, 1.279), (3.0, 3.883)])
def test_the_critical_input_is_the_one_at_which_chi_is_1(gain, sd):
    found = critical_input_sd(gain)
    assert round(found, 3) == sd
    assert mean_field("tanh", gain, found**2).chi == pytest.approx(1, abs=1e-9)
    assert critical_gain(found**2) == pytest.approx(gain, abs=1e-9)


def test_below_gain_1_no_input_is_critical():
    assert math.isnan(critical_input_sd(0.9))


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("gain", [np.nan, np.inf, 1e200])
def test_a_gain_that_is_no_number_gives_none(cell, gain):
    assert math.isnan(mean_field(cell, gain, 1.0).factor)


def test_what_the_theory_is_not_written_for_is_refused_in_one_sentence():
    with pytest.raises(ValueError, match=r"takes one of \['tanh', 'relu', 'linear'\], got 'lstm'"):
        mean_field("lstm", 1.0, 0.0)
    with pytest.raises(ValueError, match=r"at least 0, got -1\.0 and 0\.0"):
        mean_field("tanh", -1.0, 0.0)


# Beside a record


@pytest.mark.parametrize(("gain", "variance"), [(1.5, 1.0), (2.0, 0.0), (2.0, 1.0), (3.0, 0.1)])
def test_a_large_random_network_does_what_the_theory_says(gain, variance):
    result = mean_field_of(simulated(512, gain, variance, 0))
    assert result.theory.gain == pytest.approx(gain, rel=0.01)
    assert result.theory.input_variance == pytest.approx(variance, rel=0.1)
    assert result.measured == pytest.approx(result.theory.factor, rel=0.02)


def test_nine_in_ten_networks_lie_within_the_band():
    results = [
        mean_field_of(simulated(64, g, variance, seed, steps=100))
        for g in (1.5, 2.0, 3.0)
        for variance in (0.1, 1.0)
        for seed in range(5)
    ]
    assert results[0].band == 4 / 64
    assert np.mean([result.within_band for result in results]) >= 0.9


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_input_variance_is_that_of_what_input_and_biases_add(cell, dtype):
    record = run(cell=cell, hidden_size=48, bias="uniform", dtype=dtype, gain=0.8)
    p = record.network.layers[0].params
    added = (record.x @ p["W_ih"].T + p["b_ih"] + p["b_hh"]).astype(np.float64)
    result = mean_field_of(record)
    assert result.theory.input_variance == pytest.approx(added.var(), rel=1e-5)
    assert result.theory.gain == pytest.approx(p["W_hh"].std() * np.sqrt(48), rel=1e-5)
    assert result.measured == rv.diagnostics.gradient_flow(record, "last").factor


@pytest.mark.parametrize("cell", sorted(set(rv.CELLS) - set(CELLS)))
def test_other_cells_are_refused_in_one_sentence(cell):
    net = network(cell)
    data = sequences(net)
    record = rv.bptt(net, data.x, rv.losses.MSE(data.target))
    with pytest.raises(ValueError, match="mean_field_of takes a cell of"):
        mean_field_of(record)


@pytest.mark.parametrize(
    ("settings", "warning"),
    [
        ({"hidden_size": 8}, "8 units are few"),
        ({"gain": 1.2}, "Between g = 1 and 1.5"),
        ({"init": "orthogonal"}, "not like independent random draws"),
        ({"init": "identity"}, "not like independent random draws"),
        ({"cell": "relu", "gain": 2.0}, r"g\^2 above 2"),
        ({"cell": "linear", "gain": 2.0}, r"g\^2 above 1"),
        ({"cell": "linear", "gain": 0.5}, "nearly the same matrix"),
        ({"gain": 0.5, "task": "sine"}, "nearly the same matrix"),
        ({"bias": "constant", "bias_value": 2.0}, "shifts all units by 2"),
    ],
)
def test_what_the_theory_does_not_know_is_said(settings, warning):
    result = mean_field_of(run(**{"hidden_size": 64, **settings}))
    assert any(np.array([warning.replace("\\", "") in said for said in result.warnings]))


def test_a_chaotic_random_network_needs_no_warning():
    assert mean_field_of(run(gain=2.0, hidden_size=64)).warning == ""


def test_bursts_and_lower_layers_are_said():
    record = run(gain=2.0, hidden_size=40, layers=2)
    assert "A" not in mean_field_of(record, 1).warning[:1]
    assert "fed from above" in mean_field_of(record, 0).warning
    x = np.zeros_like(record.x)
    x[3] = 50.0
    burst = rv.bptt(record.network, x, rv.losses.MSE(record.y + 1))
    assert "comes in bursts" in mean_field_of(burst, 0).warning


@pytest.mark.parametrize(("variance", "expected"), [(0.01, (1.0, 1.5)), (1.0, None)])
def test_much_input_takes_the_doubt_away(variance, expected):
    assert mean_field_of(simulated(40, 1.2, variance, 0, steps=5)).doubtful == expected


def test_the_curve_goes_through_the_point_and_the_frame_has_a_row_a_gain():
    result = mean_field_of(run(gain=1.7, hidden_size=40))
    frame = result.to_frame()
    at = int(np.flatnonzero(result.gains == result.theory.gain)[0])
    assert result.factors[at] == result.theory.factor
    assert frame.high[at] == pytest.approx(result.factors[at] * 1.1)
    assert frame.low[at] == pytest.approx(result.factors[at] * 0.9)
    assert np.interp(result.critical_gain, result.gains, result.factors) == pytest.approx(
        1, abs=1e-3
    )


@pytest.mark.parametrize(
    "settings",
    [
        {"steps": 1, "hidden_size": 1, "batch_size": 1},
        {"gain": 0.0},
        {"gain": 10.0, "cell": "linear", "steps": 60, "dtype": "float32"},
        {"gain": 10.0, "cell": "relu", "steps": 900, "hidden_size": 4},
    ],
)
def test_extremes_have_a_picture(settings):
    result = mean_field_of(run(**{"hidden_size": 6, **settings}))
    assert json.loads(figures.mean_field(result).to_json())["data"]


def test_a_network_of_nans_has_no_theory():
    record = run(hidden_size=6)
    broken = rv.bptt(record.network, record.x * np.nan, rv.losses.MSE(record.y))
    result = mean_field_of(broken)
    assert math.isnan(result.theory.factor)
    assert not result.within_band
    figure = figures.mean_field(result)
    assert "theory NaN" in {trace.name for trace in figure.data}


def test_the_long_run_is_taken_a_block_at_a_time():
    result = mean_field_of(run(steps=10_000, hidden_size=8, batch_size=2, gain=2.0))
    assert 0.5 < result.measured < 2


# The picture


def test_the_picture_has_the_curve_the_band_and_both_points():
    result = mean_field_of(run(gain=2.0, hidden_size=40))
    figure = figures.mean_field(result)
    traces = {trace.name: trace for trace in figure.data}
    curve = traces["theory √χ (band ±10 %)"]
    np.testing.assert_array_equal(curve.y, result.factors)
    assert curve.line.dash == "dash"
    np.testing.assert_allclose(traces["low end of the band"].y, result.factors * 0.9)
    np.testing.assert_array_equal(traces["1: neither grows nor shrinks"].y, [1, 1])
    theory, measured = figure.data[-2:]
    assert (theory.x[0], theory.y[0]) == (result.theory.gain, result.theory.factor)
    assert (measured.x[0], measured.y[0]) == (result.theory.gain, result.measured)
    assert (theory.marker.symbol, measured.marker.symbol) == ("circle-open", "circle")
    notes = {note.text for note in figure.layout.annotations}
    assert {theory.name, measured.name, curve.name, "theory<br>in doubt"} <= notes
    (shaded,) = figure.layout.shapes
    assert (shaded.x0, shaded.x1) == (1.0, 1.5)


def test_without_doubt_nothing_is_shaded():
    figure = figures.mean_field(mean_field_of(run(cell="relu", hidden_size=40)))
    assert not figure.layout.shapes
    assert "crosses 1 at g = 1.41" in figure.layout.meta["alt"]
