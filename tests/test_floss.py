"""Flossing against central differences, PyTorch's QR, and cases worked by hand."""

import numpy as np
import pytest
from helpers import B, I, T, network, sequences

import rnnviz as rv
from rnnviz.cells.vanilla import Vanilla
from rnnviz.floss import floss, floss_bytes, takes_floss
from rnnviz.optim import OPTIMIZERS
from rnnviz.vectors import flat, named
from rnnviz.windows import Given

VANILLA = [name for name, kind in rv.CELLS.items() if issubclass(kind, Vanilla)]
DIRECTIONS = {"tanh": 3, "linear": 5, "sigmoid": 2, "relu": 1}
"""How many are flossed: a ReLU network has as many as it has units on."""


def recorded(net, x=None, s0=None):
    x = sequences(net).x if x is None else x
    nothing = Given(np.zeros((*x.shape[:2], net.output_size), net.dtype))
    return rv.bptt(net, x.astype(net.dtype), nothing, s0=s0)


def unit(cell, w, steps=4, x=0.0, s0=0.0):
    """One unit, one sequence."""
    params = {"W_ih": np.ones((1, 1)), "W_hh": np.full((1, 1), w), "b_ih": np.zeros(1)}
    net = rv.Network([rv.Layer(rv.CELLS[cell](1, 1), params)])
    return recorded(net, np.full((steps, 1, 1), x), np.full((1, 1), s0))


@pytest.mark.parametrize("kind", [{}, {"layers": 2, "both": True}, {"layers": 3, "residual": True}])
@pytest.mark.parametrize("cell", ["tanh", "linear", "sigmoid"])
def test_the_gradient_is_that_of_central_differences(cell, kind):
    net, rng, size = network(cell, **kind), np.random.default_rng(2), 1e-5
    s0, theta = sequences(net).s0, flat(net.params)
    _, grads = floss(recorded(net, s0=s0), 2)
    assert list(grads) == list(net.params)
    for way in rng.normal(size=(3, len(theta))):
        up, down = (
            floss(recorded(net.with_params(named(at, net.params)), s0=s0), 2)[0]
            for at in (theta + size * way, theta - size * way)
        )
        assert flat(grads) @ way == pytest.approx((up - down) / (2 * size), rel=1e-5)


def twin(torch, net, cell, data, count):
    """The same by PyTorch: every layer's exponents by ``torch.linalg.qr``, step by step."""
    activate = {"tanh": torch.tanh, "relu": torch.relu, "linear": lambda a: a * 1}
    activate["sigmoid"] = torch.sigmoid
    slope = {"tanh": lambda a: 1 - torch.tanh(a) ** 2, "relu": lambda a: (a > 0).to(a.dtype)}
    slope["linear"] = torch.ones_like
    slope["sigmoid"] = lambda a: torch.sigmoid(a) * (1 - torch.sigmoid(a))
    p = {name: torch.tensor(W, requires_grad=True) for name, W in net.params.items()}
    below, value = torch.tensor(data.x), 0
    for n in range(len(net.layers)):
        W = p[f"l{n}.W_hh"]
        drawn = np.random.default_rng(0).normal(size=(below.shape[1], len(W), count))
        Q, log, h, states = torch.tensor(np.linalg.qr(drawn)[0]), 0, torch.tensor(data.s0[n]), []
        for x_t in below:
            a = x_t @ p[f"l{n}.W_ih"].T + p[f"l{n}.b_ih"] + h @ W.T + p[f"l{n}.b_hh"]
            h = activate[cell](a)
            states.append(h)
            Q, R = torch.linalg.qr(slope[cell](a)[:, :, None] * (W @ Q))
            log = log + R.diagonal(dim1=1, dim2=2).abs().log()
        value = value + ((log / len(below)) ** 2).mean()
        below = torch.stack(states)
    value.backward()
    grads = {name: np.zeros(W.shape) if W.grad is None else W.grad for name, W in p.items()}
    return value.item(), grads


