"""BPTT is exact: against PyTorch, finite differences, and cases worked by hand."""

import numpy as np
import pytest
from helpers import B, H, I, O, T, network, sequences
from twins import twin

import rnnviz as rv

TIGHT = {"rtol": 1e-12, "atol": 1e-14}


def mse_last(data):
    mask = np.zeros((T, B), bool)
    mask[-1] = True
    return rv.losses.MSE(data.target, mask), lambda torch, y: (
        (y[-1] - torch.tensor(data.target[-1])) ** 2
    ).mean()


def mse_masked(data):
    return rv.losses.MSE(data.target, data.mask), lambda torch, y: (
        (y - torch.tensor(data.target))[torch.tensor(data.mask)] ** 2
    ).mean()


def mse_sum(data):
    return rv.losses.MSE(
        data.target, reduction="sum"
    ), lambda torch, y: torch.nn.functional.mse_loss(y, torch.tensor(data.target), reduction="sum")


def cross_entropy(data):
    return rv.losses.CrossEntropy(data.labels), lambda torch, y: torch.nn.functional.cross_entropy(
        y.reshape(-1, y.shape[2]), torch.tensor(data.labels).reshape(-1)
    )


def cross_entropy_masked_sum(data):
    def twin_loss(torch, y):
        labels = torch.tensor(np.where(data.mask, data.labels, -100)).reshape(-1)
        flat = y.reshape(-1, y.shape[2])
        return torch.nn.functional.cross_entropy(flat, labels, reduction="sum")

    return rv.losses.CrossEntropy(data.labels, data.mask, "sum"), twin_loss


LOSSES = [mse_last, mse_masked, mse_sum, cross_entropy, cross_entropy_masked_sum]
EACH_PAIR = [
    (cell, readout, make_loss)
    for row, cell in enumerate(rv.CELLS)
    for column, make_loss in enumerate(LOSSES)
    for readout in [(row + column) % 2 == 0]
]
"""Every cell with every loss, and each of both with a readout and without."""


def assert_close(found, expected, name):
    """Equal to rounding, which is that of the largest number in the array."""
    largest = max(1.0, float(np.abs(expected).max()))
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13 * largest, err_msg=name)


def check_against_autograd(cell, net, make_loss):
    data = sequences(net)
    loss, twin_loss = make_loss(data)
    record = rv.bptt(net, data.x, loss, s0=data.s0)
    expected = twin(net, cell, data.x, twin_loss, data.s0)
    assert record.loss == pytest.approx(expected.loss, rel=1e-12)
    for name in ("y", "dy", "dx"):
        assert_close(getattr(record, name), getattr(expected, name), name)
    for layer, seen in zip(record.layers, expected.layers, strict=True):
        for name, array in seen.arrays.items():
            assert_close(getattr(layer, name), array, name)
        assert list(layer.gates) == list(seen.gates)
        for name, gate in layer.gates.items():
            assert_close(gate, seen.gates[name], name)
    assert list(record.grads) == list(expected.grads)
    for name, grad in record.grads.items():
        assert_close(grad, expected.grads[name], name)


@pytest.mark.parametrize(("cell", "readout", "make_loss"), EACH_PAIR)
def test_everything_recorded_equals_autograd(cell, readout, make_loss):
    check_against_autograd(cell, network(cell, layers=2, readout=readout), make_loss)


@pytest.mark.parametrize("cell", rv.CELLS)
@pytest.mark.parametrize(
    ("layers", "both", "residual"),
    [
        (1, False, False),
        (2, True, False),
        (3, False, True),
        (3, True, True),
    ],
)
def test_depth_both_directions_and_residual_ways_equal_autograd(cell, layers, both, residual):
    net = network(cell, layers=layers, both=both, residual=residual)
    check_against_autograd(cell, net, mse_masked)


