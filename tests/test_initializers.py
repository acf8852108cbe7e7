"""Each scheme draws what its paper says."""

import numpy as np
import pytest
from scipy.stats import kstest, norm

import rnnviz as rv
from rnnviz.initializers import INPUT, RECURRENT, critical_gain

ROWS, COLUMNS = 300, 200
VARIANCE = {
    "normal": 1 / COLUMNS,
    "uniform": 1 / (3 * ROWS),
    "glorot_uniform": 2 / (ROWS + COLUMNS),
    "glorot_normal": 2 / (ROWS + COLUMNS),
    "he": 2 / COLUMNS,
    "fixed": 1,
    "random_walk": np.exp(1 / COLUMNS) / COLUMNS,
}
NODES, WEIGHTS = np.polynomial.legendre.leggauss(300)
KEEPING = [name for name, cell in rv.CELLS.items() if cell.keeps]


@pytest.mark.parametrize("name", VARIANCE)
def test_the_variance_is_the_papers(name):
    scheme = (RECURRENT | INPUT)[name]
    W = scheme.draw(np.random.default_rng(0), ROWS, COLUMNS)
    assert W.shape == (ROWS, COLUMNS)
    assert W.var() == pytest.approx(VARIANCE[name], rel=0.03)
    assert abs(W.mean()) < 5 * np.sqrt(VARIANCE[name] / W.size)


@pytest.mark.parametrize("name", ["uniform", "glorot_uniform"])
def test_a_uniform_scheme_has_its_bound(name):
    W = RECURRENT[name].draw(np.random.default_rng(0), ROWS, COLUMNS)
    bound = np.sqrt(3 * VARIANCE[name])
    assert 0.999 * bound < np.abs(W).max() <= bound


@pytest.mark.parametrize("shape", [(7, 7), (9, 4), (4, 9)])
def test_orthogonal_has_orthonormal_rows_or_columns(shape):
    W = RECURRENT["orthogonal"].draw(np.random.default_rng(0), *shape)
    product = W.T @ W if shape[0] >= shape[1] else W @ W.T
    np.testing.assert_allclose(product, np.eye(min(shape)), atol=1e-14)


def test_orthogonal_is_haar_the_trace_has_mean_zero_and_variance_one():
    rng = np.random.default_rng(0)
    traces = [np.trace(RECURRENT["orthogonal"].draw(rng, 5, 5)) for _ in range(4000)]
    assert abs(np.mean(traces)) < 0.06
    assert np.var(traces) == pytest.approx(1, rel=0.08)


@pytest.mark.parametrize("gain", [0.3, 1.0, 2.5])
def test_the_exact_radius_is_the_gain(gain):
    config = rv.RunConfig(init="spectral_radius", gain=gain, hidden_size=23)
    radius = rv.diagnostics.eigenvalues(rv.build(config, 1, 1)).spectral_radius
    assert radius == pytest.approx(gain, rel=1e-12)


@pytest.mark.parametrize("name", RECURRENT)
def test_gain_zero_and_one_unit_work_for_every_scheme(name):
    for change in ({"gain": 0.0}, {"hidden_size": 1}):
        network = rv.build(rv.RunConfig(init=name, **change), 1, 1)
        assert np.isfinite(network.params["l0.W_hh"]).all()


def test_biases_are_what_the_config_says():
    shapes = {"input_size": 2, "output_size": 3}
    base = rv.RunConfig(hidden_size=50, bias="uniform")
    b_ih, b_hh = (rv.build(base, **shapes).params[f"l0.{b}"] for b in ("b_ih", "b_hh"))
    assert 0.12 < np.abs(b_ih).max() <= 1 / np.sqrt(50)
    assert not np.array_equal(b_ih, b_hh)
    assert not rv.build(base.replace(bias="zero"), **shapes).params["l0.b_ih"].any()
    constant = rv.build(base.replace(bias="constant", bias_value=-0.5), **shapes).params
    assert set(constant["l0.b_ih"] + constant["l0.b_hh"]) == {-0.5}
    assert "l0.b_hh" not in rv.build(base.replace(bias="single"), **shapes).params


def test_input_scale_multiplies_the_input_weights_alone():
    base = rv.RunConfig(hidden_size=6, layers=2)
    one = rv.build(base, 2, 3).params
    scaled = rv.build(base.replace(input_scale=0.25), 2, 3).params
    for name, W in one.items():
        factor = 0.25 if name.endswith("W_ih") else 1
        np.testing.assert_array_equal(factor * W, scaled[name])


@pytest.mark.parametrize(
    ("scheme", "unit"), [("random_walk", lambda a: a), ("random_walk_relu", lambda a: a * (a > 0))]
)
def test_a_random_walk_has_no_drift(scheme, unit):
    rng, draw = np.random.default_rng(0), RECURRENT[scheme].draw
    v = rng.normal(size=64)
    v /= np.linalg.norm(v)
    grown = [np.log(np.linalg.norm(unit(draw(rng, 64, 64) @ v))) for _ in range(4000)]
    error = np.std(grown) / np.sqrt(len(grown))
    assert abs(np.mean(grown)) < 4 * error + 0.001  # without g: 1/128 for linear, 0.02 for ReLU


@pytest.mark.parametrize("variance", [0.001, 0.1, 1.0, 10.0])
def test_at_the_critical_gain_chi_is_one_at_the_fixed_point(variance):
    g = critical_gain(variance)
    q = variance
    for _ in range(200):
        q = g**2 * over_normal(lambda a: np.tanh(a) ** 2, q) + variance
    chi = g**2 * over_normal(lambda a: np.cosh(a) ** -4, q)
    assert chi == pytest.approx(1, abs=1e-6)


