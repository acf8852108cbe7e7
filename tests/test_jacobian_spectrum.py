"""Singular values of products of Jacobians, and the Jacobians of single steps."""

import numpy as np
import plotly.graph_objects as go
import pytest
from helpers import B, H, T, network, sequences

import rnnviz as rv
from rnnviz import figures
from rnnviz.diagnostics import gradient_flow, jacobian_spectrum, jacobian_steps
from rnnviz.jacobians import backwards, jacobians
from rnnviz.log_svd import log_singular_values

SMALL = {"hidden_size": 8, "steps": 20, "batch_size": 5, "task": "sine"}
SETTINGS = [
    {},
    {"steps": 1, "hidden_size": 1, "batch_size": 1},
    {"gain": 0.0},
    {"cell": "relu", "gain": 10.0, "steps": 900, "init": "identity"},
    {"cell": "linear", "gain": 10.0, "steps": 60, "dtype": "float32"},
    {"gain": 0.01, "steps": 200},
    {"cell": "lstm", "layers": 2},
]


def recorded(net):
    data = sequences(net)
    return rv.bptt(net, data.x, rv.losses.MSE(data.target, data.mask), s0=data.s0)


def run(**settings):
    return rv.run(rv.RunConfig(**{**SMALL, **settings}))


def transposed(record, sequence=0):
    """What a gradient is multiplied by on its way back, step by step."""
    layer = record.network.layers[0]
    return [J.T for J in backwards(layer, record.layers[0], sequence, record.steps, record.steps)]


def exactly(matrices, lags, digits):
    """The same logs with as many digits as it takes."""
    mp = pytest.importorskip("mpmath")
    rows, product, done = [], mp.eye(len(matrices[0])), 0
    with mp.workdps(digits):
        for lag in lags:
            for A in matrices[done:lag]:
                product = mp.matrix(A.tolist()) * product
            done = lag
            values = mp.svd_r(product, compute_uv=False)
            least = mp.mpf(10) ** (-0.75 * digits)
            rows.append([float(mp.log(v)) if v > least else -np.inf for v in values])
    return -np.sort(-np.array(rows), axis=1)


# The Jacobian of a step


@pytest.mark.parametrize("cell", rv.CELLS)
def test_a_steps_jacobian_is_what_finite_differences_of_the_step_say(cell):
    record = recorded(network(cell))
    net, seen, t, sequence = record.network, record.layers[0], 2, 1
    J = jacobians(net.layers[0], seen, sequence, np.array([t]))[0]
    bare, x, step = rv.Network(net.layers), record.x[t : t + 1], 1e-6

    def after(s):
        whole = seen.s[t].copy()
        whole[sequence] = s
        target = np.zeros((1, B, bare.output_size))
        return rv.bptt(bare, x, rv.losses.MSE(target), s0=[whole]).s[1, sequence]

    s = seen.s[t, sequence]
    differences = [(after(s + d) - after(s - d)) / (2 * step) for d in step * np.eye(len(s))]
    np.testing.assert_allclose(J, np.transpose(differences), atol=1e-8)


@pytest.mark.parametrize("cell", ["tanh", "lstm", "gru"])
def test_a_steps_jacobian_is_pytorchs(cell):
    torch = pytest.importorskip("torch")
    record = recorded(network(cell))
    layer, seen, t, sequence = record.network.layers[0], record.layers[0], 3, 2
    kind = {"tanh": torch.nn.RNNCell, "lstm": torch.nn.LSTMCell, "gru": torch.nn.GRUCell}[cell]
    twin = kind(layer.cell.input_size, H, dtype=torch.float64)
    names = {"W_ih": "weight_ih", "W_hh": "weight_hh", "b_ih": "bias_ih", "b_hh": "bias_hh"}
    for name, W in layer.params.items():
        getattr(twin, names[name]).data = torch.tensor(W)
    x = torch.tensor(record.x[t, sequence : sequence + 1])

    def step(s):
        if cell == "lstm":
            return torch.cat(twin(x, (s[None, :H], s[None, H:])), dim=1)[0]
        return twin(x, s[None])[0]

    J = torch.autograd.functional.jacobian(step, torch.tensor(seen.s[t, sequence]))
    mine = jacobians(layer, seen, sequence, np.array([t]))[0]
    np.testing.assert_allclose(mine, J.numpy(), rtol=1e-12, atol=1e-14)


def test_an_orthogonal_linear_step_keeps_every_length():
    found = jacobian_steps(run(cell="linear", init="orthogonal", gain=0.5))
    for values in (found.norm, found.smallest, found.radius):
        np.testing.assert_allclose(values, 0.5, rtol=1e-12)
    np.testing.assert_allclose(found.condition, 1, rtol=1e-12)
    assert found.norm.shape == (20, 5)