@pytest.mark.parametrize("cell", rv.CELLS)
def test_float32_agrees_with_float64(cell):
    data = sequences()
    exact = rv.bptt(network(cell), data.x, rv.losses.MSE(data.target))
    short = rv.bptt(
        network(cell, dtype=np.float32),
        data.x.astype(np.float32),
        rv.losses.MSE(data.target.astype(np.float32)),
    )
    assert {a.dtype for a in (short.dh, short.dx, *short.grads.values())} == {np.dtype(np.float32)}
    np.testing.assert_allclose(short.dh, exact.dh, rtol=1e-4, atol=1e-5)
    for name, grad in short.grads.items():
        np.testing.assert_allclose(grad, exact.grads[name], rtol=1e-4, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("cell", rv.CELLS)
@pytest.mark.parametrize("layers", [1, 2])
def test_parameter_gradients_equal_central_differences(cell, layers):
    data = sequences()
    net = network(cell, layers=layers)
    check = rv.diagnostics.gradient_check(net, data.x, rv.losses.MSE(data.target, data.mask))
    assert check.passed, check.sentence
    assert len(check.entries) >= 3 * len(net.params)


@pytest.mark.parametrize("cell", rv.CELLS)
def test_input_and_initial_state_gradients_equal_central_differences(cell):
    net = network(cell)
    data = sequences(net)
    loss = rv.losses.MSE(data.target)
    record = rv.bptt(net, data.x, loss, s0=data.s0)

    def loss_at(x, s0):
        return rv.bptt(net, x, loss, s0=s0).loss

    step = 1e-6
    for t, b, i in np.ndindex(T, B, I):
        up, down = data.x.copy(), data.x.copy()
        up[t, b, i] += step
        down[t, b, i] -= step
        slope = (loss_at(up, data.s0) - loss_at(down, data.s0)) / (2 * step)
        assert record.dx[t, b, i] == pytest.approx(slope, rel=1e-5, abs=1e-8)
    for b, j in np.ndindex(B, H):
        up, down = data.s0[0].copy(), data.s0[0].copy()
        up[b, j] += step
        down[b, j] -= step
        slope = (loss_at(data.x, up) - loss_at(data.x, down)) / (2 * step)
        assert record.dh[0, b, j] == pytest.approx(slope, rel=1e-5, abs=1e-8)


@pytest.mark.parametrize("cell", rv.CELLS)
def test_the_block_of_steps_that_is_cached_changes_no_result(cell, monkeypatch):
    net = network(cell, layers=2)
    data = sequences(net)
    loss = rv.losses.MSE(data.target, data.mask)
    whole = rv.bptt(net, data.x, loss)
    for cached in (1, 3 * B * H * 8):
        monkeypatch.setattr("rnnviz.products.CACHED", cached)
        cut = rv.bptt(net, data.x, loss)
        for number in (0, 1):
            np.testing.assert_allclose(cut.layers[number].dh, whole.layers[number].dh, **TIGHT)
            np.testing.assert_allclose(cut.layers[number].h, whole.layers[number].h, **TIGHT)
        for name, grad in whole.grads.items():
            np.testing.assert_allclose(cut.grads[name], grad, **TIGHT, err_msg=name)


def test_a_linear_unit_multiplies_the_gradient_by_its_weight():
    w, steps = 0.8, 12
    params = {
        "W_ih": np.ones((1, 1)),
        "W_hh": np.full((1, 1), w),
        "b_ih": np.zeros(1),
        "b_hh": np.zeros(1),
    }
    net = rv.Network([rv.Layer(rv.CELLS["linear"](1, 1), params)])
    mask = np.zeros((steps, 1), bool)
    mask[-1] = True
    record = rv.bptt(net, np.ones((steps, 1, 1)), rv.losses.MSE(np.zeros((steps, 1, 1)), mask))
    h_T = (1 - w**steps) / (1 - w)
    assert record.h[-1, 0, 0] == pytest.approx(h_T, rel=1e-14)
    by_hand = 2 * h_T * w ** np.arange(steps, -1, -1)
    np.testing.assert_allclose(record.dh[:, 0, 0], by_hand, rtol=1e-13)


@pytest.mark.parametrize("cell", ["relu", "linear"])
def test_each_unit_conserves_its_share_of_the_gradient(cell):
    """With f'(a) a = f(a), a unit's weights times their gradients equal its h times its dh."""
    net = network(cell, layers=1)
    data = sequences(net)
    record = rv.bptt(net, data.x, rv.losses.MSE(data.target), s0=data.s0)
    own = net.layers[0].params
    inflow = sum((own[name] * record.layers[0].grads[name]).sum(1) for name in ("W_ih", "W_hh"))
    inflow += sum(own[name] * record.layers[0].grads[name] for name in ("b_ih", "b_hh"))
    outflow = (record.h[1:] * record.dh[1:]).sum(axis=(0, 1))
    np.testing.assert_allclose(inflow, outflow, rtol=1e-11, atol=1e-13)


def test_the_notebook_transcribed_line_by_line():
    config = rv.PRESETS["notebook"].config
    net = rv.run(config).network
    Wx, Wh = net.params["l0.W_ih"].T, net.params["l0.W_hh"].T
    bh = net.params["l0.b_ih"]
    record = rv.run(config)
    x = record.x
    steps, batch, hidden = len(x), x.shape[1], len(bh)
    target = np.broadcast_to(rv.draw(config).target, (steps, batch, hidden))

    h = np.zeros((steps + 1, batch, hidden))
    for t in range(steps):
        h[t + 1] = np.tanh(x[t] @ Wx + h[t] @ Wh + bh)
    step_loss = [np.mean((h[t + 1] - target[t]) ** 2) for t in range(steps)]
    dWx, dWh, dbh = np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(bh)
    dx, dh_next = np.zeros_like(x), np.zeros((batch, hidden))
    for t in reversed(range(steps)):
        dh = 2 * (h[t + 1] - target[t]) / (batch * hidden) + dh_next
        da = dh * (1 - h[t + 1] ** 2)
        dWx += x[t].T @ da
        dWh += h[t].T @ da
        dbh += da.sum(axis=0)
        dx[t] = da @ Wx.T
        dh_next = da @ Wh.T
    np.testing.assert_allclose(record.y, h[1:], **TIGHT)
    assert record.loss == pytest.approx(np.sum(step_loss) / steps, rel=1e-12)
    np.testing.assert_allclose(record.grads["l0.W_ih"].T, dWx / steps, **TIGHT)
    np.testing.assert_allclose(record.grads["l0.W_hh"].T, dWh / steps, **TIGHT)
    np.testing.assert_allclose(record.grads["l0.b_ih"], dbh / steps, **TIGHT)
    np.testing.assert_allclose(record.dx, dx / steps, **TIGHT)

    moved = next(iter(rv.train(config))).network.params
    lr = config.learning_rate
    np.testing.assert_allclose(moved["l0.W_hh"].T, Wh - lr * dWh / steps, **TIGHT)
    np.testing.assert_allclose(moved["l0.W_ih"].T, Wx - lr * dWx / steps, **TIGHT)
    np.testing.assert_allclose(moved["l0.b_ih"], bh - lr * dbh / steps, **TIGHT)


def test_arrays_of_a_record_are_read_only_and_the_callers_stay_writable():
    net = network()
    data = sequences(net)
    record = rv.bptt(net, data.x, rv.losses.MSE(data.target))
    arrays = [record.x, record.y, record.dy, record.dx, record.loss_t, record.h, record.dh]
    arrays += [record.layers[0].da, *record.grads.values()]
    for array in arrays:
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0
    data.x[0] = 1
    data.target[0] = 1


def test_per_step_losses_add_up():
    data = sequences()
    record = rv.bptt(network(), data.x, rv.losses.MSE(data.target))
    assert record.loss_t.shape == (T,)
    assert record.loss == pytest.approx(np.mean((record.y - data.target) ** 2), rel=1e-13)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": np.zeros((T, B, O))}, r"x must be \(T, B, 2\), got \(7, 3, 4\)"),
        ({"x": np.zeros((0, B, I))}, r"x must be \(T, B, 2\), got \(0, 3, 2\)"),
        ({"x": np.zeros((T, B, I), np.float32)}, "x must be float64 as the weights are"),
        ({"s0": np.zeros((B, I))}, r"s0 must be one \(B, S\) array a layer"),
        ({"target": np.zeros((T, I, O))}, r"target must be \(T, B\) = \(7, 3\)"),
        ({"target": np.zeros((T, B, I))}, "target must have 1 or O=4 outputs, got 2"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_sentence(change, message):
    data = sequences()
    given = {"x": data.x, "target": data.target, "s0": None, **change}
    with pytest.raises(ValueError, match=message):
        rv.bptt(network(), given["x"], rv.losses.MSE(given["target"]), s0=given["s0"])


def test_an_overflow_is_kept_without_a_warning():
    config = rv.RunConfig(cell="linear", init="normal", gain=10, steps=400, task="sine")
    record = rv.run(config)
    assert np.isinf(record.h).any()
    assert not np.isfinite(record.loss)


class Given:
    """A loss that gives what it was made with, and keeps it."""

    def __init__(self, loss_t, dy):
        self.loss_t, self.dy = loss_t, dy

    def value_and_grad(self, y):  # noqa: ARG002
        return self.loss_t, self.dy


@pytest.mark.parametrize(
    ("loss_t", "dy", "message"),
    [
        (3.0, np.zeros((T, B, O)), r"loss_t must be \(T,\) = \(7,\), got \(\)"),
        (np.zeros((T, B)), np.zeros((T, B, O)), r"loss_t must be \(T,\) = \(7,\), got \(7, 3\)"),
        (np.zeros(T), np.zeros((B, O)), r"dy must be \(T, B, O\) = \(7, 3, 4\), got \(3, 4\)"),
        (np.zeros(T), np.zeros((T, B, 1)), r"dy must be \(T, B, O\) = \(7, 3, 4\), got \(7, 3, 1"),
    ],
)
def test_a_loss_that_gives_other_shapes_is_refused(loss_t, dy, message):
    with pytest.raises(ValueError, match=message):
        rv.bptt(network(), sequences().x, Given(loss_t, dy))


def test_what_a_loss_gives_is_copied_and_stays_the_callers():
    loss = Given(np.ones(T), np.ones((T, B, O)))
    record = rv.bptt(network(), sequences().x, loss)
    loss.loss_t[:] = 5
    loss.dy[:] = 5
    assert (record.loss_t == 1).all()
    assert (record.dy == 1).all()


def test_lists_are_taken_where_arrays_are():
    net = network()
    data = sequences(net)
    loss = Given([1.0] * T, data.target.tolist())
    expected = rv.bptt(net, data.x, Given(np.ones(T), data.target), data.s0)
    for s0 in (data.s0[0].tolist(), [data.s0[0].tolist()]):
        record = rv.bptt(net, data.x.tolist(), loss, s0)
        np.testing.assert_array_equal(record.dh, expected.dh)
        np.testing.assert_array_equal(rv.predict(net, data.x.tolist(), s0), expected.y)
    assert record.loss == T


@pytest.mark.parametrize("readout", [True, False])
def test_a_float32_network_records_in_float32_whatever_the_target_is(readout):
    net = network(dtype=np.float32, readout=readout)
    data = sequences(outputs=net.output_size)
    record = rv.bptt(net, data.x.astype(np.float32), rv.losses.MSE(data.target, data.mask))
    arrays = [record.x, record.y, record.dy, record.dx, record.loss_t, record.h, record.dh]
    arrays += [record.da, *record.grads.values()]
    assert {array.dtype for array in arrays} == {np.dtype(np.float32)}


def test_later_writes_to_x_do_not_reach_the_record():
    data = sequences()
    x = data.x.copy()
    record = rv.bptt(network(), data.x, rv.losses.MSE(data.target))
    data.x[:] = 0
    np.testing.assert_array_equal(record.x, x)


def test_no_view_of_the_states_can_be_written_to():
    data = sequences()
    record = rv.bptt(network(), data.x, rv.losses.MSE(data.target))
    assert not record.layers[0].tape.a.flags.writeable


def test_the_weights_decide_the_precision_and_not_the_initial_state():
    net = network("lstm")
    data = sequences(net)
    loss = rv.losses.MSE(data.target)
    exact = rv.bptt(net, data.x, loss, s0=np.ones((B, 2 * H)))
    for start in (np.ones((B, 2 * H), np.float32), [[1] * (2 * H)] * B):
        record = rv.bptt(net, data.x, loss, s0=[np.asarray(start)])
        assert record.h.dtype == record.dc.dtype == np.float64
        np.testing.assert_array_equal(record.dc, exact.dc)
