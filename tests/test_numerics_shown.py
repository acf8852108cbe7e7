"""Numbers that are none, too large or too small: what is shown, and what stays to the bit."""

import math
import threading
from decimal import Decimal, localcontext

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

import rnnviz as rv
from rnnviz import figures


def one_unit(w, steps):
    """h_t = w h_{t-1} + x_t, whose last loss has the derivative w^k times the last one's."""
    params = {"W_ih": np.ones((1, 1)), "W_hh": np.full((1, 1), w), "b_ih": np.zeros(1)}
    net = rv.Network([rv.Layer(rv.CELLS["linear"](1, 1), params)])
    mask = np.zeros((steps, 1), bool)
    mask[-1] = True
    loss = rv.losses.MSE(np.zeros((steps, 1, 1)), mask)
    return rv.bptt(net, np.ones((steps, 1, 1)), loss)


def endless():
    """States that are infinite, then NaN, so that no gradient is a number."""
    return rv.run(
        rv.RunConfig(cell="linear", gain=10, steps=700, hidden_size=3, batch_size=2, task="sine")
    )


@pytest.mark.parametrize("exponent", [-300, -160, -5, 5, 140])
def test_a_norm_is_that_of_exact_arithmetic(exponent):
    """Norms of derivatives from 1e-300 to 1e140, beside 60 digits: the loss squares the state."""
    entries = [3.25, -0.125, 7.5]
    scale = float(f"1e{exponent}")
    target = -scale * np.array(entries)[None, None] * 3 / 2  # MSE's derivative is 2/3 of y - target
    params = {"W_ih": np.zeros((3, 1)), "W_hh": np.zeros((3, 3)), "b_ih": np.zeros(3)}
    net = rv.Network([rv.Layer(rv.CELLS["linear"](1, 3), params)])
    flow = rv.diagnostics.gradient_flow(rv.bptt(net, np.zeros((1, 1, 1)), rv.losses.MSE(target)))
    with localcontext() as context:
        context.prec = 60
        exact = sum(Decimal(scale * entry) ** 2 for entry in entries).sqrt().log10()
    assert flow.log10_norm[-1] == pytest.approx(float(exact), rel=1e-12)


@pytest.mark.parametrize("steps", [1, 2, 50])
def test_one_unit_has_the_closed_form_and_one_point_in_its_spectrum(steps):
    w = 0.75
    record = one_unit(w, steps)
    flow = rv.diagnostics.gradient_flow(record)
    lags = np.arange(len(flow.log10_norm))[::-1]
    np.testing.assert_allclose(
        flow.log10_norm - flow.log10_norm[-1], lags * math.log10(w), rtol=1e-12, atol=1e-12
    )
    spectrum = rv.diagnostics.eigenvalues(record.network)
    np.testing.assert_array_equal(spectrum.values, [w])
    figure = figures.time_panel(record, flow)
    assert figure.layout.meta["alt"]


def test_where_nothing_is_a_number_there_are_words_in_place_of_a_line():
    record = endless()
    flow = rv.diagnostics.gradient_flow(record)
    assert not np.isfinite(flow.log10_norm[:300]).any()
    drawn = [
        figures.time_panel(record, flow),
        figures.gradient_flow(flow),
    ]
    for figure in drawn:
        text = " ".join(str(note.text) for note in figure.layout.annotations)
        assert "NaN" in text + figure.layout.meta["alt"]
        for trace in figure.data:
            if trace.type == "scatter" and trace.mode == "markers":
                assert np.isfinite(np.asarray(trace.y, float)).all()


def test_what_a_line_leaves_out_is_counted_truly():
    record = endless()
    flow = rv.diagnostics.gradient_flow(record)
    figure = figures.time_panel(record, flow)
    names = [trace.name or "" for trace in figure.data if trace.type == "scatter"]
    nan, infinite = np.isnan(flow.log10_norm).sum(), np.isposinf(flow.log10_norm).sum()
    assert nan + infinite > 0
    assert (f"NaN: {nan}" in names) == bool(nan)
    assert (f"infinite: {infinite}" in names) == bool(infinite)


@pytest.mark.parametrize("scale", [0.0, 1.0])
def test_inputs_that_do_not_change_divide_by_no_zero(scale):
    params = {"W_ih": np.ones((4, 1)), "W_hh": np.eye(4) / 2, "b_ih": np.zeros(4)}
    net = rv.Network([rv.Layer(rv.CELLS["tanh"](1, 4), params)])
    x = np.full((9, 3, 1), scale)
    record = rv.bptt(net, x, rv.losses.MSE(np.ones((9, 3, 4))))
    for ask in ("gradient_flow", "saturation", "state_space", "lyapunov", "batch_mean"):
        result = getattr(rv.diagnostics, ask)(record)
        assert result.to_frame() is not None


def test_a_target_that_is_no_number_never_becomes_a_quiet_loss():
    config = rv.TrainConfig(hidden_size=3, steps=5, batch_size=2, task="sine")
    batch = rv.draw(config.run)
    target = np.array(batch.target)
    target[2, 0] = np.nan
    loss = rv.losses.MSE(target)
    record = rv.bptt(rv.build(config.run, *batch.x.shape[2:], target.shape[2]), batch.x, loss)
    assert np.isnan(record.loss)
    assert np.isnan(record.dy).any()


def test_an_eigenvalue_that_does_not_converge_is_a_refusal_like_any_other():
    """Pages show a ValueError in the picture's place, and NumPy's is one."""
    assert issubclass(np.linalg.LinAlgError, ValueError)
    with pytest.raises(ValueError, match="infs or NaNs"):
        np.linalg.eigvals(np.full((3, 3), np.nan))


@pytest.mark.parametrize("hidden_size", [5, 160])
def test_a_run_is_the_same_to_the_bit_on_one_thread_on_two_and_beside_busy_ones(hidden_size):
    config = rv.RunConfig(cell="gru", hidden_size=hidden_size, steps=20, batch_size=7, seed=3)
    with threadpool_limits(1):
        alone = rv.run(config)
    with threadpool_limits(2):
        both = rv.run(config)
    found = []
    busy = [threading.Thread(target=lambda: found.append(rv.run(config))) for _ in range(4)]
    for thread in busy:
        thread.start()
    for thread in busy:
        thread.join()
    assert len(found) == 4
    for other in (both, *found):
        assert other.loss == alone.loss
        np.testing.assert_array_equal(other.dh, alone.dh)
        for name, gradient in alone.grads.items():
            np.testing.assert_array_equal(other.grads[name], gradient)


@pytest.mark.parametrize("gain", [1.0, 8.0])
def test_the_key_of_states_leaves_room_for_the_rows_name(gain):
    record = rv.run(rv.RunConfig(cell="relu", gain=gain, steps=60, hidden_size=9, task="sine"))
    figure = figures.time_panel(record, rv.diagnostics.gradient_flow(record))
    texts = [str(note.text) for note in figure.layout.annotations]
    row = next(n for n, text in enumerate(texts) if "Hidden states" in text)
    assert texts[row + 1].count("■") == 5