def over_normal(f, q):
    """E[f(sqrt(q) z)] over a standard normal z."""
    return 9 * np.sum(WEIGHTS * f(9 * np.sqrt(q) * NODES) * norm.pdf(9 * NODES))


def test_the_gradient_of_a_wide_critical_network_holds():
    H, inputs, variance = 400, 50, 0.2
    config = rv.RunConfig(
        hidden_size=H, init="critical", input_variance=variance, input_init="fixed",
        input_scale=np.sqrt(variance / inputs), bias="zero",
    )  # fmt: skip
    x = np.random.default_rng(0).normal(size=(60, 8, inputs))
    last = np.zeros((60, 8), bool)
    last[-1] = True
    for gain, low, high in ((1.0, 0.98, 1.02), (0.8, 0.8, 0.92), (1.3, 1.05, 1.3)):
        network = rv.build(config.replace(gain=gain), inputs, 1)
        record = rv.bptt(network, x, rv.losses.MSE(np.zeros((60, 8, 1)), last))
        assert low < rv.diagnostics.gradient_flow(record, "last").factor < high


def test_a_sparse_unit_hears_fifteen_and_the_radius_is_one():
    W = RECURRENT["sparse"].draw(np.random.default_rng(0), 50, 50)
    assert set(np.count_nonzero(W, axis=1)) == {15}
    assert np.abs(np.linalg.eigvals(W)).max() == pytest.approx(1, rel=1e-12)


def test_orthogonal_is_drawn_for_each_gate_and_keras_over_all_of_them():
    base = rv.RunConfig(cell="lstm", hidden_size=8)
    W = rv.build(base.replace(init="orthogonal"), 1, 1).params["l0.W_hh"]
    for gate in np.split(W, 4):
        np.testing.assert_allclose(gate.T @ gate, np.eye(8), atol=1e-14)
    W = rv.build(base.replace(init="orthogonal_whole"), 1, 1).params["l0.W_hh"]
    np.testing.assert_allclose(W.T @ W, np.eye(8), atol=1e-14)


def test_glorot_counts_the_rows_of_all_gates():
    config = rv.RunConfig(cell="lstm", hidden_size=64, input_init="glorot_uniform")
    bound = np.sqrt(6 / (4 * 64 + 5))
    assert 0.99 * bound < np.abs(rv.build(config, 5, 1).params["l0.W_ih"]).max() <= bound


def test_without_gates_whole_changes_nothing():
    base = rv.RunConfig(hidden_size=9)
    one, whole = (
        rv.build(base.replace(init=init), 1, 1).params["l0.W_hh"]
        for init in ("orthogonal", "orthogonal_whole")
    )
    np.testing.assert_array_equal(one, whole)


def block(params, name, cell, gate):
    """The part of a bias that one gate has."""
    return np.split(params[f"l0.{name}"], cell.gate_count)[cell.gate_names.index(gate)]


@pytest.mark.parametrize("bias", ["uniform", "single"])
@pytest.mark.parametrize("name", KEEPING)
def test_a_forget_bias_is_that_of_the_keeping_gate_alone(name, bias):
    base = rv.RunConfig(cell=name, hidden_size=6, bias=bias)
    network = rv.build(base.replace(gate_bias="forget", forget_bias=1.5), 2, 1)
    before = rv.build(base, 2, 1).params
    cell = network.layers[0].cell
    keeping, sign = cell.keeps
    for parameter in {"l0.b_ih", "l0.b_hh"} & set(before):
        for gate in cell.gate_names:
            now = block(network.params, parameter[3:], cell, gate)
            if gate != keeping:
                np.testing.assert_array_equal(now, block(before, parameter[3:], cell, gate))
            else:
                assert set(now) == {sign * 1.5 if parameter == "l0.b_ih" else 0.0}


@pytest.mark.parametrize("name", KEEPING)
def test_under_chrono_the_time_that_a_unit_keeps_is_uniform_up_to_t_max(name):
    config = rv.RunConfig(cell=name, hidden_size=1000, gain=0.0, gate_bias="chrono", t_max=50)
    network = rv.build(config, 1, 1)
    record = rv.bptt(network, np.zeros((1, 1, 1)), rv.losses.MSE(np.zeros((1, 1, 1))))
    layer = network.layers[0]
    kept = layer.cell.highway(layer.params, record.top.tape).kept[0, 0]
    times = 1 / (1 - kept)
    assert times.min() >= 2
    assert times.max() <= 50
    assert kstest(times, "uniform", (2, 48)).pvalue > 0.01


@pytest.mark.parametrize("name", [name for name in KEEPING if rv.CELLS[name].writes])
def test_under_chrono_what_writes_is_the_complement_of_what_keeps(name):
    network = rv.build(rv.RunConfig(cell=name, hidden_size=7, gate_bias="chrono"), 1, 1)
    cell, params = network.layers[0].cell, network.params
    b_i, b_f = (block(params, "b_ih", cell, gate) for gate in (cell.writes, cell.keeps[0]))
    np.testing.assert_array_equal(b_i, -b_f)
    assert not block(params, "b_hh", cell, cell.writes).any()


def test_chrono_draws_each_layer_its_own_times_and_changes_no_weight():
    base = rv.RunConfig(cell="lstm", hidden_size=5, layers=2)
    plain = rv.build(base, 1, 1).params
    chrono = rv.build(base.replace(gate_bias="chrono"), 1, 1).params
    assert not np.array_equal(chrono["l0.b_ih"][5:10], chrono["l1.b_ih"][5:10])
    for name in ("l0.W_ih", "l0.W_hh", "l1.W_hh", "readout.W_hy"):
        np.testing.assert_array_equal(plain[name], chrono[name])
