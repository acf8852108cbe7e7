"""Omega against the held-constant function itself, PyTorch, and cases worked by hand."""

import numpy as np
import pytest
from helpers import B, T, network, sequences

import rnnviz as rv
from rnnviz.cells.vanilla import Vanilla
from rnnviz.omega import BOUND, FORMS, omega, takes_omega

VANILLA = [name for name, kind in rv.CELLS.items() if issubclass(kind, Vanilla)]
SLOPES = {
    "tanh": lambda h: 1 - h**2,
    "relu": lambda h: (h > 0).astype(h.dtype),
    "linear": np.ones_like,
    "sigmoid": lambda h: h * (1 - h),
}


def recorded(net, scale=1.0):
    data = sequences(net)
    x = data.x.astype(net.dtype)
    plain = rv.losses.MSE(data.target.astype(net.dtype))

    class Scaled:
        def value_and_grad(self, y):
            loss_t, dy = plain.value_and_grad(y)
            return loss_t, dy * scale

    return rv.bptt(net, x, Scaled(), s0=data.s0)


def held(cell, seen, W, form):
    """One layer's Omega by loops, of any W, with dL/dh and the slopes of the pass held still."""
    terms = np.zeros((T, B))
    counted = np.zeros((T, B), bool)
    for t in range(T):
        for b in range(B):
            dh = seen.dh[t + 1, b]
            size = np.sqrt((dh**2).sum())
            r = np.linalg.norm((dh * SLOPES[cell](seen.h[t + 1, b])) @ W) / size
            terms[t, b] = (r - 1) ** 2 if form == "paper" else (r**2 - 1) ** 2
            counted[t, b] = size**2 >= BOUND
    if form == "paper":
        return terms.mean(axis=1).sum()
    return terms[counted].sum() / counted.sum()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("cell", VANILLA)
@pytest.mark.parametrize("layers", [1, 2])
def test_value_and_gradient_are_those_of_the_function_held_constant(cell, layers, form):
    net = network(cell, layers=layers)
    record = recorded(net)
    value, grads = omega(record, form)
    assert list(grads) == [f"l{n}.W_hh" for n in range(layers)]
    expected = 0.0
    for n, seen in enumerate(record.layers):
        W, size = net.layers[n].params["W_hh"], 1e-6
        expected += held(cell, seen, W, form)
        slope = np.empty_like(W)
        for at in np.ndindex(W.shape):
            step = np.zeros_like(W)
            step[at] = size
            up, down = (held(cell, seen, W + sign * step, form) for sign in (1, -1))
            slope[at] = (up - down) / (2 * size)
        np.testing.assert_allclose(grads[f"l{n}.W_hh"], slope, rtol=1e-6, atol=1e-8)
    assert value == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("cell", VANILLA)
def test_value_and_gradient_are_pytorchs_with_the_derivatives_detached(cell, form):
    torch = pytest.importorskip("torch")
    net = network(cell, readout=False)
    data = sequences(net)
    record = recorded(net)
    activate = {"tanh": torch.tanh, "relu": torch.relu, "linear": lambda a: a * 1}
    activate["sigmoid"] = torch.sigmoid
    p = {name: torch.tensor(W, requires_grad=True) for name, W in net.layers[0].params.items()}
    h, states, pre = torch.tensor(data.s0[0]), [], []
    for x_t in torch.tensor(data.x):
        a = x_t @ p["W_ih"].T + p["b_ih"] + h @ p["W_hh"].T + p["b_hh"]
        h = activate[cell](a)
        pre.append(a)
        states.append(h)
    loss = ((torch.stack(states) - torch.tensor(data.target)) ** 2).mean()
    by_h = torch.autograd.grad(loss, states, retain_graph=True)
    by_a = torch.autograd.grad(loss, pre, retain_graph=True)
    size = [dh.norm(dim=1) for dh in by_h]
    ratio = [(da @ p["W_hh"]).norm(dim=1) / s for da, s in zip(by_a, size, strict=True)]
    r = torch.stack(ratio)
    value = ((r - 1) ** 2).mean(1).sum() if form == "paper" else ((r**2 - 1) ** 2).mean()
    (gradient,) = torch.autograd.grad(value, p["W_hh"])
    found, grads = omega(record, form)
    assert found == pytest.approx(value.item(), rel=1e-12)
    np.testing.assert_allclose(grads["l0.W_hh"], gradient.numpy(), rtol=1e-11, atol=1e-12)


def scalar(w, cell="linear", steps=4):
    """One unit, one sequence, a loss of dL/dh_T = 1 at the last step."""
    params = {"W_ih": np.ones((1, 1)), "W_hh": np.full((1, 1), w), "b_ih": np.zeros(1)}
    net = rv.Network([rv.Layer(rv.CELLS[cell](1, 1), params)])

    class Last:
        def value_and_grad(self, y):
            dy = np.zeros_like(y)
            dy[-1] = 1
            return np.zeros(len(y)), dy

    return rv.bptt(net, np.ones((steps, 1, 1)), Last())


