"""Each cell in a case worked by hand."""

import numpy as np
import pytest
from helpers import B, H, I, T, network, sequences
from scipy.special import expit

import rnnviz as rv
from rnnviz.adjoint import pull_back
from rnnviz.cells.layer_norm import EPSILON, before_norm, normalised

NORMS = ["tanh_norm", "lstm_norm", "gru_norm"]


def last_step(net):
    """A loss on the last outputs alone, by the states themselves."""
    mask = np.zeros((T, B), bool)
    mask[-1] = True
    return rv.losses.MSE(np.ones((T, B, net.output_size)), mask)


def scaled(net, factors):
    """The same network with each parameter named multiplied."""
    params = {name: W * factors.get(name, 1) for name, W in net.params.items()}
    return net.with_params(params)


def test_the_way_back_through_a_layer_norm_equals_autograd():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    z, d = rng.normal(size=(2, 4, 7)), rng.normal(size=(3, 2, 4, 7))
    twin = torch.tensor(z, requires_grad=True)
    n = torch.nn.functional.layer_norm(twin, (7,), eps=EPSILON)
    np.testing.assert_allclose(normalised(z), n.detach().numpy(), rtol=1e-13, atol=1e-14)
    for stacked, one in zip(before_norm(d, z), d, strict=True):
        (by_autograd,) = torch.autograd.grad(n, twin, torch.tensor(one), retain_graph=True)
        np.testing.assert_allclose(stacked, by_autograd.numpy(), rtol=1e-12, atol=1e-14)


def test_two_units_are_normalised_to_one_and_minus_one_and_only_epsilon_lets_a_gradient_by():
    """With u half their difference, n = (u, -u) / sqrt(u^2 + epsilon)."""
    z, d, u = np.array([5.0, 4.0]), np.array([2.0, -1.0]), 0.5
    np.testing.assert_allclose(normalised(z), np.array([u, -u]) / np.sqrt(u**2 + EPSILON))
    by_hand = (d[0] - d[1]) / 2 * EPSILON / (u**2 + EPSILON) ** 1.5
    # Beside what cancels, 1.5 / u, a difference of 1e-4 has eleven digits.
    np.testing.assert_allclose(before_norm(d, z), [by_hand, -by_hand], rtol=1e-10)


def test_one_unit_is_normalised_to_its_bias_and_no_gradient_passes():
    assert normalised(np.array([[3.0]])) == 0
    assert before_norm(np.array([[2.0]]), np.array([[3.0]])) == 0
    params = {"W_ih": [[2.0]], "W_hh": [[3.0]], "b_ih": [0.25], "b_hh": [0.5], "g": [7.0]}
    params = {name: np.array(W) for name, W in params.items()}
    net = rv.Network([rv.Layer(rv.CELLS["tanh_norm"](1, 1), params)])
    x = np.random.default_rng(0).normal(size=(T, B, 1))
    record = rv.bptt(net, x, last_step(net))
    np.testing.assert_array_equal(record.h[1:], np.full((T, B, 1), np.tanh(0.75)))
    assert not record.dx.any()
    assert not record.dh[:-1].any()
    assert record.dh[-1].all()


@pytest.mark.parametrize("cell", NORMS)
def test_one_unit_alone_divides_by_no_zero(cell):
    kind = rv.CELLS[cell](I, 1)
    params = {name: np.full(shape, 0.5) for name, shape in kind.shapes.items()}
    net = rv.Network([rv.Layer(kind, params)])
    record = rv.bptt(net, sequences().x, last_step(net))
    arrays = [record.h, record.dh, record.dx, record.da, *record.grads.values()]
    assert all(np.isfinite(array).all() for array in arrays)


