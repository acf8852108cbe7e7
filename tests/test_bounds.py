"""Bounds hold for every cell, are met where they are tight, and own up where they say nothing."""

import json

import numpy as np
import pytest
from helpers import B, T, network, sequences
from hypothesis import given, settings
from hypothesis import strategies as st

import rnnviz as rv
from rnnviz import figures
from rnnviz.diagnostics import bounds, gradient_flow

VANILLA = ("tanh", "relu", "linear", "sigmoid")


def recorded(cell, **options):
    net = network(cell, **options)
    data = sequences(net)
    return rv.bptt(net, data.x, rv.losses.MSE(data.target, data.mask), s0=data.s0)


def run(**changes):
    base = {"steps": 30, "batch_size": 3, "hidden_size": 6, "task": "adding"}
    return rv.run(rv.RunConfig(**{**base, **changes}))


def assert_held(result, slack=1e-9):
    room = slack * (1 + result.lag)
    assert (result.lower <= result.measured + room).all()
    assert (result.measured <= result.upper + room).all()
    if result.pascanu:
        assert (result.pascanu.lower <= result.lower + room).all()
        assert (result.upper <= result.pascanu.upper + room).all()


@pytest.mark.parametrize("cell", rv.CELLS)
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("both", [True, False])
def test_no_gradient_leaves_its_bounds(cell, layers, both):
    record = recorded(cell, layers=layers, both=both)
    for number in record.network.levels[-1]:
        result = bounds(record, number)
        flow = gradient_flow(record, "last", number)
        assert_held(result)
        expected = flow.log10_norm[flow.loss_state :: -1]
        np.testing.assert_allclose(result.measured, expected, rtol=0, atol=1e-13)
        assert result.lower[0] == result.upper[0] == result.measured[0]


@given(
    cell=st.sampled_from(["tanh", "relu", "linear", "sigmoid", "lstm", "gru", "leaky"]),
    init=st.sampled_from(["normal", "orthogonal", "identity"]),
    gain=st.sampled_from([0.0, 0.1, 0.9, 1.2, 3.0]),
    seed=st.integers(0, 50),
)
@settings(max_examples=30, deadline=None)
def test_no_gradient_leaves_its_bounds_whatever_the_weights(cell, init, gain, seed):
    assert_held(bounds(run(cell=cell, init=init, gain=gain, seed=seed, steps=12)))


def test_a_step_is_bounded_by_the_singular_values_of_its_jacobian():
    torch = pytest.importorskip("torch")
    record = recorded("tanh")
    result, layer = bounds(record), record.network.layers[0]
    p = {name: torch.tensor(W) for name, W in layer.params.items()}
    for t in range(T):
        for b in range(B):
            own = p["W_ih"] @ torch.tensor(record.x[t, b]) + p["b_ih"] + p["b_hh"]
            J = torch.autograd.functional.jacobian(
                lambda h, own=own: torch.tanh(own + p["W_hh"] @ h), torch.tensor(record.h[t, b])
            )
            sizes = torch.linalg.svdvals(J).numpy()
            found = 10 ** result.largest[t, b], 10 ** result.smallest[t, b]
            np.testing.assert_allclose(found, (sizes[0], sizes[-1]), rtol=1e-12)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_a_gated_step_is_bounded_by_finite_differences_of_its_states(cell):
    record = recorded(cell)
    result, layer = bounds(record), record.network.layers[0]

    def after(t, s):
        loss = rv.losses.MSE(np.zeros((1, len(s), layer.cell.hidden_size)))
        x = np.repeat(record.x[t : t + 1, :1], len(s), axis=1)
        return rv.bptt(rv.Network([layer]), x, loss, s0=[s]).s[-1]

    size = layer.cell.state_size
    for t in (0, T - 1):
        shift = 1e-6 * np.eye(size)
        J = (after(t, record.s[t, 0] + shift) - after(t, record.s[t, 0] - shift)) / 2e-6
        sizes = np.linalg.svd(J, compute_uv=False)
        assert 10 ** result.largest[t, 0] == pytest.approx(sizes[0], rel=1e-7)
        assert 10 ** result.smallest[t, 0] == pytest.approx(sizes[-1], rel=1e-5, abs=1e-8)


@pytest.mark.parametrize("gain", [0.5, 1.0, 1.3])
def test_of_a_linear_orthogonal_network_all_bounds_are_the_gradient(gain):
    result = bounds(run(cell="linear", init="orthogonal", gain=gain))
    expected = result.measured[0] + result.lag * np.log10(gain)
    lines = (result.measured, result.lower, result.upper, result.pascanu.upper)
    for line in (*lines, result.pascanu.lower):
        np.testing.assert_allclose(line, expected, atol=1e-11)
    assert not result.silent.any()


