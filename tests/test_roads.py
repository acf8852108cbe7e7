"""The two roads of a gated cell, in closed form and against autograd."""

import numpy as np
import pytest
from helpers import B, T, network, sequences
from scipy.special import expit

import rnnviz as rv
from rnnviz.cells import Cell
from rnnviz.diagnostics import roads

ROADS = [name for name, cell in rv.CELLS.items() if cell.highway is not Cell.highway]
"""Cells with a highway."""


def last_step(data):
    mask = np.zeros((T, B), bool)
    mask[-1] = True
    return rv.losses.MSE(data.target, mask)


def recorded(net):
    data = sequences(net)
    return rv.bptt(net, data.x, last_step(data), s0=data.s0)


def with_params(net, **changes):
    """The same network with parameters changed by a function each."""
    params = {}
    for name, W in net.params.items():
        own = name.rpartition(".")[2]
        params[name] = changes[own](W) if own in changes else W
    return net.with_params(params)


def without_weights(net):
    zero = dict.fromkeys(("W_hh", "w_ci", "w_cf", "w_co"), np.zeros_like)
    return with_params(net, **zero)


@pytest.mark.parametrize("cell", [name for name in ROADS if name != "antisymmetric"])
def test_without_recurrent_weights_the_highway_is_everything(cell):
    result = roads(recorded(without_weights(network(cell))))
    np.testing.assert_allclose(result.share, 1, rtol=1e-12)
    assert np.isneginf(result.rest).all()


@pytest.mark.parametrize(("cell", "block"), [("lstm", 1), ("gru", 1)])
@pytest.mark.parametrize("steps", [20, 4000])
def test_without_weights_the_highway_is_sigma_of_the_bias_to_the_lag(cell, block, steps):
    settings = {"gain": 0.0, "input_scale": 0.0, "task": "sine", "batch_size": 1}
    config = rv.RunConfig(cell=cell, steps=steps, hidden_size=3, bias="zero", **settings)
    net = rv.run(config.model_copy(update={"steps": 2})).network
    b_ih = np.zeros_like(net.params["l0.b_ih"])
    b_ih[3 * block : 3 * block + 3] = 0.7
    net = net.with_params(net.params | {"l0.b_ih": b_ih})
    loss = rv.losses.MSE(
        np.ones((steps, 1, net.output_size)), np.arange(steps)[:, None] == steps - 1
    )
    result = roads(rv.bptt(net, np.ones((steps, 1, net.input_size)), loss))
    slope = np.log10(expit(0.7))
    np.testing.assert_allclose(result.highway - result.highway[0], slope * result.lag, rtol=1e-10)
    np.testing.assert_array_equal(result.highway, result.total)
    assert np.isfinite(result.highway).all()
    assert np.isneginf(result.rest).all()


def test_a_closed_gate_ends_the_highway_and_the_rest_is_all_there_is():
    net = network("gru")
    shut = net.params["l0.b_ih"].copy()
    shut[5:10] = -2000
    result = roads(recorded(net.with_params(net.params | {"l0.b_ih": shut})))
    assert np.isneginf(result.highway[1:]).all()
    assert np.isfinite(result.highway[0])
    np.testing.assert_array_equal(result.rest[1:], result.total[1:])
    np.testing.assert_array_equal(result.share[1:], 0)


def on_the_highway_alone(torch, cell, p, x, s):
    """One step whose gates hear a state that no gradient passes: only the product is left."""
    x = torch.tensor(x)
    heard = s["h"].detach()
    if cell == "lstm":
        a = x @ p["W_ih"].T + p["b_ih"] + heard @ p["W_hh"].T + p["b_hh"]
        i, f, g, o = a.chunk(4, dim=1)
        c = torch.sigmoid(f) * s["c"] + torch.sigmoid(i) * torch.tanh(g)
        return {"h": torch.sigmoid(o) * torch.tanh(c), "c": c}
    r, z, n = zip(
        (x @ p["W_ih"].T + p["b_ih"]).chunk(3, dim=1),
        (heard @ p["W_hh"].T + p["b_hh"]).chunk(3, dim=1),
        strict=True,
    )
    r, z = torch.sigmoid(sum(r)), torch.sigmoid(sum(z))
    n = torch.tanh(n[0] + r * n[1])
    return {"h": (1 - z) * n + z * s["h"]}


