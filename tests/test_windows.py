"""Truncated BPTT with a stride: PyTorch with detach, cases by hand, and influence balancing."""

from math import comb

import numpy as np
import pytest
from helpers import B, T, network, sequences
from twins import TWINS

import rnnviz as rv
from rnnviz.diagnostics.windowed import windowed
from rnnviz.windows import CARRIES, Given, runs, windowed_grads

PAIRS = [(1, 1), (2, 1), (3, 2), (3, 3), (4, 3), (5, 2), (2, 5), (6, 6)]


def detached(net, x, loss_of, s0, window, stride, carry):
    """Truncated BPTT in PyTorch: a graph of its own for each run, from a detached state."""
    torch = pytest.importorskip("torch")
    params = {key: torch.tensor(W, requires_grad=True) for key, W in net.params.items()}
    carried = [parted(torch, net, s0)]
    for x_t in x:
        _, after = step(torch, net, params, x_t, carried[-1])
        carried.append([{k: v.detach() for k, v in state.items()} for state in after])
    loss_t = np.zeros(len(x))
    stride = min(stride, window)
    ends = [*range(stride, len(x), stride), len(x)]
    for begin, end in zip([0, *ends], ends, strict=False):
        first = max(0, end - window)
        anew = carry == "zero" and first > 0
        states = parted(torch, net, [0 * s for s in s0]) if anew else carried[first]
        for t in range(first, end):
            y_t, states = step(torch, net, params, x[t], states)
            if t >= begin:
                loss = loss_of(torch, y_t, t)
                loss.backward(retain_graph=True)
                loss_t[t] = loss.item()
    return loss_t, {key: W.grad.numpy() for key, W in params.items()}


def parted(torch, net, s0):
    """Every layer's state as tensors by name."""
    names = [layer.cell.state_names for layer in net.layers]
    parts = [torch.tensor(s).chunk(len(own), dim=1) for s, own in zip(s0, names, strict=True)]
    return [dict(zip(own, part, strict=True)) for own, part in zip(names, parts, strict=True)]


def step(torch, net, params, x_t, states):
    """All layers and the readout: the outputs and the states after one step."""
    cell = next(name for name, kind in rv.CELLS.items() if type(net.layers[0].cell) is kind)
    below, after = torch.tensor(x_t), []
    for n, layer in enumerate(net.layers):
        own = {key: params[f"{net.names[n]}.{key}"] for key in layer.params}
        _, _, state = TWINS[cell](torch, layer.cell, own, below, states[n])
        after.append(state)
        below = state["h"]
    return below @ params["readout.W_hy"].T + params["readout.b_y"], after


