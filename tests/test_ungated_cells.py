"""Cells without gates that are no vanilla ones: each in cases worked by hand."""

import numpy as np
import pytest
from helpers import B, H, I, T, hidden, network, sequences

import rnnviz as rv
from rnnviz.adjoint import pull_back

UNGATED = ["antisymmetric", "leaky", "indrnn", "lru"]


def passed(kind, params, *, x=None, s0=None):
    """A record of one layer without a readout, its loss a sum over the last states alone."""
    net = rv.Network([rv.Layer(kind, params)])
    data = sequences(net)
    mask = np.zeros((T, B), bool)
    mask[-1] = True
    target = np.full((T, B, net.output_size), 7.0)
    loss = rv.losses.MSE(target, mask, reduction="sum")
    return rv.bptt(net, data.x if x is None else x, loss, data.s0 if s0 is None else [s0])


def drawn(kind, **given):
    """Every parameter drawn, but those given."""
    rng = np.random.default_rng(0)
    params = {name: 0.5 * rng.normal(size=shape) for name, shape in kind.shapes.items()}
    return params | given


def jacobian(record, steps):
    """The derivative of the last states by those some steps earlier, of the first sequence."""
    size = record.h.shape[2]
    last = np.repeat(np.eye(size)[:, None], B, axis=1)
    back = pull_back(record.network.layers[0], record.layers[0], last)
    return [states[:, 0].copy() for states in back][steps - 1]


def assert_same(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)


def eigenvalues(record):
    """The LRU's lambda."""
    params = record.network.layers[0].params
    return np.exp(-np.exp(params["nu_log"]) + 1j * np.exp(params["theta_log"]))


def as_complex(state):
    re, im = np.split(state, 2, axis=-1)
    return re + 1j * im


def test_the_gradient_in_an_lru_shrinks_by_the_size_of_lambda_and_turns_back_by_its_angle():
    kind = rv.CELLS["lru"](I, H + 1)
    record = passed(kind, drawn(kind))
    first, last = as_complex(record.dh[0]), as_complex(record.dh[-1])
    size = np.abs(eigenvalues(record))
    assert_same(np.abs(first), size**T * np.abs(last))
    assert_same(first, np.conj(eigenvalues(record)) ** T * last)


def test_an_lru_rings_after_a_single_input():
    kind = rv.CELLS["lru"](I, H + 1)
    x = np.zeros((T, B, I))
    x[0] = np.random.default_rng(1).normal(size=(B, I))
    record = passed(kind, drawn(kind), x=x, s0=np.zeros((B, H + 1)))
    W_ih, gamma = drawn(kind)["W_ih"], np.exp(drawn(kind)["gamma_log"])
    struck = gamma * (x[0] @ as_complex(W_ih.T))
    powers = eigenvalues(record) ** np.arange(T)[:, None, None]
    assert_same(as_complex(record.h[1:]), powers * struck)


def test_an_lru_starts_uniform_on_its_ring_with_gamma_to_match():
    kind = rv.CELLS["lru"](1, 400_000, ring_min=0.4, ring_max=0.9, max_phase=1.5)
    own = kind.own(np.random.default_rng(0))
    size, phase = np.exp(-np.exp(own["nu_log"])), np.exp(own["theta_log"])
    assert 0.4 <= size.min() < 0.401
    assert 0.899 < size.max() <= 0.9
    assert 0 < phase.min() < 0.01
    assert 1.49 < phase.max() <= 1.5
    for sample, low, high in ((size**2, 0.16, 0.81), (phase, 0, 1.5)):
        quantiles = (np.quantile(sample, [0.25, 0.5, 0.75]) - low) / (high - low)
        np.testing.assert_allclose(quantiles, [0.25, 0.5, 0.75], atol=0.005)
    assert_same(np.exp(2 * own["gamma_log"]), 1 - size**2)


def test_an_lru_without_a_phase_is_real_and_all_of_it_finite():
    config = rv.RunConfig(cell="lru", max_phase=0, ring_min=0, hidden_size=4)
    (layer,) = rv.build(config, I, 1).layers
    params = layer.params
    record = passed(layer.cell, params)
    assert all(np.isfinite(W).all() for W in params.values())
    assert (np.abs(eigenvalues(record).imag) < 1e-300).all()
    assert np.isfinite(record.grads["l0.theta_log"]).all()