def test_each_steps_numbers_are_those_of_its_jacobian():
    record = recorded(network("gru"))
    found = jacobian_steps(record, every=2)
    assert found.steps.tolist() == [0, 2, 4, 6]
    J = jacobians(record.network.layers[0], record.layers[0], 1, found.steps)
    np.testing.assert_allclose(found.norm[:, 1], np.linalg.norm(J, 2, (1, 2)))
    np.testing.assert_allclose(found.condition[:, 1], np.linalg.cond(J))
    radius = np.abs(np.linalg.eigvals(J)).max(axis=1)
    np.testing.assert_allclose(found.radius[:, 1], radius)
    assert len(found.to_frame()) == 4 * B


# Products


@pytest.mark.parametrize(
    ("settings", "lags"),
    [
        ({"cell": "tanh", "hidden_size": 5, "steps": 60}, [1, 2, 20, 60]),
        ({"cell": "tanh", "hidden_size": 4, "steps": 30, "gain": 10.0}, [1, 2, 30]),
        ({"cell": "lstm", "hidden_size": 3, "steps": 30}, [1, 2, 30]),
        ({"cell": "gru", "hidden_size": 4, "steps": 30, "gain": 2.0}, [1, 2, 30]),
        ({"cell": "relu", "hidden_size": 6, "steps": 20, "init": "he"}, [1, 2, 5, 20]),
    ],
)
def test_singular_values_are_right_to_the_last_one(settings, lags):
    matrices = transposed(run(**settings))
    mine = log_singular_values(matrices, lags, len(matrices[0]))
    known = exactly(matrices, lags, 400)
    np.testing.assert_array_equal(np.isneginf(mine), np.isneginf(known))
    np.testing.assert_allclose(mine, known, rtol=0, atol=1e-8)


def test_singular_values_are_right_down_to_e_to_the_minus_3000():
    matrices = transposed(run(hidden_size=3, steps=800, gain=0.1))
    mine = log_singular_values(matrices, [800], 3)
    assert mine.min() < -3000
    np.testing.assert_allclose(mine, exactly(matrices, [800], 3000), rtol=0, atol=1e-8)


def test_scales_too_far_apart_for_any_double_stay_apart():
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(40, 40)))[0]
    A = turn @ np.diag(np.linspace(1, 0.05, 40)) @ turn.T
    found = log_singular_values([A] * 1000, [1000], 40)[0]
    np.testing.assert_allclose(found, 1000 * np.log(np.linspace(1, 0.05, 40)), atol=1e-7)


def test_units_that_are_off_leave_exact_zeros_and_no_others():
    record = run(cell="relu", init="he", hidden_size=32, steps=300, batch_size=1)
    found = jacobian_spectrum(record, [1, 10, 300])
    on = (record.h[1:, 0] > 0).sum(axis=1)
    np.testing.assert_array_equal(np.isfinite(found.median).sum(axis=1)[:1], on[-1:])
    assert np.isfinite(found.median).sum(axis=1)[-1] <= on.min()
    assert np.isfinite(found.median[-1, 0])


def test_the_logs_of_all_singular_values_add_up_to_that_of_the_determinants():
    record = recorded(network("lstm"))
    found = jacobian_spectrum(record, [T])
    for sequence, logs in enumerate(found.log_singular_values):
        matrices = transposed(record, sequence)
        total = sum(np.linalg.slogdet(J)[1] for J in matrices)
        assert logs.sum() == pytest.approx(total, abs=1e-9)


@pytest.mark.parametrize("layer", [0, 1, 2, 3])
def test_any_layer_may_be_asked_for(layer):
    record = recorded(network("tanh", layers=2, both=True))
    found = jacobian_spectrum(record, [1, 2], layer=layer)
    at, seen = record.network.layers[layer], record.layers[layer]
    for sequence in range(B):
        product = np.linalg.multi_dot(list(backwards(at, seen, sequence, T, 2)))
        known = np.log(np.linalg.svd(product)[1])
        np.testing.assert_allclose(found.log_singular_values[sequence, -1], known, atol=1e-8)


def test_the_measured_gradient_lies_between_the_smallest_and_the_largest():
    record = run(steps=50)
    flow, found = gradient_flow(record, "last"), jacobian_spectrum(record, [1, 7, 50])
    at = flow.loss_state
    share = (flow.log10_norms[at - found.lags] - flow.log10_norms[at]).T * np.log(10)
    assert (share < found.log_singular_values[:, :, 0] + 1e-9).all()
    assert (share > found.log_singular_values[:, :, -1] - 1e-9).all()


def test_a_products_end_may_be_any_state():
    record = recorded(network("tanh"))
    found = jacobian_spectrum(record, [2], sequence=1, end=4)
    J = jacobians(record.network.layers[0], record.layers[0], 1, np.array([2, 3]))
    known = np.log(np.linalg.svd(J[1] @ J[0])[1])
    np.testing.assert_allclose(found.median[0], known, atol=1e-11)
    assert found.sequences == (1,)