def test_of_one_unit_the_steps_bounds_are_the_gradient():
    result = bounds(run(hidden_size=1, cell="tanh", gain=1.2))
    np.testing.assert_allclose(result.upper, result.measured, atol=1e-12)
    np.testing.assert_allclose(result.lower, result.measured, atol=1e-12)


@pytest.mark.parametrize("cell", VANILLA)
def test_the_papers_bounds_are_powers_of_the_weights_and_products_of_the_slopes(cell):
    record = recorded(cell)
    result, W = bounds(record), record.network.params["l0.W_hh"]
    slope = record.network.layers[0].cell.slope(record.h[1:])
    gamma = 0.25 if cell == "sigmoid" else 1.0
    sizes = np.linalg.svd(W, compute_uv=False)
    upper = result.measured[0] + result.lag * np.log10(gamma * sizes[0])
    np.testing.assert_allclose(result.pascanu.upper, upper, atol=1e-12)
    least = slope.min(axis=2) * sizes[-1]
    start = np.linalg.norm(record.ds[-1], axis=1)
    for k in (1, 3, T):
        product = start * least[T - k :].prod(axis=0)
        with np.errstate(divide="ignore"):
            expected = np.log10(product.mean())
        assert result.pascanu.lower[k] == pytest.approx(expected, abs=1e-12)


def test_the_region_where_bounds_say_nothing_is_where_they_straddle_the_loss():
    result = bounds(run(init="normal", gain=1.0))
    above, below = result.upper > result.upper[0], result.lower < result.lower[0]
    np.testing.assert_array_equal(result.silent, above & below)
    assert "growth and decay alike at 30 of 30 lags" in result.sentence


@pytest.mark.parametrize(("gain", "word"), [(0.5, "shrinks"), (1.5, "grows")])
def test_bounds_that_prove_something_say_so(gain, word):
    result = bounds(run(cell="linear", init="orthogonal", gain=gain))
    assert result.sentence == f"The bounds prove that the gradient {word}."


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"gain": 0.5}, "below 1/γ = 1: enough for the gradient to vanish"),
        ({"gain": 1.0}, "just 1/γ: the gradient cannot explode"),
        ({"gain": 1.5}, "above 1/γ = 1: the gradient cannot explode without that"),
        ({"gain": 1.5, "cell": "sigmoid"}, "below 1/γ = 4: enough"),
    ],
)
def test_the_papers_conditions_are_said(changes, words):
    assert words in bounds(run(init="orthogonal", **changes)).pascanu.condition


@pytest.mark.parametrize("cell", rv.CELLS)
def test_fewer_sequences_give_the_same_bounds_of_those(cell):
    record = recorded(cell)
    whole, one = bounds(record), bounds(record, sequences=1)
    assert one.batch_size == 1
    np.testing.assert_allclose(one.largest[:, 0], whole.largest[:, 0], atol=1e-12)
    flow = gradient_flow(record, "last")
    np.testing.assert_allclose(one.measured, flow.log10_norms[::-1, 0], atol=1e-12)


def test_a_layer_below_another_is_refused_in_one_sentence():
    with pytest.raises(ValueError, match="bounds takes a layer that no other lies on, l1, got l0"):
        bounds(recorded("tanh", layers=2), 0)


def test_units_that_are_off_make_the_lower_bound_exactly_zero():
    result = bounds(run(cell="relu", hidden_size=20))
    assert np.isneginf(result.lower[1:]).all()


@pytest.mark.parametrize("cell", ["tanh", "lstm", "gru"])
def test_float32_is_held_to_its_own_rounding(cell):
    assert_held(bounds(run(cell=cell, dtype="float32")), slack=1e-4)


@pytest.mark.parametrize("cell", ["tanh", "gru"])
def test_a_long_run_has_finite_bounds_far_beyond_any_float(cell):
    result = bounds(run(cell=cell, steps=10_000, batch_size=1, hidden_size=4, init="orthogonal"))
    assert_held(result)
    assert len(result.lag) == 10_001
    assert np.isfinite(result.lower).all()


@pytest.mark.parametrize(
    "changes",
    [
        {"steps": 1, "hidden_size": 1, "batch_size": 1},
        {"gain": 0.0},
        {"cell": "linear", "gain": 10.0, "steps": 60, "dtype": "float32"},
        {"cell": "relu", "gain": 10.0, "steps": 900, "init": "identity"},
        {"cell": "tanh", "gain": 10.0},
    ],
)
def test_extremes_have_a_picture(changes):
    assert json.loads(figures.bounds(bounds(run(**changes))).to_json())["data"]


def test_without_recurrence_everything_is_exactly_zero_from_lag_1():
    result = bounds(run(gain=0.0))
    for line in (result.measured, result.lower, result.upper):
        assert np.isneginf(line[1:]).all()
    names = {trace.name for trace in figures.bounds(result).data}
    assert "exactly 0: 30" in names


