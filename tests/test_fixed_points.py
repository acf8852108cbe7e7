"""Fixed points in closed form, and the Jacobian at them three ways."""

import numpy as np
import pytest
from helpers import H, I, network, sequences
from scipy.optimize import brentq, root
from twins import TWINS

import rnnviz as rv
from rnnviz.diagnostics import fixed_points
from rnnviz.diagnostics.fixed_points import MOST_KEPT
from rnnviz.diagnostics.state_map import state_map


def alone(cell, W, b=None):
    """A network of one layer with these recurrent weights, a bias, and no input weights."""
    W = np.asarray(W, float)
    kind = rv.CELLS[cell](1, len(W))
    params = {name: np.zeros(shape) for name, shape in kind.shapes.items()}
    params |= {"W_hh": W, "b_ih": np.zeros(len(W)) if b is None else np.asarray(b, float)}
    return rv.Network([rv.Layer(kind, params)])


def recorded(net):
    data = sequences(net)
    return rv.bptt(net, data.x, rv.losses.MSE(data.target, data.mask), s0=data.s0)


def test_a_linear_layers_fixed_point_solves_its_linear_equations():
    rng = np.random.default_rng(3)
    W, b = 0.3 * rng.normal(size=(4, 4)), rng.normal(size=4)
    result = fixed_points(alone("linear", W, b))
    np.testing.assert_allclose(result.points, [np.linalg.solve(np.eye(4) - W, b)], rtol=1e-12)
    values = np.linalg.eigvals(W)
    np.testing.assert_allclose(sorted(abs(result.eigenvalues[0])), sorted(abs(values)), rtol=1e-10)
    assert result.led.tolist() == [64]
    assert result.not_converged == 0
    assert np.isnan(result.slowest)


def test_a_tanh_unit_with_weight_2_has_one_unstable_and_two_stable_fixed_points():
    result = fixed_points(alone("tanh", [[2.0]]))
    order = np.argsort(result.points[:, 0])
    away = brentq(lambda h: np.tanh(2 * h) - h, 0.5, 2)
    np.testing.assert_allclose(result.points[order, 0], [-away, 0, away], atol=1e-12)
    assert [result.kinds[n] for n in order] == ["stable node", "unstable", "stable node"]
    slope = 2 * (1 - away**2)
    np.testing.assert_allclose(result.spectral_radius[order], [slope, 2, slope], rtol=1e-10)
    assert result.unstable[order].tolist() == [0, 1, 0]


@pytest.mark.parametrize(
    ("W", "kind"),
    [
        ([[0.0, -0.9], [0.9, 0.0]], "stable spiral"),
        ([[0.5, 0.0], [0.0, -0.7]], "stable node"),
        ([[1.5, 0.0], [0.0, 0.5]], "saddle"),
        ([[1.5, 0.0], [0.0, -2.0]], "unstable"),
        ([[0.0, -1.0], [1.0, 0.0]], "marginal"),
    ],
)
def test_the_eigenvalues_say_what_a_fixed_point_is(W, kind):
    result = fixed_points(alone("linear", W))
    assert result.kinds == (kind,)
    assert result.unstable[0] == (np.abs(np.linalg.eigvals(W)) > 1.000001).sum()