@pytest.mark.parametrize(("cell", "part"), [("lstm", "c"), ("gru", "h")])
def test_the_highway_is_what_autograd_finds_with_every_other_way_cut(cell, part):
    torch = pytest.importorskip("torch")
    net = network(cell)
    data = sequences(net)
    record = rv.bptt(net, data.x, last_step(data), s0=data.s0)
    result = roads(record)
    p = {name: torch.tensor(W) for name, W in net.layers[0].params.items()}
    names = net.layers[0].cell.state_names
    start = torch.tensor(data.s0[0]).chunk(len(names), dim=1)
    state = dict(zip(names, (s.clone().requires_grad_() for s in start), strict=True))
    seen = [state[part]]
    for x in data.x:
        state = on_the_highway_alone(torch, cell, p, x, state)
        seen.append(state[part])
    np.testing.assert_allclose(state["h"].detach().numpy(), record.h[-1], rtol=1e-12)
    y = state["h"] @ torch.tensor(net.params["readout.W_hy"]).T
    loss = (
        (y + torch.tensor(net.params["readout.b_y"]) - torch.tensor(data.target[-1])) ** 2
    ).mean()
    grads = [grad.numpy() for grad in torch.autograd.grad(loss, seen)][::-1]
    expected = [np.linalg.norm(grad, axis=1).mean() for grad in grads]
    np.testing.assert_allclose(10**result.highway, expected, rtol=1e-12)

    handed = (record.ds if cell == "gru" else record.ds[..., 5:])[::-1].copy()
    handed[0] = grads[0]
    expected = np.linalg.norm(handed, axis=2).mean(axis=1)
    np.testing.assert_allclose(10**result.total, expected, rtol=1e-12)
    rest = np.linalg.norm(handed - np.array(grads), axis=2).mean(axis=1)
    np.testing.assert_allclose(10**result.rest, rest, rtol=1e-11, atol=1e-16)


@pytest.mark.parametrize("cell", ROADS)
@pytest.mark.parametrize("both", [True, False])
def test_where_the_gradient_enters_the_total_derivative_is_the_records(cell, both):
    net = network(cell, both=both, layers=2)
    record = recorded(net)
    for number, layer in enumerate(record.layers):
        result = roads(record, number)
        total = layer.dh if result.part == "h" else layer.inner[result.part]
        entering = total[len(result.t) - 1]
        expected = np.linalg.norm(entering, axis=1).mean()
        np.testing.assert_allclose(10 ** result.total[0], expected, rtol=1e-12)
        assert result.layer == net.names[number]


def test_a_reverse_layers_lags_rise_with_time():
    record = recorded(network("lstm", both=True))
    result = roads(record, 1)
    np.testing.assert_array_equal(result.t, [T - 1, T])
    np.testing.assert_array_equal(roads(record).t, np.arange(T, -1, -1))


def test_a_handed_cell_state_at_lag_1_is_all_highway():
    result = roads(recorded(network("lstm")))
    assert result.total[1] == pytest.approx(result.highway[1], abs=1e-14)
    assert np.isneginf(result.rest[:2]).all()
    assert np.isfinite(result.rest[2:]).all()


def test_a_loss_of_nothing_flows_nowhere():
    net = network("gru")
    data = sequences(net)
    y = rv.predict(net, data.x)
    result = roads(rv.bptt(net, data.x, rv.losses.MSE(y)))
    assert len(result.t) == T + 1
    assert np.isneginf(result.total).all()
    assert np.isnan(result.share).all()


@pytest.mark.parametrize("cell", sorted(set(rv.CELLS) - set(ROADS)))
def test_a_cell_without_a_highway_is_refused_in_one_sentence(cell):
    with pytest.raises(ValueError, match="roads takes a cell with a way past its weights, got "):
        roads(recorded(network(cell)))


def test_the_frame_has_a_row_a_lag():
    result = roads(recorded(network("gru")))
    frame = result.to_frame()
    assert list(frame.lag) == list(range(T + 1))
    np.testing.assert_array_equal(frame.highway_share, result.share)
