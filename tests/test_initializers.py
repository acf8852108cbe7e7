"""Each scheme draws what its paper says."""

import numpy as np
import pytest

import rnnviz as rv
from rnnviz.initializers import INPUT, RECURRENT

ROWS, COLUMNS = 300, 200
VARIANCE = {
    "normal": 1 / COLUMNS,
    "uniform": 1 / (3 * ROWS),
    "glorot_uniform": 2 / (ROWS + COLUMNS),
    "glorot_normal": 2 / (ROWS + COLUMNS),
    "he": 2 / COLUMNS,
}


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