@pytest.mark.parametrize("cell", VANILLA)
@pytest.mark.parametrize("layers", [1, 2])
def test_value_and_gradient_are_pytorchs(cell, layers):
    torch = pytest.importorskip("torch")
    net, count = network(cell, layers=layers), DIRECTIONS[cell]
    data = sequences(net)
    value, grads = floss(recorded(net, s0=data.s0), count)
    expected, slopes = twin(torch, net, cell, data, count)
    assert np.isfinite(value)
    assert value == pytest.approx(expected, rel=1e-12)
    for name, grad in grads.items():
        np.testing.assert_allclose(grad, slopes[name], rtol=1e-10, atol=1e-11)


def test_over_many_steps_the_gradient_is_still_pytorchs():
    torch = pytest.importorskip("torch")
    net, rng = network(), np.random.default_rng(4)
    data = sequences(net)
    data.x = rng.normal(size=(120, B, I))
    value, grads = floss(recorded(net, data.x, data.s0), 2)
    expected, slopes = twin(torch, net, "tanh", data, 2)
    assert value == pytest.approx(expected, rel=1e-12)
    for name, grad in grads.items():
        np.testing.assert_allclose(grad, slopes[name], rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("w", [0.3, -0.7, 1.0, 1.5])
def test_a_linear_units_exponent_is_the_log_of_its_weight(w):
    """(log|w|)^2, and 2 log|w| / w by w."""
    value, grads = floss(unit("linear", w), 1)
    assert value == pytest.approx(np.log(abs(w)) ** 2, abs=1e-15)
    assert grads["l0.W_hh"].item() == pytest.approx(2 * np.log(abs(w)) / w, abs=1e-14)


def test_a_tanh_units_state_moves_its_slope():
    """One step: lambda = log w + log(1 - h^2) with h = tanh(w s + x); by w it is 1/w - 2 h s."""
    w, x, s = 0.8, 0.4, -0.3
    h = np.tanh(w * s + x)
    exponent = np.log(w * (1 - h**2))
    value, grads = floss(unit("tanh", w, steps=1, x=x, s0=s), 1)
    assert value == pytest.approx(exponent**2, rel=1e-14)
    assert grads["l0.W_hh"].item() == pytest.approx(2 * exponent * (1 / w - 2 * h * s), rel=1e-13)
    assert grads["l0.W_ih"].item() == pytest.approx(2 * exponent * -2 * h * x, rel=1e-13)
    assert grads["l0.b_ih"].item() == pytest.approx(2 * exponent * -2 * h, rel=1e-13)


def test_orthogonal_weights_and_linear_units_have_none():
    config = {"cell": "linear", "init": "orthogonal", "hidden_size": 6, "task": "sine"}
    value, grads = floss(rv.run(rv.RunConfig(**config, steps=400, batch_size=2)), 4)
    assert value == pytest.approx(0, abs=1e-28)
    for grad in grads.values():
        np.testing.assert_allclose(grad, 0, atol=1e-13)


def test_the_exponents_of_a_diagonal_are_its_logs_largest_first():
    params = {"W_ih": np.ones((3, 1)), "W_hh": np.diag([0.2, 0.9, 0.5]), "b_ih": np.zeros(3)}
    net = rv.Network([rv.Layer(rv.CELLS["linear"](1, 3), params)])
    x = np.ones((400, 1, 1))
    for count, kept in ((2, [0.9, 0.5]), (4, [0.9, 0.5, 0.2])):
        value, _ = floss(recorded(net, x), count)
        assert value == pytest.approx(np.mean(np.log(kept) ** 2), rel=2e-2)
    _, grads = floss(recorded(net, x), 2)
    expected = [0, np.log(0.9) / 0.9, np.log(0.5) / 0.5]
    np.testing.assert_allclose(np.diagonal(grads["l0.W_hh"]), expected, atol=0.02)


def test_several_sequences_are_the_mean_of_each():
    net, data = network(), sequences(network())
    value, grads = floss(recorded(net, s0=data.s0), 5)
    drawn = np.random.default_rng(0).normal(size=(B, 5, 5))
    first = recorded(net, data.x[:, :1], [data.s0[0][:1]])
    Q, R, slope = np.linalg.qr(drawn[0])[0], np.zeros(5), 1 - first.h[1:, 0] ** 2
    for t in range(T):
        Q, triangle = np.linalg.qr(slope[t][:, None] * (net.layers[0].params["W_hh"] @ Q))
        R = R + np.log(abs(np.diagonal(triangle)))
    assert floss(first, 5)[0] == pytest.approx(((R / T) ** 2).mean(), rel=1e-12)
    assert value != floss(first, 5)[0]
    assert not grads["readout.W_hy"].any()


def test_float32_stays_float32_and_agrees_over_a_thousand_steps():
    found = {}
    for dtype in ("float32", "float64"):
        config = {"steps": 1_000, "batch_size": 1, "hidden_size": 12, "gain": 0.8, "task": "sine"}
        found[dtype] = floss(rv.run(rv.RunConfig(**config, init="normal", dtype=dtype)), 3)
    (value, grads), (other, others) = found.values()
    assert value == pytest.approx(other, rel=1e-4)
    for name, grad in grads.items():
        assert grad.dtype == np.float32
        np.testing.assert_allclose(grad, others[name], rtol=1e-3, atol=1e-4)


def test_descent_brings_the_first_exponents_to_zero():
    config = rv.RunConfig(hidden_size=32, init="normal", gain=0.5)
    net, rng = rv.build(config, 2, 1), np.random.default_rng(3)
    unseen = 0.1 * rng.normal(size=(200, 2, 2))

    def largest(net):
        return abs(rv.diagnostics.lyapunov(recorded(net, unseen), 5).exponents).max()

    rule = OPTIMIZERS["adam"](0.01, 0.9, 0.0)
    theta = flat(net.params)
    memory = rule.init(theta)
    assert largest(net) > 0.7
    for _ in range(50):
        _, grads = floss(recorded(net, 0.1 * rng.normal(size=(50, 1, 2))), 5)
        theta, memory = rule.update(theta, flat(grads), memory, 0.01)
        net = net.with_params(named(theta, net.params))
    assert largest(net) < 0.1


@pytest.mark.parametrize("cell", ["linear", "relu"])
def test_a_lost_direction_has_no_exponent_and_no_gradient(cell):
    """Of three units one is never heard: the third direction is rounding."""
    W = np.diag([0.9, 0.7, 0.0])
    params = {"W_ih": np.ones((3, 1)), "W_hh": W, "b_ih": np.ones(3)}
    record = recorded(rv.Network([rv.Layer(rv.CELLS[cell](1, 3), params)]), np.ones((9, 1, 1)))
    assert np.isfinite(floss(record, 2)[0])
    value, grads = floss(record, 3)
    assert value == np.inf
    assert np.isnan(grads["l0.W_hh"]).all()


def test_an_overflow_gives_no_warning():
    config = {"cell": "linear", "init": "identity", "gain": 10.0, "steps": 900, "hidden_size": 3}
    record = rv.run(rv.RunConfig(**config, batch_size=2, task="sine"))
    assert floss(record, 2)[0] == pytest.approx(np.log(10) ** 2)
    config["cell"] = "tanh"
    broken = rv.run(rv.RunConfig(**config, batch_size=2, task="sine"))
    assert not np.isfinite(floss(recorded(broken.network, np.full((9, 2, 1), np.nan)), 2)[0])


@pytest.mark.parametrize("cell", [name for name in rv.CELLS if name not in VANILLA])
def test_other_cells_are_refused_in_one_sentence(cell):
    net = network(cell)
    assert not takes_floss(net.layers[0].cell)
    with pytest.raises(ValueError, match=r"^flossing must have vanilla cells .*, got [^.;]+$"):
        floss(recorded(net), 2)


def test_every_vanilla_cell_is_taken():
    assert all(takes_floss(rv.CELLS[name](2, 3)) for name in VANILLA)


def test_no_exponents_are_refused():
    with pytest.raises(ValueError, match="exponents must be at least 1, got 0"):
        floss(recorded(network()), 0)


def test_the_memory_that_is_told_is_not_below_what_is_taken():
    import tracemalloc

    config = rv.RunConfig(hidden_size=24, steps=150, batch_size=4, task="sine", layers=2)
    record = rv.run(config)
    tracemalloc.start()
    floss(record, 9)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    told = floss_bytes(record.network, 150, 4, 9)
    assert 0.4 < peak / told < 1.2