def test_lags_are_few_by_default_and_reach_the_first_state():
    found = jacobian_spectrum(run(steps=200))
    assert len(found.lags) <= 12
    assert (found.lags[0], found.lags[-1]) == (1, 200)
    assert len(found.to_frame()) == found.log_singular_values.size


def test_float32_runs_have_logs_as_good():
    one, two = (jacobian_spectrum(run(dtype=d, steps=100)) for d in ("float32", "float64"))
    np.testing.assert_allclose(one.median, two.median, atol=0.05)
    assert one.median.dtype == np.float64


def test_ten_thousand_steps_neither_overflow_nor_vanish():
    for gain in (0.3, 3.0):
        found = jacobian_spectrum(
            run(cell="linear", init="orthogonal", gain=gain, steps=10_000), [10_000], sequence=0
        )
        np.testing.assert_allclose(found.median, 10_000 * np.log(gain), rtol=1e-9)


def test_no_recurrence_is_exactly_zero_and_what_is_not_finite_is_nan():
    assert np.isneginf(jacobian_spectrum(run(gain=0.0)).median).all()
    assert not jacobian_steps(run(gain=0.0)).norm.any()
    assert np.isnan(log_singular_values([np.full((2, 2), np.inf)], [1], 2)).all()


def test_what_does_not_exist_is_named():
    record = recorded(network("tanh"))
    with pytest.raises(ValueError, match="from 0 to 7, got 1 lags from 8 to 8"):
        jacobian_spectrum(record, [8])
    with pytest.raises(ValueError, match="sequence must be from 0 to 2, got 3"):
        jacobian_spectrum(record, sequence=3)
    with pytest.raises(ValueError, match="end must be from 0 to 7, got 9"):
        jacobian_spectrum(record, end=9)
    with pytest.raises(ValueError, match="every must be at least 1, got 0"):
        jacobian_steps(record, every=0)


# The pictures


def named(figure, name):
    (trace,) = [trace for trace in figure.data if trace.name == name]
    return trace


@pytest.mark.parametrize("settings", SETTINGS)
def test_both_pictures_are_valid_whatever_the_run(settings):
    record = run(**settings)
    flow = gradient_flow(record, "last")
    for figure in (
        figures.jacobian_spectrum(jacobian_spectrum(record), flow=flow),
        figures.jacobian_steps(jacobian_steps(record), theme="dark"),
    ):
        assert len(go.Figure(figure.to_dict()).data) > 0
        assert figure.to_json()


def test_the_lines_are_the_singular_values_and_the_gradient_that_travelled():
    record = run(steps=50)
    found, flow = jacobian_spectrum(record, sequence=2), gradient_flow(record, "last")
    figure = figures.jacobian_spectrum(found, flow=flow)
    for name, rank in (("largest", 0), ("rank 4", 3), ("smallest", -1)):
        np.testing.assert_array_equal(named(figure, name).y, found.log10[:, rank])
        assert name in [note.text for note in figure.layout.annotations]
    line = named(figure, "the measured gradient")
    np.testing.assert_allclose(line.y[10], flow.log10_norms[40, 2] - flow.log10_norms[50, 2])
    assert "sequence 3 of 5" in figure.layout.meta["subtitle"]


def test_exact_zeros_are_marked_with_a_word():
    figure = figures.jacobian_spectrum(jacobian_spectrum(run(gain=0.0), [1, 2]))
    assert len(named(figure, "exactly 0: 2").x) == 2
    assert any("exactly 0 at 2 lags" in note.text for note in figure.layout.annotations)


def test_norm_radius_and_condition_are_drawn_with_the_line_at_one():
    found = jacobian_steps(run())
    figure = figures.jacobian_steps(found)
    for name, values in (
        ("norm", found.norm),
        ("spectral radius", found.radius),
        ("condition number", found.condition),
    ):
        np.testing.assert_allclose(named(figure, name).y, np.log10(np.median(values, axis=1)))
    assert named(figure, "1: kept").line.dash == "dot"
    assert named(figure, "10 %").x.size == 20


# Some units only


def of_two_rows(matrices, units, lags, digits):
    """Logs of both singular values of two columns of each product, by those of a 2 by 2 matrix."""
    mp = pytest.importorskip("mpmath")
    known = []
    with mp.workdps(digits):
        product, done = mp.matrix(np.eye(len(matrices[0]))[:, list(units)].tolist()), 0
        for lag in lags:
            for A in matrices[done:lag]:
                product = mp.matrix(A.tolist()) * product
            done = lag
            squares = product.T * product
            mean = (squares[0, 0] + squares[1, 1]) / 2
            apart = mp.sqrt(((squares[0, 0] - squares[1, 1]) / 2) ** 2 + squares[0, 1] ** 2)
            least = mp.mpf(10) ** (-0.75 * digits)
            pair = (mean + apart, mean - apart)
            known.append([float(mp.log(v) / 2) if v > least else -np.inf for v in pair])
    return known