@pytest.mark.parametrize(
    "ring", [{"ring_min": 0.9, "ring_max": 0.5}, {"ring_max": 1.0}, {"ring_min": -0.1}]
)
def test_a_ring_that_is_none_is_refused(ring):
    with pytest.raises(ValueError, match=r"ring_min must be in \[0, ring_max\] and ring_max below"):
        rv.CELLS["lru"](1, 2, **ring)


def test_a_leaky_cell_that_keeps_nothing_is_the_tanh_cell():
    kind = rv.CELLS["leaky"](I, H, alpha=1.0)
    params = drawn(kind)
    leaky, tanh = passed(kind, params), passed(rv.CELLS["tanh"](I, H), params)
    for name in ("h", "dh", "da", "dx"):
        assert_same(getattr(leaky, name), getattr(tanh, name))
    for name, grad in tanh.grads.items():
        assert_same(leaky.grads[name], grad)


def test_a_leaky_cell_without_weights_forgets_the_same_share_at_every_step():
    kind = rv.CELLS["leaky"](I, H, alpha=0.25)
    record = passed(kind, drawn(kind, W_hh=np.zeros((H, H))))
    assert_same(record.dh[0], 0.75**T * record.dh[-1])
    highway = kind.highway(record.network.layers[0].params, record.layers[0].tape)
    assert highway.part == "h"
    assert_same(np.prod(highway.kept, axis=0), np.full((B, H), 0.75**T))


def test_without_diffusion_an_antisymmetric_cell_only_turns():
    """Its eigenvalues are imaginary, and an Euler step adds (eps |A v|)^2 to |v|^2, no more."""
    kind = rv.CELLS["antisymmetric"](I, H, step_size=0.3, diffusion=0.0)
    W = drawn(kind)["W_hh"]
    A = (kind.recurrent({"W_hh": W}) - np.eye(H)) / 0.3
    assert np.abs(np.linalg.eigvals(A).real).max() < 1e-14
    v = np.random.default_rng(2).normal(size=H)
    grown = np.sum((v + 0.3 * A @ v) ** 2)
    assert_same(grown, v @ v + 0.3**2 * np.sum((A @ v) ** 2))


def test_diffusion_moves_every_eigenvalue_to_the_left_by_itself():
    W = drawn(rv.CELLS["antisymmetric"](I, H))["W_hh"]
    kind = rv.CELLS["antisymmetric"](I, H, step_size=0.5, diffusion=0.2)
    values = np.linalg.eigvals(kind.recurrent({"W_hh": W}))
    assert_same(values.real, np.full(H, 1 - 0.5 * 0.2))


def test_a_step_of_next_to_nothing_leaves_state_and_gradient_where_they_were():
    kind = rv.CELLS["antisymmetric"](I, H, step_size=1e-13)
    record = passed(kind, drawn(kind))
    np.testing.assert_allclose(record.h, np.broadcast_to(record.h[0], record.h.shape), atol=1e-11)
    np.testing.assert_allclose(record.dh, np.broadcast_to(record.dh[-1], record.dh.shape), 1e-11)


def test_what_is_symmetric_in_w_hh_does_nothing_in_an_antisymmetric_cell():
    kind = rv.CELLS["antisymmetric"](I, H)
    params = drawn(kind)
    symmetric = params["W_hh"] @ params["W_hh"].T
    one = passed(kind, params)
    other = passed(kind, params | {"W_hh": params["W_hh"] + symmetric})
    assert_same(other.h, one.h)
    assert_same(other.dh, one.dh)
    assert_same(one.grads["l0.W_hh"], -one.grads["l0.W_hh"].T)


def test_one_antisymmetric_unit_hears_itself_through_diffusion_alone():
    kind = rv.CELLS["antisymmetric"](1, 1, step_size=0.5, diffusion=0.8)
    record = passed(kind, drawn(kind, b_ih=np.zeros(1), b_hh=np.zeros(1)), x=np.zeros((T, B, 1)))
    slope = 1 - np.tanh(-0.8 * record.h[:-1]) ** 2
    factors = 1 - 0.5 * 0.8 * slope
    assert_same(record.dh[0], np.prod(factors, axis=0) * record.dh[-1])