@pytest.mark.parametrize("cell", rv.CELLS)
def test_the_jacobian_agrees_with_differences_and_autograd(cell):
    torch = pytest.importorskip("torch")
    layer = network(cell).layers[0]
    S = layer.cell.state_size
    rng = np.random.default_rng(5)
    x, s = rng.normal(size=I), rng.normal(size=(3, S))
    step = state_map(layer, x)
    after, J = step.linearised(s)
    np.testing.assert_array_equal(after, step(s))
    eps = 1e-6
    moves = eps * np.eye(S)
    differences = [(step(s + move) - step(s - move)) / (2 * eps) for move in moves]
    np.testing.assert_allclose(J, np.moveaxis(differences, 0, 2), rtol=1e-4, atol=1e-7)

    p = {name: torch.tensor(W).requires_grad_() for name, W in layer.params.items()}
    names = layer.cell.state_names

    def one(row):
        parts = dict(zip(names, row[None].chunk(len(names), dim=1), strict=True))
        _, _, new = TWINS[cell](torch, layer.cell, p, torch.tensor(x)[None], parts)
        return torch.cat([new[name] for name in names], dim=1)[0]

    for row, own in zip(s, J, strict=True):
        exact = torch.autograd.functional.jacobian(one, torch.tensor(row))
        np.testing.assert_allclose(own, exact.numpy(), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_scipy_finds_the_same_fixed_points(cell):
    record = recorded(network(cell))
    result = fixed_points(record, "mean")
    np.testing.assert_allclose(result.x, record.x.mean(axis=(0, 1)))
    step = state_map(record.network.layers[0], result.x)
    assert len(result.points) > 0
    for point in result.points:
        near = root(lambda s: (step(s[None]) - s)[0], point + 1e-3, tol=1e-13)
        assert near.success
        np.testing.assert_allclose(point, near.x, atol=1e-9)
        np.testing.assert_allclose(step(point[None])[0], point, atol=1e-9)


def test_a_stable_fixed_point_is_where_a_long_run_ends():
    net = network("gru")
    result = fixed_points(net)
    step = state_map(net.layers[0], np.zeros(I))
    s = np.zeros((1, H))
    for _ in range(3000):
        s = step(s)
    stable = [
        point
        for point, kind in zip(result.points, result.kinds, strict=True)
        if kind.startswith("stable")
    ]
    assert min(np.linalg.norm(point - s[0]) for point in stable) < 1e-8


def test_a_continuum_is_kept_to_the_most_and_the_rest_is_counted():
    result = fixed_points(alone("linear", np.eye(3)))
    assert len(result.points) == MOST_KEPT
    assert result.left_out == 64 - MOST_KEPT
    assert set(result.kinds) == {"marginal"}


def test_a_map_that_only_drifts_has_no_fixed_point():
    result = fixed_points(alone("linear", np.eye(2), [1.0, 0.0]))
    assert result.points.shape == (0, 2)
    assert result.not_converged == 64
    assert result.slowest == pytest.approx(1)
    assert len(result.to_frame()) == 0


def test_a_singular_jacobian_is_solved_by_the_shortest_step():
    result = fixed_points(alone("linear", np.diag([1.0, 0.5]), [0.0, 1.0]))
    np.testing.assert_allclose(result.points[:, 1], 2, rtol=1e-9)


def test_the_seed_decides_the_starts():
    record = recorded(network("tanh", seed=2))
    one, two = fixed_points(record), fixed_points(record)
    np.testing.assert_array_equal(one.points, two.points)


def test_a_float32_network_is_searched_in_float64():
    result = fixed_points(network("gru", dtype=np.float32))
    assert result.points.dtype == np.float64
    assert (result.residual < 1e-9).all()


@pytest.mark.parametrize(
    "settings",
    [
        {"gain": 0.0},
        {"gain": 10.0, "cell": "relu", "steps": 900, "init": "identity"},
        {"steps": 1, "hidden_size": 1, "batch_size": 1},
        {"layers": 2, "directions": "both"},
    ],
)
def test_extremes_end(settings):
    small = {"hidden_size": 6, "steps": 12, "batch_size": 3, "task": "sine"}
    result = fixed_points(rv.run(rv.RunConfig(**(small | settings))))
    assert len(result.points) + result.left_out + result.not_converged > 0
    if settings.get("gain") == 0:
        np.testing.assert_array_equal(result.eigenvalues, 0)


def test_what_cannot_be_held_is_refused_in_one_sentence():
    net = network()
    with pytest.raises(ValueError, match="starts must be at least 1, got 0"):
        fixed_points(net, starts=0)
    with pytest.raises(ValueError, match="x must be 'zero', 'mean' of a record"):
        fixed_points(net, "mean")
    with pytest.raises(ValueError, match="x must be 2 finite numbers"):
        fixed_points(net, np.array([1.0, np.nan]))


def test_the_frame_has_a_row_a_fixed_point():
    frame = fixed_points(alone("tanh", [[2.0]])).to_frame()
    assert sorted(frame.kind) == ["stable node", "stable node", "unstable"]
    assert frame.starts.sum() == 64