def test_weights_that_are_no_numbers_have_no_bounds():
    record = recorded("tanh")
    params = record.network.params | {"l0.W_hh": record.network.params["l0.W_hh"] * np.nan}
    loss = rv.losses.MSE(np.zeros((T, B, 4)))
    result = bounds(rv.bptt(record.network.with_params(params), record.x, loss))
    assert np.isnan(result.upper[1:]).all()
    assert "nothing to bound" in result.sentence
    assert json.loads(figures.bounds(result).to_json())["data"]


def test_the_frame_has_a_row_a_lag():
    result = bounds(recorded("gru"))
    frame = result.to_frame()
    np.testing.assert_array_equal(frame.upper, result.upper)
    assert frame.pascanu_upper.isna().all()


def test_the_picture_has_every_line_and_says_where_each_leaves():
    result = bounds(run(init="normal", gain=1.0, hidden_size=24))
    figure = figures.bounds(result)
    (line,) = [t for t in figure.data if (t.name or "").startswith("measured")]
    np.testing.assert_array_equal(line.y, result.measured)
    np.testing.assert_array_equal(line.x, result.lag)
    dashes = [t.line.dash for t in figure.data if t.line.dash]
    assert sorted(dashes) == ["dash", "dash", "dot", "dot"]
    notes = " ".join(note.text for note in figure.layout.annotations)
    assert "the bounds say nothing here" in notes
    assert f"10<sup>−{abs(round(result.lower[-1]))}</sup>" in notes
    low, high = figure.layout.yaxis.range
    span = result.measured.max() - result.measured.min()
    assert high - low < 4 * max(span, 2.0)  # a bound of 10^100 does not squash the rest


def test_bounds_that_prove_something_shade_nothing():
    figure = figures.bounds(bounds(run(cell="sigmoid")))
    assert not any(trace.fill for trace in figure.data)
    assert not any("say nothing" in note.text for note in figure.layout.annotations)


def test_a_long_picture_is_thinned_and_says_so():
    result = bounds(run(steps=4000, hidden_size=2, batch_size=1))
    figure = figures.bounds(result)
    assert max(len(trace.x) for trace in figure.data) <= 1500
    assert "Every 3rd lag is drawn" in figure.layout.meta["subtitle"]


@pytest.mark.parametrize("cell", rv.CELLS)
def test_fewer_lags_have_the_same_bounds_as_far_as_they_go(cell):
    record = recorded(cell)
    whole, some = bounds(record), bounds(record, lags=3)
    assert (whole.own, some.own) == (T, 3)
    assert_held(some)
    for name in ("measured", "upper", "lower"):
        np.testing.assert_allclose(
            getattr(some, name)[:4], getattr(whole, name)[:4], rtol=0, atol=1e-12
        )
    np.testing.assert_array_equal(some.to_frame().of_jacobians, some.lag <= 3)
    assert len(some.lag) == (T + 1 if cell in VANILLA else 4)


@pytest.mark.parametrize("cell", VANILLA)
@pytest.mark.parametrize("gain", [0.3, 1.0, 3.0])
def test_beyond_them_the_weights_bound_a_cell_without_gates_no_tighter_than_jacobians(cell, gain):
    record = run(cell=cell, gain=gain)
    whole, some = bounds(record), bounds(record, lags=4)
    assert_held(some)
    room = 1e-9 * (1 + some.lag)
    assert (some.upper >= whole.upper - room).all()
    assert (some.lower <= whole.lower + room).all()
    assert len(some.lag) == 31


@pytest.mark.parametrize(("cell", "lags"), [("tanh", 31), ("lstm", 5)])
def test_how_far_the_jacobians_go_is_said(cell, lags):
    figure = figures.bounds(bounds(run(cell=cell), lags=4), caption="settings")
    assert "The first 4 lags of 30" in figure.layout.meta["subtitle"]
    assert "The first 4 lags of 30" in figure.layout.meta["alt"]
    notes = " ".join(note.text for note in figure.layout.annotations)
    assert "settings · Jacobians of 4 of 30 lags" in " ".join(notes.split())
    assert max(len(t.x) for t in figure.data) == lags
    assert ("from lag 5 on by the weights" in str(figure.to_dict())) == (cell == "tanh")


def test_one_lag_is_said_in_the_singular():
    subtitle = figures.bounds(bounds(run(), lags=1)).layout.meta["subtitle"]
    assert subtitle.startswith("The first lag of 30 is bounded by each step's Jacobian")


def test_no_lags_at_all_are_refused_in_one_sentence():
    with pytest.raises(ValueError, match="lags must be at least 1, got 0"):
        bounds(run(), lags=0)