def test_an_indrnn_raises_each_weight_to_the_number_of_steps():
    """Without inputs h_T = w^T h_0, so dL/dh_0 = w^T dL/dh_T, dL/dw = T w^(T-1) h_0 dL/dh_T."""
    kind = rv.CELLS["indrnn"](I, H)
    w = np.array([0.2, 0.5, 0.9, 1.0, 1.1])
    nothing = {"b_ih": np.zeros(H), "b_hh": np.zeros(H), "w_hh": w}
    s0 = np.random.default_rng(3).uniform(0.5, 1, (B, H))
    record = passed(kind, drawn(kind, **nothing), x=np.zeros((T, B, I)), s0=s0)
    assert_same(record.h[-1], w**T * s0)
    assert_same(record.dh[0], w**T * record.dh[-1])
    assert_same(record.grads["l0.w_hh"], (T * w ** (T - 1) * s0 * record.dh[-1]).sum(axis=0))


def test_an_indrnn_is_a_relu_cell_with_a_diagonal():
    kind = rv.CELLS["indrnn"](I, H)
    params = drawn(kind)
    full = {name: W for name, W in params.items() if name != "w_hh"}
    full["W_hh"] = np.diag(params["w_hh"])
    one, other = passed(kind, params), passed(rv.CELLS["relu"](I, H), full)
    for name in ("h", "dh", "da", "dx"):
        assert_same(getattr(one, name), getattr(other, name))
    assert_same(one.grads["l0.w_hh"], np.diag(other.grads["l0.W_hh"]))


@pytest.mark.parametrize("cell", UNGATED)
def test_where_every_unit_is_linear_a_step_back_is_the_recurrent_matrix(cell):
    size = hidden(cell)
    kind = rv.CELLS[cell](I, size)
    zeros = {name: np.zeros(shape) for name, shape in kind.shapes.items() if name[0] == "b"}
    small = {"w_hh": np.full(size, 0.7)} if cell == "indrnn" else {}
    params = drawn(kind, **zeros, **small)
    record = passed(kind, params, x=np.zeros((T, B, I)), s0=np.full((B, size), 1e-200))
    step = kind.recurrent(params)
    assert_same(jacobian(record, 1), step)
    assert_same(jacobian(record, T), np.linalg.matrix_power(step, T))


@pytest.mark.parametrize("cell", UNGATED)
def test_gradients_carried_back_at_once_are_those_of_the_record(cell):
    net = network(cell, readout=False)
    record = passed(net.layers[0].cell, net.layers[0].params)
    assert_same(record.dh[0, 0], record.dh[-1, 0] @ jacobian(record, T))


@pytest.mark.parametrize("cell", ["antisymmetric", "leaky", "indrnn"])
def test_the_slope_of_a_unit_is_what_its_pre_activation_is_worth(cell):
    net = network(cell, readout=False)
    record = passed(net.layers[0].cell, net.layers[0].params)
    units = net.layers[0].cell.units(record.layers[0].tape)
    assert_same(record.da, record.dh[1:] * units.slope)
    low, high = units.span
    assert (low <= units.value).all()
    assert (units.value <= high).all()


def test_a_cell_is_made_with_the_constants_of_its_config():
    asked = {"step_size": 0.2, "diffusion": 0.3}
    asked |= {"alpha": 0.4, "ring_min": 0.5, "ring_max": 0.6, "max_phase": 0.7}
    for cell in UNGATED:
        made = rv.build(rv.RunConfig(cell=cell, hidden_size=4, **asked), I, 1).layers[0].cell
        for name in made.settings:
            assert getattr(made, name) == asked[name]
    defaults = rv.RunConfig()
    for cell in UNGATED:
        made = rv.CELLS[cell](I, 4)
        assert all(getattr(made, name) == getattr(defaults, name) for name in made.settings)


def test_the_gain_multiplies_an_indrnns_weights_and_leaves_an_lrus_ring():
    def params(cell, gain):
        return rv.build(rv.RunConfig(cell=cell, hidden_size=6, gain=gain), I, 1).layers[0].params

    w = params("indrnn", 1)["w_hh"]
    assert ((w > 0) & (w < 1)).all()
    assert_same(params("indrnn", 3)["w_hh"], 3 * w)
    assert_same(params("lru", 3)["nu_log"], params("lru", 1)["nu_log"])
    for name in ("W_ih", "b_ih", "b_hh"):
        assert_same(params("indrnn", 1)[name], params("tanh", 1)[name])