@pytest.mark.parametrize("carry", CARRIES)
@pytest.mark.parametrize(("window", "stride"), PAIRS)
@pytest.mark.parametrize("cell", ["tanh", "lstm", "gru"])
@pytest.mark.parametrize("layers", [2])
def test_every_window_and_stride_is_pytorch_with_states_detached(
    cell, layers, window, stride, carry
):
    net = network(cell, layers=layers)
    data = sequences(net)
    kept, outputs = data.mask.sum(), data.target.shape[2]

    def loss_of(torch, y_t, t):
        error = (y_t - torch.tensor(data.target[t])) ** 2
        return (error * torch.tensor(data.mask[t])[:, None]).sum() / (kept * outputs)

    loss = rv.losses.MSE(data.target, data.mask)
    loss_t, grads = windowed_grads(net, data.x, loss, window, stride, carry, data.s0)
    expected_t, expected = detached(net, data.x, loss_of, data.s0, window, stride, carry)
    np.testing.assert_allclose(loss_t, expected_t, rtol=1e-12, atol=1e-15)
    assert list(grads) == list(rv.bptt(net, data.x, loss, data.s0).grads)
    for name, grad in grads.items():
        np.testing.assert_allclose(grad, expected[name], rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("cell", rv.CELLS)
@pytest.mark.parametrize("window", [1, 3, 6])
def test_a_stride_of_one_is_the_window_of_every_loss_by_itself(cell, window):
    net = network(cell, layers=2, residual=True)
    data = sequences(net)
    loss = rv.losses.MSE(data.target, data.mask)
    record = rv.bptt(net, data.x, loss, data.s0)
    loss_t, grads = windowed_grads(net, data.x, loss, window, s0=data.s0)
    (expected,) = windowed(record, record.dy, np.array([window]))
    np.testing.assert_allclose(loss_t, record.loss_t, rtol=1e-13)
    for name, grad in expected.items():
        np.testing.assert_allclose(grads[name], grad, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("cell", rv.CELLS)
@pytest.mark.parametrize("window", [0, T, T + 5])
@pytest.mark.parametrize("stride", [1, 3, 100])
def test_no_window_and_one_of_the_whole_sequence_give_the_full_gradient(cell, window, stride):
    net = network(cell, layers=2)
    data = sequences(net)
    loss = rv.losses.MSE(data.target, data.mask)
    record = rv.bptt(net, data.x, loss, data.s0)
    loss_t, grads = windowed_grads(net, data.x, loss, window, stride, "carried", data.s0)
    np.testing.assert_allclose(loss_t, record.loss_t, rtol=1e-13)
    for name, grad in record.grads.items():
        np.testing.assert_allclose(grads[name], grad, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("carry", CARRIES)
def test_the_readouts_gradient_is_whole_where_the_state_is_carried(carry):
    net, data = network("gru"), sequences(network("gru"))
    loss = rv.losses.MSE(data.target)
    _, grads = windowed_grads(net, data.x, loss, 2, 2, carry, data.s0)
    full = rv.bptt(net, data.x, loss, data.s0).grads
    same = np.allclose(grads["readout.W_hy"], full["readout.W_hy"], rtol=1e-12)
    assert same == (carry == "carried")


def linear_unit(w):
    params = {"W_ih": np.ones((1, 1)), "W_hh": np.full((1, 1), w), "b_ih": np.zeros(1)}
    return rv.Network([rv.Layer(rv.CELLS["linear"](1, 1), params)])


def test_a_window_and_a_stride_of_one_by_hand():
    """h = 1, 3/2, 7/4 of w = 1/2, x = 1; each loss h_t reaches only its own step."""
    x = np.ones((3, 1, 1))
    _, grads = windowed_grads(linear_unit(0.5), x, Given(np.ones((3, 1, 1))), window=1)
    assert grads["l0.W_hh"].item() == 0 + 1 + 1.5
    assert grads["l0.W_ih"].item() == grads["l0.b_ih"].item() == 3


def test_a_window_of_three_and_a_stride_of_two_by_hand():
    """T = 5, w = 1/2: the runs take steps 0-1, 1-3 and 2-4, and the losses 0-1, 2-3 and 4."""
    x, w = np.ones((5, 1, 1)), 0.5
    _, grads = windowed_grads(linear_unit(w), x, Given(np.ones((5, 1, 1))), 3, 2)
    by_loss = [1, 1 + w, 1 + w, 1 + w + w**2, 1 + w + w**2]
    assert grads["l0.b_ih"].item() == pytest.approx(sum(by_loss), rel=1e-14)
    _, grads = windowed_grads(linear_unit(w), x, Given(np.ones((5, 1, 1))), 2, 2, "zero")
    h = [1, 1 + w]  # each run of two steps begins the sequence anew
    assert grads["l0.W_hh"].item() == pytest.approx(2 * h[0] + 1 * (1 + w) * 1 - 0.5, rel=1e-14)


def test_runs_cover_every_loss_once_and_never_more_than_the_window():
    for steps in range(2, 15):
        for window in range(1, steps):
            for stride in range(1, steps + 2):
                found = runs(steps, window, stride)
                losses = [t for own in found.losses for t in range(own.start, own.stop)]
                assert losses == list(range(steps))
                for first, own in zip(found.first.tolist(), found.losses, strict=True):
                    assert first == max(0, own.stop - window)
                    assert first <= own.start
                    assert first + window <= steps


def test_blocks_of_runs_give_what_one_block_gives(monkeypatch):
    net, data = network("lstm", layers=2), sequences(network("lstm", layers=2))
    for carry in CARRIES:
        settings = net, data.x, rv.losses.MSE(data.target), 3, 1, carry, data.s0
        loss_t, grads = windowed_grads(*settings)
        with monkeypatch.context() as small:
            small.setattr("rnnviz.windows._ROWS", 1)
            other_t, others = windowed_grads(*settings)
        np.testing.assert_allclose(other_t, loss_t, rtol=1e-12)
        for name, grad in grads.items():
            np.testing.assert_allclose(others[name], grad, rtol=1e-11, atol=1e-14)


def test_a_loss_of_nothing_has_no_gradient_and_the_last_steps_loss_one_run():
    net, data = network(), sequences(network())
    _, grads = windowed_grads(net, data.x, Given(np.zeros((T, B, 4))), 2)
    assert not any(grad.any() for grad in grads.values())
    last = np.zeros((T, B), bool)
    last[-1] = True
    loss = rv.losses.MSE(data.target, last)
    _, grads = windowed_grads(net, data.x, loss, 3, s0=data.s0)
    state = rv.bptt(net, data.x, loss, data.s0).s[T - 3]
    tail = rv.bptt(net, data.x[-3:], rv.losses.MSE(data.target[-3:], last[-3:]), [state])
    for name, grad in tail.grads.items():
        np.testing.assert_allclose(grads[name], grad, rtol=1e-12, atol=1e-14)


def test_float32_stays_float32_and_agrees():
    single, double = network("gru", dtype=np.float32), network("gru")
    data = sequences(double)
    x, target = data.x.astype(np.float32), data.target.astype(np.float32)
    loss_t, grads = windowed_grads(single, x, rv.losses.MSE(target), 3, 2)
    _, others = windowed_grads(double, data.x, rv.losses.MSE(data.target), 3, 2)
    assert loss_t.dtype == np.float32
    for name, grad in grads.items():
        assert grad.dtype == np.float32
        np.testing.assert_allclose(grad, others[name], rtol=1e-3, atol=1e-4)


def test_an_overflow_is_not_finite_without_a_warning():
    config = {"cell": "linear", "init": "identity", "gain": 10.0, "steps": 900, "hidden_size": 3}
    config = rv.RunConfig(**config, batch_size=2, task="sine", loss_at="all")
    batch, net = rv.draw(config), rv.build(config, 1, 1)
    loss_t, grads = windowed_grads(net, batch.x, batch.loss("all"), 5, 5)
    assert not np.isfinite(loss_t).all()
    assert not np.isfinite(grads["l0.W_hh"]).all()


def test_bad_settings_are_refused_in_one_sentence():
    net, data = network(), sequences(network())
    loss = rv.losses.MSE(data.target)
    for settings, message in {
        (-1, 1, "carried"): "window must be at least 0, got -1",
        (2, 0, "carried"): "stride must be at least 1, got 0",
        (2, 1, "kept"): r"carry must be one of \['carried', 'zero'\], got 'kept'",
    }.items():
        with pytest.raises(ValueError, match=message):
            windowed_grads(net, data.x, loss, *settings)
    with pytest.raises(ValueError, match=r"must have layers that read forward.* reverse layer$"):
        windowed_grads(network(both=True), data.x, loss, 2)


UNITS, NEGATIVE = 23, 10
SIGNS = np.where(np.arange(UNITS) < NEGATIVE, -1.0, 1.0)
BEST = 1 / (2 * SIGNS.sum())
"""At rest the first unit is twice the sum of the signs, times theta: 6 theta."""


def balancing(theta):
    """Influence balancing: s_{t+1} = A s_t + theta signs, A_ii = A_i,i+1 = 1/2.

    Tallec and Ollivier (2018), Unbiased online recurrent optimization, ICLR. The nearest units
    pull the first one down as theta grows, and those further away, of whom it hears later, pull
    it up by more.
    """
    A = 0.5 * (np.eye(UNITS) + np.eye(UNITS, k=1))
    params = {"W_ih": np.zeros((UNITS, 1)), "W_hh": A, "b_ih": theta * SIGNS}
    return rv.Network([rv.Layer(rv.CELLS["linear"](1, UNITS), params)])


class FirstUnit:
    """The mean over steps of (s^1 - 1)^2 / 2."""

    def value_and_grad(self, y):
        dy = np.zeros_like(y)
        dy[:, 0, 0] = (y[:, 0, 0] - 1) / len(y)
        return (y[:, 0, 0] - 1) ** 2 / (2 * len(y)), dy


def by_theta(window):
    """The first unit's derivative by theta through so many steps, from powers of A."""
    paths = [[comb(k, j) / 2**k for j in range(UNITS)] for k in range(window)]
    return float(np.array(paths).sum(axis=0) @ SIGNS)


@pytest.mark.parametrize("window", [1, 10, 25, 50, 100])
def test_balanced_influences_have_the_derivative_that_powers_of_a_give(window):
    net, steps = balancing(theta=0.3), 400
    rest = 0.3 * np.linalg.solve(np.eye(UNITS) - net.params["l0.W_hh"], SIGNS)
    loss_t, grads = windowed_grads(
        net, np.zeros((steps, 1, 1)), FirstUnit(), window, window, s0=[rest[None]]
    )
    assert loss_t.sum() == pytest.approx((6 * 0.3 - 1) ** 2 / 2)
    # A run's losses travel back by 1 to window steps: the mean of all those derivatives.
    each = np.mean([by_theta(k) for k in range(1, window + 1)])
    assert SIGNS @ grads["l0.b_ih"] == pytest.approx((6 * 0.3 - 1) * each, rel=1e-9)


def learned(window, updates=120, steps=200):
    """Theta after each update of online truncated BPTT: SGD, its rate falling as 1 / sqrt(1 + n).

    The sequence never ends: each update sees the next steps, from the state of the last ones.
    A loss travels back through nine tenths of the window at least.
    """
    theta, state, x, path = 0.0, np.zeros((1, UNITS)), np.zeros((steps, 1, 1)), []
    for n in range(updates):
        net = balancing(theta)
        _, grads = windowed_grads(net, x, FirstUnit(), window, max(1, window // 10), s0=[state])
        state = rv.predict(net, x, [state])[-1]
        theta -= 0.03 / np.sqrt(1 + n) * float(SIGNS @ grads["l0.b_ih"])
        path.append(theta)
        if abs(theta) > 1e3:
            break
    return np.array(path)


@pytest.mark.slow
@pytest.mark.parametrize("window", [1, 10])
def test_a_short_window_drives_influence_balancing_away_from_its_answer(window):
    assert by_theta(window) < 0 < by_theta(100)
    path = learned(window)
    assert (np.diff(path, prepend=0) < 0).all()
    assert abs(path[-1] - BEST) > 20 * BEST


@pytest.mark.slow
def test_a_window_of_a_hundred_learns_influence_balancing():
    assert pytest.approx(1 / 6) == BEST
    assert learned(100)[-1] == pytest.approx(BEST, rel=0.005)
