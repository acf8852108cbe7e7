"""Where float32 and emulated float16 lose the gradient: cases worked by hand, and every cell."""

import numpy as np
import pytest
from helpers import B, T, hidden, network, sequences

import rnnviz as rv
from rnnviz import figures
from rnnviz.diagnostics import gradient_flow, precision
from rnnviz.diagnostics.half import half_bptt, rounded
from rnnviz.figures.theme import PALETTES


def linear_unit(weight, steps, *, gradient=1.0, dtype=np.float64):
    """One unit that only hears itself, and a loss whose derivative by its last state is given."""
    W = {"W_ih": [[1.0]], "W_hh": [[weight]], "b_ih": [0.0]}
    W = {name: np.array(value, dtype) for name, value in W.items()}
    net = rv.Network([rv.Layer(rv.CELLS["linear"](1, 1), W)])
    last = np.arange(steps)[:, None] == steps - 1
    target = np.full((steps, 1, 1), -gradient / 2, dtype)
    return rv.bptt(net, np.zeros((steps, 1, 1), dtype), rv.losses.MSE(target, last))


def recorded(net, dtype=np.float64):
    data = sequences(net)
    target = data.target.astype(dtype)
    return rv.bptt(net, data.x.astype(dtype), rv.losses.MSE(target, data.mask), s0=data.s0)


def lags(one, kind):
    return np.flatnonzero(one.counts[kind]).tolist()


def test_a_gradient_that_halves_is_subnormal_and_then_zero_where_the_format_ends():
    result = precision(linear_unit(0.5, 200))
    assert lags(result.float16, "subnormal") == list(range(15, 25))
    assert result.float16.zero_from == 25
    assert lags(result.float32, "subnormal") == list(range(127, 150))
    assert result.float32.zero_from == 150
    assert result.float64.zero_from is None
    np.testing.assert_allclose(result.float64.log10_norm, -np.log10(2) * np.arange(201))
    for one, end in ((result.float16, 25), (result.float32, 150)):
        np.testing.assert_allclose(one.log10_norm[:end], result.float64.log10_norm[:end])
        assert np.isneginf(one.log10_norm[end:]).all()
        assert result.off_from(one) == end


def test_plain_float64_ends_too_but_the_truth_goes_on():
    result = precision(linear_unit(0.5, 1100))
    assert result.float64.zero_from == 1075
    assert np.isfinite(result.float64.log10_norm).all()


def test_a_gradient_that_doubles_is_infinite_beyond_the_largest_number():
    result = precision(linear_unit(2.0, 140))
    assert result.float16.infinite_from == 16  # 2**15 is below 65504, 2**16 is above
    assert result.float32.infinite_from == 128
    assert result.float64.infinite_from is None
    assert np.isposinf(result.float16.log10_norm[16:]).all()


@pytest.mark.parametrize("power", [4, 10])
def test_a_loss_scale_moves_every_end_by_its_power_and_no_norm(power):
    result = precision(linear_unit(0.5, 60), loss_scale=2.0**power)
    assert result.float16.zero_from == 25 + power
    assert result.float16.smallest_subnormal == pytest.approx(np.log10(2) * (-24 - power))
    assert result.float16.smallest_normal == pytest.approx(np.log10(2) * (-14 - power))
    finite = np.isfinite(result.float16.log10_norm)
    np.testing.assert_allclose(
        result.float16.log10_norm[finite], result.float64.log10_norm[finite], atol=1e-12
    )


def test_rounding_up_holds_a_subnormal_gradient_that_should_vanish():
    result = precision(linear_unit(0.75, 200))
    assert result.float16.zero_from is None
    assert result.float16.log10_norm[-1] >= np.log10(2.0**-24)
    off = result.off_from(result.float16)
    assert off is not None
    assert f"float16 the gradient is more than twice off the truth from lag {off} back" in (
        result.sentence
    )


def test_a_half_is_the_nearest_one_with_subnormals_and_infinity():
    values = np.array([1 + 2.0**-11, 2.0**-25, 2.0**-24, 65519.0, 65520.0, -1e9])
    np.testing.assert_array_equal(rounded(values), [1, 0, 2.0**-24, 65504, np.inf, -np.inf])


@pytest.mark.parametrize("cell", rv.CELLS)
@pytest.mark.parametrize("options", [{}, {"layers": 3}, {"layers": 2, "both": True}])
def test_float16_of_every_cell_is_near_the_truth_where_numbers_are_large(cell, options):
    record = recorded(network(cell, residual=cell == "gru", **options))
    loss = 2.0**6
    found = half_bptt(record, record.dy * loss)
    for layer, ds in zip(record.layers, found, strict=True):
        assert ds.dtype == np.float32
        np.testing.assert_array_equal(ds, rounded(ds))
        assert np.linalg.norm(ds / loss - layer.ds) < 0.1 * np.linalg.norm(layer.ds)