@pytest.mark.parametrize("w", [0.3, -0.7, 1.0, 1.5])
def test_a_linear_unit_multiplies_every_length_by_its_weight(w):
    """Each of 4 steps adds (|w| - 1)^2, or (w^2 - 1)^2 to a mean of 4."""
    value, grads = omega(scalar(w), "paper")
    assert value == pytest.approx(4 * (abs(w) - 1) ** 2, abs=1e-15)
    assert grads["l0.W_hh"].item() == pytest.approx(8 * (abs(w) - 1) * np.sign(w), abs=1e-14)
    value, grads = omega(scalar(w), "code")
    assert value == pytest.approx((w**2 - 1) ** 2, abs=1e-15)
    assert grads["l0.W_hh"].item() == pytest.approx(4 * w * (w**2 - 1), abs=1e-14)


def test_a_tanh_unit_multiplies_every_length_by_its_weight_and_its_slope():
    record = scalar(0.8, "tanh", steps=2)
    slope = 1 - record.h[1:, 0, 0] ** 2
    value, grads = omega(record)
    assert value == pytest.approx(((0.8 * slope - 1) ** 2).sum(), rel=1e-14)
    assert grads["l0.W_hh"].item() == pytest.approx((2 * (0.8 * slope - 1) * slope).sum())


def test_orthogonal_weights_and_linear_units_have_none():
    config = {"cell": "linear", "init": "orthogonal", "hidden_size": 6, "task": "sine"}
    record = rv.run(rv.RunConfig(**config, steps=30))
    for form in FORMS:
        value, grads = omega(record, form)
        assert value == pytest.approx(0, abs=1e-25)
        np.testing.assert_allclose(grads["l0.W_hh"], 0, atol=1e-12)


@pytest.mark.parametrize("scale", [1e-250, 1e-180, 1e150])
def test_the_papers_form_has_no_scale_even_where_squares_leave_the_range(scale):
    record, plain = recorded(network(), scale), recorded(network())
    for one, other in zip(omega(record)[1].values(), omega(plain)[1].values(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)
    assert omega(record)[0] == pytest.approx(omega(plain)[0], rel=1e-12)


def test_the_codes_form_leaves_out_what_is_below_its_bound():
    value, grads = omega(recorded(network(), 1e-20), "code")
    assert value == 0
    assert not grads["l0.W_hh"].any()
    faded = scalar(1e-3, steps=8)  # |dL/dh|^2 is 1e-6 to the lag: 1e-18 is counted, 1e-24 is not
    assert omega(faded, "code")[0] == pytest.approx((1e-6 - 1) ** 2)
    assert omega(faded, "paper")[0] == pytest.approx(8 * (1e-3 - 1) ** 2)


def test_steps_that_no_gradient_comes_to_add_nothing():
    net, data = network(), sequences(network())
    mask = np.zeros((T, B), bool)
    mask[2, 1] = True
    record = rv.bptt(net, data.x, rv.losses.MSE(data.target, mask), s0=data.s0)
    one = rv.bptt(
        net, data.x[:3, 1:2], rv.losses.MSE(data.target[:3, 1:2], mask[:3, 1:2]), [data.s0[0][1:2]]
    )
    assert omega(record)[0] == pytest.approx(omega(one)[0] / B, rel=1e-12)
    assert omega(record, "code")[0] == pytest.approx(omega(one, "code")[0], rel=1e-12)


def test_a_weight_of_zero_loses_everything_and_has_no_slope():
    value, grads = omega(scalar(0.0))
    assert value == 1  # the last step's gradient is lost, and none comes to those before it
    assert not grads["l0.W_hh"].any()


@pytest.mark.parametrize("both", [False, True])
def test_reverse_layers_count_along_their_own_steps(both):
    value, grads = omega(recorded(network(both=both)))
    assert list(grads) == ["l0.W_hh", "l0_reverse.W_hh"][: 1 + both]
    assert np.isfinite(value)


def test_float32_stays_float32_and_agrees():
    single, double = recorded(network(dtype=np.float32)), recorded(network())
    for form in FORMS:
        (value, grads), (other, others) = omega(single, form), omega(double, form)
        assert value == pytest.approx(other, rel=1e-4)
        assert grads["l0.W_hh"].dtype == np.float32
        np.testing.assert_allclose(grads["l0.W_hh"], others["l0.W_hh"], rtol=1e-3, atol=1e-4)


def test_descent_on_omega_brings_every_length_to_where_it_was():
    net = network("linear")
    first = omega(recorded(net))[0]
    for _ in range(200):
        _, grads = omega(recorded(net))
        params = {name: W - 0.02 * grads.get(name, 0) for name, W in net.params.items()}
        net = net.with_params(params)
    assert omega(recorded(net))[0] < 0.01 * first


@pytest.mark.parametrize("cell", [name for name in rv.CELLS if name not in VANILLA])
def test_other_cells_are_refused_in_one_sentence(cell):
    net = network(cell)
    assert not takes_omega(net.layers[0].cell)
    with pytest.raises(ValueError, match=r"^omega must have vanilla cells .*, got [^.;]+$"):
        omega(recorded(net))


def test_an_unknown_form_is_refused():
    with pytest.raises(ValueError, match=r"form must be one of \['code', 'paper'\], got 'mean'"):
        omega(recorded(network()), "mean")


def test_an_overflow_gives_no_warning():
    config = {"cell": "linear", "init": "identity", "gain": 10.0, "steps": 900, "hidden_size": 3}
    value, _ = omega(rv.run(rv.RunConfig(**config, batch_size=2, task="sine")))
    assert not np.isfinite(value)