@pytest.mark.parametrize(
    ("cell", "of_x", "of_h"), [("tanh_norm", 3, 3), *((c, 3, 7) for c in NORMS[1:])]
)
def test_layer_norm_makes_the_size_of_the_weights_all_the_same(cell, of_x, of_h):
    """Paper, section 5.1: states and gradients stay, and that by the weights is the smaller."""
    large = {"l0.W_ih": 100, "l0.W_hh": 100}  # beside which epsilon is nothing
    net = scaled(network(cell), large)
    larger = scaled(net, {"l0.W_ih": of_x, "l0.W_hh": of_h})
    data = sequences(net)
    loss = rv.losses.MSE(data.target)
    one, other = (rv.bptt(each, data.x, loss, s0=data.s0) for each in (net, larger))
    close = {"rtol": 1e-5, "atol": 1e-7}
    np.testing.assert_allclose(other.s, one.s, **close)
    np.testing.assert_allclose(other.ds, one.ds, **close)
    np.testing.assert_allclose(other.dx, one.dx, **close)
    for name, factor in (("l0.W_ih", of_x), ("l0.W_hh", of_h)):
        np.testing.assert_allclose(factor * other.grads[name], one.grads[name], **close)


@pytest.mark.parametrize(("cell", "part", "gate"), [("lstm_norm", "dc", 1), ("gru_norm", "dh", 1)])
def test_without_weights_the_highway_of_a_normalised_cell_is_a_power_of_its_gate(cell, part, gate):
    net = scaled(network(cell, readout=False), {"l0.W_ih": 0, "l0.W_hh": 0})
    data = sequences(net)
    record = rv.bptt(net, data.x, last_step(net), s0=data.s0)
    b = (net.params["l0.b_ih"] + net.params["l0.b_hh"])[gate * H : (gate + 1) * H]
    d, (layer,) = getattr(record, part), net.layers
    np.testing.assert_allclose(d[0], d[-1] * expit(b) ** T, rtol=1e-12)
    highway = layer.cell.highway(layer.params, record.layers[0].tape)
    np.testing.assert_allclose(highway.kept, np.broadcast_to(expit(b), (T, B, H)), rtol=1e-12)


@pytest.mark.parametrize("cell", NORMS)
def test_the_gains_of_a_layer_norm_start_at_one_and_its_biases_at_zero(cell):
    params = rv.build(rv.RunConfig(cell=cell, hidden_size=H), I, 1).layers[0].params
    own = params.keys() - {"W_ih", "W_hh", "b_ih", "b_hh"}
    assert own
    for name in own:
        assert (params[name] == (name != "b_c")).all()


@pytest.mark.parametrize("cell", NORMS)
def test_several_gradients_come_back_through_the_norms_at_once(cell):
    net = network(cell, readout=False)
    data = sequences(net)
    record = rv.bptt(net, data.x, last_step(net), s0=data.s0)
    last = np.stack([record.ds[-1], -2 * record.ds[-1]])
    back = [states.copy() for states in pull_back(net.layers[0], record.layers[0], last)]
    for t, states in zip(reversed(range(T)), back, strict=True):
        np.testing.assert_allclose(states[0], record.ds[t], rtol=1e-11, atol=1e-15)
        np.testing.assert_allclose(states[1], -2 * record.ds[t], rtol=1e-11, atol=1e-15)


def only(cell, given):
    """One layer, no readout, every parameter zero but those given."""
    kind = rv.CELLS[cell](I, H)
    params = {name: np.zeros(shape) for name, shape in kind.shapes.items()}
    return rv.Network([rv.Layer(kind, params | given)])


def jacobian(record):
    """ds_T/ds_0 of each sequence, (B, S, S): every unit vector carried back at once."""
    S = record.s.shape[2]
    last = np.repeat(np.eye(S)[:, None], B, axis=1)
    *_, first = (state.copy() for state in pull_back(record.network.layers[0], seen(record), last))
    return first.transpose(1, 0, 2)


def seen(record):
    return record.layers[0]


def assert_same(found, expected, name=""):
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14, err_msg=name)