@pytest.mark.parametrize("cell", ["tanh", "lstm", "gru"])
@pytest.mark.parametrize("source", ["last", "total"])
def test_float32_and_the_truth_are_the_flow(cell, source):
    record = recorded(network(cell, layers=2, both=True))
    for number in range(4):
        result = precision(record, source, number)
        flow = gradient_flow(record, source, number)
        by_lag = flow.log10_norm[flow.loss_state :: -1]
        np.testing.assert_array_equal(result.float64.log10_norm, by_lag)
        np.testing.assert_allclose(result.float32.log10_norm, by_lag, atol=1e-4)
        assert result.float32.entries == B * record.layers[number].s.shape[2]


def test_float16_is_a_numpy_pass_in_half_precision():
    record = recorded(network("tanh"))
    half, single = np.float16, np.float32
    p = {name: W.astype(half).astype(single) for name, W in record.network.layers[0].params.items()}
    x = record.x.astype(half).astype(single)
    h = [record.h[0].astype(half).astype(single)]
    for x_t in x:
        a = (x_t @ p["W_ih"].T + (p["b_ih"] + p["b_hh"])).astype(half).astype(single)
        h.append(np.tanh(a + h[-1] @ p["W_hh"].T).astype(half).astype(single))
    W_hy = record.network.params["readout.W_hy"].astype(half).astype(single)
    direct = (record.dy.astype(half).astype(single) @ W_hy).astype(half).astype(single)
    dh = direct[-1]
    expected = [dh]
    for t in reversed(range(T)):
        before = direct[t - 1] if t else np.zeros_like(dh)
        dh = (before + (dh * (1 - h[t + 1] ** 2)) @ p["W_hh"]).astype(half).astype(single)
        expected.append(dh)
    (found,) = half_bptt(record, record.dy)
    np.testing.assert_allclose(found, expected[::-1], atol=2e-3 * np.abs(found).max())


def test_a_record_in_float32_has_the_truth_of_its_own_weights():
    result = precision(recorded(network("gru", dtype=np.float32), np.float32))
    np.testing.assert_allclose(result.float32.log10_norm, result.float64.log10_norm, atol=1e-4)
    long = precision(linear_unit(0.5, 200, dtype=np.float32))
    np.testing.assert_allclose(long.float64.log10_norm[-1], -200 * np.log10(2))


@pytest.mark.parametrize(
    "settings",
    [
        {"gain": 0.0},
        {"gain": 10.0, "cell": "relu", "init": "identity", "steps": 900},
        {"gain": 10.0, "cell": "linear", "steps": 60},
        {"steps": 1, "hidden_size": 1, "batch_size": 1},
    ],
)
def test_extremes_are_an_outcome_with_a_sentence_and_a_picture(settings):
    config = rv.RunConfig(**{"task": "sine", "hidden_size": 8, "batch_size": 3, **settings})
    result = precision(rv.run(config))
    assert "float32" in result.sentence
    assert "float16" in result.sentence
    for theme in PALETTES:
        assert figures.precision(result, theme=theme).data


def test_no_recurrent_weights_are_zero_in_every_precision():
    result = precision(rv.run(rv.RunConfig(gain=0.0, steps=9, hidden_size=hidden("tanh"))))
    assert [one.zero_from for one in result.all] == [1, 1, 1]
    assert result.off_from(result.float16) is None


def test_a_long_sequence_takes_memory_for_its_states_only():
    config = rv.RunConfig(hidden_size=8, batch_size=1, steps=10_000, task="sine")
    result = precision(rv.run(config))
    assert len(result.lag) == 10_001
    assert figures.precision(result).data[-1].x.size <= 600


@pytest.mark.parametrize("scale", [0.0, -1.0, np.inf, np.nan])
def test_a_loss_scale_that_means_nothing_is_refused(scale):
    with pytest.raises(ValueError, match="loss_scale must be positive and finite, got "):
        precision(linear_unit(0.5, 3), loss_scale=scale)


def test_the_frame_has_a_row_a_precision_and_lag():
    result = precision(linear_unit(0.5, 30))
    frame = result.to_frame()
    assert len(frame) == 3 * 31
    half = frame[frame.precision == "float16"]
    np.testing.assert_array_equal(half.zero, result.float16.share("zero"))


def test_the_picture_draws_the_norms_the_limits_and_the_marks():
    result = precision(linear_unit(0.5, 200))
    figure = figures.precision(result)
    by_name = {trace.name: trace for trace in figure.data}
    for one in result.all:
        name = next(n for n in by_name if n.startswith(one.name) and "subnormal" not in n)
        np.testing.assert_array_equal(by_name[name].y, one.log10_norm)
        share = by_name[f"{one.name}, subnormal"]
        np.testing.assert_array_equal(share.y, one.share("subnormal"))
    notes = [note.text for note in figure.layout.annotations]
    assert any("float16: exactly 0 from lag 25" in note for note in notes)
    assert any("float32: exactly 0 from lag 150" in note for note in notes)
    limits = [trace.y[0] for trace in figure.data if trace.line.dash == "dot"]
    for one in (result.float32, result.float16):
        assert one.smallest_normal in limits
        assert one.smallest_subnormal in limits
    marks = [trace for trace in figure.data if trace.mode == "markers"]
    assert sorted(len(trace.x) for trace in marks) == [51, 176]