@pytest.mark.parametrize("cell", rv.CELLS)
def test_some_units_values_are_those_of_their_rows_of_h(cell):
    record = recorded(network(cell))
    found = jacobian_spectrum(record, [2, 4], sequence=1, units=3)
    assert found.units == (0, 2, record.h.shape[2] - 1)
    for lag, logs in zip(found.lags, found.log_singular_values[0], strict=True):
        product = np.linalg.multi_dot(transposed(record, 1)[:lag][::-1])
        known = np.linalg.svd(product[:, list(found.units)], compute_uv=False)
        np.testing.assert_allclose(np.exp(logs), known, rtol=1e-8, atol=1e-15)


@pytest.mark.parametrize("settings", [{}, {"cell": "gru"}, {"gain": 5.0}, {"gain": 0.0}])
def test_all_units_of_a_state_without_others_are_the_whole(settings):
    record = run(**settings)
    whole, all_units = jacobian_spectrum(record), jacobian_spectrum(record, units=8)
    np.testing.assert_allclose(
        all_units.log_singular_values, whole.log_singular_values, rtol=1e-12, atol=1e-9
    )


@pytest.mark.parametrize(
    "settings",
    [{}, {"cell": "lstm"}, {"cell": "gru", "gain": 3.0}, {"gain": 4.0}, {"cell": "relu"}],
)
def test_a_rank_of_some_units_lies_between_those_of_the_whole(settings):
    record = run(steps=60, **settings)
    whole = jacobian_spectrum(record, [1, 9, 60]).log_singular_values
    some = jacobian_spectrum(record, [1, 9, 60], units=3).log_singular_values
    left_out = whole.shape[2] - 3
    assert (some <= whole[:, :, :3] + 1e-9).all()
    assert (some >= whole[:, :, left_out:] - 1e-9).all()


@pytest.mark.parametrize(
    ("settings", "lags"),
    [
        ({"cell": "tanh", "hidden_size": 5, "steps": 60}, [1, 20, 60]),
        ({"cell": "tanh", "hidden_size": 4, "steps": 30, "gain": 10.0}, [1, 2, 30]),
        ({"cell": "lstm", "hidden_size": 3, "steps": 30, "gain": 5.0}, [1, 2, 30]),
        ({"cell": "relu", "hidden_size": 6, "steps": 20, "init": "he"}, [1, 2, 5, 20]),
        ({"cell": "tanh", "hidden_size": 3, "steps": 400, "gain": 1e-3}, [400]),
    ],
)
def test_some_units_values_are_right_down_to_e_to_the_minus_3000(settings, lags):
    record = run(**settings)
    found = jacobian_spectrum(record, lags, sequence=0, units=2)
    known = of_two_rows(transposed(record), found.units, lags, 4000 if lags == [400] else 400)
    np.testing.assert_allclose(found.log_singular_values[0], known, rtol=0, atol=1e-8)
    assert lags != [400] or found.median.min() < -3000


def test_some_units_of_a_wide_layer_take_a_moment_and_are_named():
    record = run(hidden_size=512, steps=100, batch_size=1)
    found = jacobian_spectrum(record, [1, 100], units=16)
    assert found.log_singular_values.shape == (1, 2, 16)
    assert set(found.to_frame().units) == {16}
    assert set(found.to_frame().of_units) == {512}
    figure = figures.jacobian_spectrum(
        found, flow=gradient_flow(record, "last"), caption="settings"
    )
    meta = figure.layout.meta
    for words in (meta["question"], meta["subtitle"], meta["alt"]):
        assert "16 of 512 units" in words
    notes = " ".join(note.text for note in figure.layout.annotations)
    assert "settings · 16 of 512 units" in " ".join(notes.split())
    assert not any("measured" in (trace.name or "") for trace in figure.data)


def test_states_that_are_not_finite_have_no_values_of_any_units():
    record = run(cell="linear", gain=10.0, steps=900, init="identity")
    net = record.network
    W = net.params["l0.W_hh"] * np.nan
    record = rv.bptt(
        net.with_params(net.params | {"l0.W_hh": W}),
        record.x[:9],
        rv.losses.MSE(record.y[:9] * 0),
    )
    assert np.isnan(jacobian_spectrum(record, units=2).median).all()


@pytest.mark.parametrize("units", [0, 9])
def test_units_that_do_not_exist_are_named(units):
    with pytest.raises(ValueError, match=f"units must be from 1 to 8, got {units}"):
        jacobian_spectrum(run(), units=units)