@pytest.mark.parametrize("cell", ["lstm", "lstm_peephole"])
def test_without_weights_the_forget_gate_alone_carries_c(cell):
    """dc_T/dc_0 = sigma(b_f)^T, and nothing that was in h is left."""
    rng = np.random.default_rng(3)
    b_ih, b_hh = rng.normal(size=(2, 4 * H))
    net = only(cell, {"b_ih": b_ih, "b_hh": b_hh})
    data = sequences(net)
    record = rv.bptt(net, data.x, last_step(net), s0=data.s0)
    by_hand = expit((b_ih + b_hh)[H : 2 * H]) ** T
    whole = jacobian(record)
    assert_same(whole[:, H:, H:], np.broadcast_to(np.diag(by_hand), (B, H, H)))
    assert (whole[:, :, :H] == 0).all()
    assert_same(seen(record).dc[0], seen(record).dc[-1] * by_hand)


@pytest.mark.parametrize(
    ("cell", "gate", "sign"), [("gru", 1, 1), ("gru_cho", 1, 1), ("mgu", 0, -1)]
)
def test_without_weights_one_gate_alone_carries_h(cell, gate, sign):
    """dh_T/dh_0 = sigma(b_z)^T for a GRU, (1 - sigma(b_f))^T for a minimal gated unit."""
    rng = np.random.default_rng(4)
    rows = rv.CELLS[cell](I, H).gate_count * H
    b_ih, b_hh = rng.normal(size=(2, rows))
    net = only(cell, {"b_ih": b_ih, "b_hh": b_hh})
    data = sequences(net)
    record = rv.bptt(net, data.x, last_step(net), s0=data.s0)
    by_hand = expit(sign * (b_ih + b_hh)[gate * H : (gate + 1) * H]) ** T
    assert_same(jacobian(record), np.broadcast_to(np.diag(by_hand), (B, H, H)))
    assert_same(record.dh[0], record.dh[-1] * by_hand)


@pytest.mark.parametrize(
    ("cell", "part", "kept"),
    [
        ("lstm", "c", lambda gates: gates["f"]),
        ("lstm_peephole", "c", lambda gates: gates["f"]),
        ("gru", "h", lambda gates: gates["z"]),
        ("gru_cho", "h", lambda gates: gates["z"]),
        ("mgu", "h", lambda gates: 1 - gates["f"]),
    ],
)
def test_the_way_straight_on_is_the_gate_that_keeps(cell, part, kept):
    net = network(cell)
    data = sequences(net)
    record = rv.bptt(net, data.x, rv.losses.MSE(data.target), s0=data.s0)
    highway = net.layers[0].cell.highway(net.layers[0].params, seen(record).tape)
    assert highway.part == part
    np.testing.assert_array_equal(highway.kept, kept(seen(record).gates))


@pytest.mark.parametrize("cell", ["gru_cho", "lstm_peephole", "mgu"])
def test_many_gradients_go_back_at_once_as_they_do_alone(cell):
    net = network(cell, readout=False)
    data = sequences(net)
    record = rv.bptt(net, data.x, last_step(net), s0=data.s0)
    alone = np.einsum("bj,bjk->bk", record.dh[-1], jacobian(record)[:, :H])
    assert_same(record.ds[0], alone)


@pytest.mark.parametrize("cell", ["gru_cho", "lstm_peephole", "mgu"])
def test_one_bias_will_do_where_the_two_are_added(cell):
    net = network(cell)
    (layer,), data = net.layers, sequences(net)
    single = {name: W for name, W in layer.params.items() if name != "b_hh"}
    single["b_ih"] = layer.params["b_ih"] + layer.params["b_hh"]
    loss = rv.losses.MSE(data.target)
    two = rv.bptt(net, data.x, loss)
    one = rv.bptt(rv.Network([rv.Layer(layer.cell, single)], net.readout), data.x, loss)
    assert_same(one.ds, two.ds)
    assert_same(one.grads["l0.b_ih"], two.grads["l0.b_hh"])
    assert "l0.b_hh" not in one.grads


def torch_twin(kind, net, layers, both):
    """PyTorch's own module with the same parameters, under its names for them."""
    torch = pytest.importorskip("torch")
    module = getattr(torch.nn, kind)(I, H, layers, bidirectional=both, dtype=torch.float64)
    with torch.no_grad():
        for name, W in net.params.items():
            getattr(module, theirs(name)).copy_(torch.tensor(W))
    return torch, module


def theirs(name):
    """``l1_reverse.W_ih`` is ``weight_ih_l1_reverse``."""
    layer, own = name.split(".")
    return f"{own.replace('W_', 'weight_').replace('b_', 'bias_')}_{layer}"


def assert_equals_torch(kind, net, layers=1, both=False):
    """Outputs, every state at the end, and all gradients, from states that are not zero."""
    torch, module = torch_twin(kind, net, layers, both)
    data = sequences(net)
    record = rv.bptt(net, data.x, rv.losses.MSE(data.target, data.mask), s0=data.s0)
    x = torch.tensor(data.x, requires_grad=True)
    parts = len(net.layers[0].cell.state_names)
    starts = torch.tensor(np.stack(data.s0)).chunk(parts, dim=2)
    starts = [start.contiguous().requires_grad_() for start in starts]
    y, _ = module(x, tuple(starts) if kind == "LSTM" else starts[0])
    mask = torch.tensor(data.mask)
    ((y - torch.tensor(data.target))[mask] ** 2).mean().backward()
    assert_same(record.y, y.detach().numpy())
    assert_same(record.dx, x.grad.numpy())
    ds_0 = torch.cat([start.grad for start in starts], dim=2).numpy()
    assert_same(np.stack([layer.ds[0] for layer in record.layers]), ds_0)
    for name, grad in record.grads.items():
        assert_same(grad, getattr(module, theirs(name)).grad.numpy(), name)
    assert len(record.grads) == len(list(module.parameters()))


@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("both", [False, True])
def test_lstm_and_gru_are_the_ones_of_pytorch(cell, layers, both):
    net = network(cell, layers=layers, both=both, readout=False)
    assert_equals_torch(cell.upper(), net, layers, both)


def test_with_its_reset_open_chos_gru_is_the_one_of_pytorch():
    """Where r is 1 it does not matter which side of the product it stands on."""
    params = dict(network("gru_cho", readout=False).layers[0].params)
    params["b_ih"] = np.concatenate([np.full(H, 60.0), params["b_ih"][H:]])
    cho = rv.Network([rv.Layer(rv.CELLS["gru_cho"](I, H), params)])
    assert_equals_torch("GRU", cho)


def test_with_its_reset_shut_chos_gru_hears_its_state_through_z_alone():
    """n = tanh(W_n x + b): a cell that starts its sentence anew, section 2.3 of the paper."""
    params = dict(network("gru_cho", readout=False).layers[0].params)
    params["b_ih"] = np.concatenate([np.full(H, -800.0), params["b_ih"][H:]])
    net = rv.Network([rv.Layer(rv.CELLS["gru_cho"](I, H), params)])
    data = sequences(net)
    record = rv.bptt(net, data.x, last_step(net), s0=data.s0)
    W_n, b_n = params["W_ih"][2 * H :], (params["b_ih"] + params["b_hh"])[2 * H :]
    assert_same(seen(record).gates["n"], np.tanh(data.x @ W_n.T + b_n))
    assert (record.grads["l0.W_hh"][2 * H :] == 0).all()


def test_peepholes_of_zero_are_a_plain_lstm():
    plain = network("lstm")
    params = plain.layers[0].params | dict.fromkeys(("w_ci", "w_cf", "w_co"), np.zeros(H))
    kind = rv.CELLS["lstm_peephole"](I, H)
    looking = rv.Network([rv.Layer(kind, params)], plain.readout)
    data = sequences(plain)
    loss = rv.losses.MSE(data.target)
    one, two = (rv.bptt(net, data.x, loss, s0=data.s0) for net in (plain, looking))
    for name in ("s", "ds", "dc", "da"):
        assert_same(getattr(seen(two), name), getattr(seen(one), name), name)
    for name, grad in one.grads.items():
        assert_same(two.grads[name], grad, name)


def test_one_step_of_one_unit_with_peepholes_by_hand():
    """i and f look at c_0, o looks at c_1; with no other weights every slope is on one line."""
    c_0, w_ci, w_cf, w_co, b_g = 0.8, 1.5, -0.7, 2.0, 0.6
    kind = rv.CELLS["lstm_peephole"](1, 1)
    params = {name: np.zeros(shape) for name, shape in kind.shapes.items()}
    params |= {"w_ci": np.array([w_ci]), "w_cf": np.array([w_cf]), "w_co": np.array([w_co])}
    params["b_ih"] = np.array([0, 0, b_g, 0])
    net = rv.Network([rv.Layer(kind, params)])
    loss = rv.losses.MSE(np.zeros((1, 1, 1)))
    record = rv.bptt(net, np.zeros((1, 1, 1)), loss, s0=np.array([[0.0, c_0]]))

    i, f, g = expit(w_ci * c_0), expit(w_cf * c_0), np.tanh(b_g)
    c_1 = f * c_0 + i * g
    o = expit(w_co * c_1)
    h_1 = o * np.tanh(c_1)
    dh = 2 * h_1
    dc_1 = dh * (o * (1 - o) * w_co * np.tanh(c_1) + o / np.cosh(c_1) ** 2)
    dc_0 = dc_1 * (f + f * (1 - f) * w_cf * c_0 + i * (1 - i) * w_ci * g)
    assert_same(seen(record).s.ravel(), [0, c_0, h_1, c_1])
    assert_same(seen(record).dc.ravel(), [dc_0, dc_1])
    assert_same(record.grads["l0.w_ci"], [dc_1 * g * i * (1 - i) * c_0])
    assert_same(record.grads["l0.w_cf"], [dc_1 * c_0 * f * (1 - f) * c_0])
    assert_same(record.grads["l0.w_co"], [dh * np.tanh(c_1) * o * (1 - o) * c_1])


def test_peepholes_start_within_one_over_the_root_of_h():
    kind = rv.CELLS["lstm_peephole"](1, 400)
    drawn = kind.own(np.random.default_rng(0))
    assert list(drawn) == list(kind.shapes)[-3:] == ["w_ci", "w_cf", "w_co"]
    for name, w in drawn.items():
        assert w.shape == kind.shapes[name] == (400,)
        assert 0.045 < np.abs(w).max() <= 1 / 20


def test_a_minimal_gated_unit_half_open_by_hand():
    """With f = 1/2 throughout, dh_t/dh_{t-1} = 1/2 + u (1 - n^2) / 4."""
    u, x, h = 1.7, 0.9, [0.3]
    params = {
        "W_ih": np.array([[0.0], [1.0]]),
        "W_hh": np.array([[0.0], [u]]),
        "b_ih": np.zeros(2),
        "b_hh": np.zeros(2),
    }
    net = rv.Network([rv.Layer(rv.CELLS["mgu"](1, 1), params)])
    mask = np.arange(T)[:, None] == T - 1
    loss = rv.losses.MSE(np.zeros((T, 1, 1)), mask)
    record = rv.bptt(net, np.full((T, 1, 1), x), loss, s0=np.array([[h[0]]]))
    factors = []
    for _ in range(T):
        n = np.tanh(x + u * h[-1] / 2)
        factors.append(1 / 2 + u * (1 - n**2) / 4)
        h.append((h[-1] + n) / 2)
    assert_same(record.h.ravel(), h)
    back = np.cumprod([2 * h[-1], *reversed(factors)])[::-1]
    assert_same(record.dh.ravel(), back)
