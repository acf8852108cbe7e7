"""Truncated gradients against real truncated BPTT in PyTorch, and worked by hand."""

import numpy as np
import pytest
from helpers import B, T, network, sequences
from test_figures import SETTINGS, config, notes
from twins import TWINS

import rnnviz as rv
from rnnviz import figures
from rnnviz.diagnostics import truncation
from rnnviz.diagnostics.windowed import windowed


def recorded(net, **changes):
    data = sequences(net)
    mask = changes.get("mask", data.mask)
    x, target = (array.astype(net.dtype) for array in (data.x, data.target))
    return rv.bptt(net, x, rv.losses.MSE(target, mask), s0=data.s0)


def detached(record, window):
    """Truncated BPTT: each loss's own graph begins at the states ``window`` steps before.

    The losses of the first ``window`` steps have one graph, as none begins before the sequence.
    """
    torch = pytest.importorskip("torch")
    net = record.network
    params = {key: torch.tensor(W, requires_grad=True) for key, W in net.params.items()}
    cell = next(name for name, kind in rv.CELLS.items() if type(net.layers[0].cell) is kind)
    losses = []
    for first in range(record.steps - window + 1):
        states = []
        for layer, seen in zip(net.layers, record.layers, strict=True):
            names = layer.cell.state_names
            start = torch.tensor(seen.s[first]).chunk(len(names), dim=1)
            states.append(dict(zip(names, start, strict=True)))
        for t in range(first, first + window):
            below = torch.tensor(record.x[t])
            for n, layer in enumerate(net.layers):
                own = {key: params[f"{net.names[n]}.{key}"] for key in layer.params}
                _, _, states[n] = TWINS[cell](torch, layer.cell, own, below, states[n])
                given = states[n]["h"]
                below = given + below if net.residual and n else given
            if first and t < first + window - 1:
                continue
            y = below
            if net.readout:
                y = below @ params["readout.W_hy"].T + params["readout.b_y"]
            losses.append((y * torch.tensor(record.dy[t])).sum())
    torch.stack(losses).sum().backward()
    return {key: W.grad.numpy() for key, W in params.items()}


def compared(cut, full):
    cut, full = cut.ravel(), full.ravel()
    norms = np.linalg.norm(cut), np.linalg.norm(full)
    return norms[0] / norms[1], cut @ full / (norms[0] * norms[1])


@pytest.mark.parametrize(
    ("cell", "layers"), [*((cell, 2) for cell in rv.CELLS), ("tanh", 1), ("lstm", 1)]
)
def test_every_window_is_bptt_with_states_detached(cell, layers):
    record = recorded(network(cell, layers=layers, readout=layers == 1))
    result = truncation(record)
    assert result.windows.tolist() == list(range(1, T + 1))
    assert result.names == (*record.grads, "all")
    found = windowed(record, record.dy, result.windows)
    for column, (window, grads) in enumerate(zip(result.windows, found, strict=True)):
        expected = detached(record, int(window))
        for row, name in enumerate(expected):
            if name in grads:
                np.testing.assert_allclose(grads[name], expected[name], rtol=1e-10, atol=1e-13)
            ratio, cosine = compared(expected[name], record.grads[name])
            assert result.ratio[row, column] == pytest.approx(ratio, rel=1e-12)
            assert result.cosine[row, column] == pytest.approx(cosine, abs=1e-12)
        whole = [
            np.concatenate([grads[k].ravel() for k in expected])
            for grads in (expected, record.grads)
        ]
        ratio, cosine = compared(*whole)
        assert result.ratio[-1, column] == pytest.approx(ratio, rel=1e-12)
        assert result.cosine[-1, column] == pytest.approx(cosine, abs=1e-12)


@pytest.mark.parametrize("cell", ["tanh", "lstm", "gru"])
def test_residual_ways_are_travelled_too(cell):
    record = recorded(network(cell, layers=3, residual=True))
    for window, grads in zip([1, 3], windowed(record, record.dy, np.array([1, 3])), strict=True):
        expected = detached(record, window)
        for name, grad in grads.items():
            np.testing.assert_allclose(grad, expected[name], rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("cell", rv.CELLS)
def test_the_window_of_all_steps_gives_the_records_gradient(cell):
    record = recorded(network(cell, layers=2, residual=True))
    *_, grads = windowed(record, record.dy, np.array([2, 5, T]))
    for name, grad in grads.items():
        np.testing.assert_allclose(grad, record.grads[name], rtol=1e-12, atol=1e-12)
    result = truncation(record, windows=[2, T])
    np.testing.assert_allclose(result.ratio[:, -1], 1, rtol=1e-12)
    np.testing.assert_allclose(result.cosine[:, -1], 1, rtol=1e-12)


def test_what_a_window_adds_is_the_derivative_by_weights_used_only_that_far_back():
    """Finite differences: the loss at s with other weights in one step only, s - k."""
    net = network("gru", readout=False)
    data = sequences(net)
    s, lag, name, at, size = T - 1, 2, "W_hh", (7, 3), 1e-6
    mask = np.zeros((T, B), bool)
    mask[s] = True
    record = rv.bptt(net, data.x, loss := rv.losses.MSE(data.target, mask), s0=data.s0)
    before, after = (g["l0.W_hh"] for g in windowed(record, record.dy, np.array([lag, lag + 1])))

    def loss_with(change):
        state = data.s0
        for t in range(T):
            params = dict(net.params)
            if t == s - lag:
                params[f"l0.{name}"] = params[f"l0.{name}"].copy()
                params[f"l0.{name}"][at] += change
            y = rv.predict(net.with_params(params), data.x[t : t + 1], s0=state)
            state = [y[-1]]
        whole = np.zeros_like(record.y)
        whole[s] = y[0]
        return loss.value_and_grad(whole)[0][s]

    slope = (loss_with(size) - loss_with(-size)) / (2 * size)
    assert (after - before)[at] == pytest.approx(slope, rel=1e-6)


@pytest.mark.parametrize("w", [0.5, 0.9, -0.8])
def test_a_linear_unit_at_its_fixed_point_keeps_1_minus_w_to_the_window(w):
    """h* = w h* + u x; dL/dh_T = 1; step T - k adds w^k h* to dL/dw, and w^k to dL/db."""
    steps = 1000
    ones = {"W_ih": np.ones((1, 1)), "W_hh": np.full((1, 1), w)}
    params = ones | {"b_ih": np.zeros(1), "b_hh": np.zeros(1)}
    net = rv.Network([rv.Layer(rv.CELLS["linear"](1, 1), params)])
    fixed = 1 / (1 - w)
    last = np.arange(steps)[:, None] == steps - 1
    x, target = np.ones((steps, 1, 1)), np.full((steps, 1, 1), fixed - 0.5)
    record = rv.bptt(net, x, rv.losses.MSE(target, last), s0=[np.full((1, 1), fixed)])
    result = truncation(record)
    expected = np.abs(1 - w**result.windows)
    np.testing.assert_allclose(result.ratio, np.tile(expected, (5, 1)), rtol=1e-9)
    np.testing.assert_allclose(result.cosine, 1, rtol=1e-12)
    needed = int(np.ceil(np.log(0.01) / np.log(abs(w))))
    result = truncation(record, windows=range(1, 100))
    assert set(result.window_keeping(0.99).values()) == {needed}


@pytest.mark.parametrize("task", ["adding", "sine"])
def test_blocks_of_losses_give_what_one_block_gives(task, monkeypatch):
    config = rv.RunConfig(hidden_size=6, steps=30, batch_size=2, task=task, loss_at="all")
    record = rv.run(config)
    whole = truncation(record)
    monkeypatch.setattr("rnnviz.diagnostics.windowed.CACHED", 200)
    blocks = truncation(record)
    np.testing.assert_allclose(blocks.ratio, whole.ratio, rtol=1e-12)
    np.testing.assert_allclose(blocks.cosine, whole.cosine, rtol=1e-12)


def test_the_readout_is_whole_in_every_window():
    result = truncation(recorded(network()))
    rows = [row for row, name in enumerate(result.names) if name.startswith("readout")]
    assert len(rows) == 2
    np.testing.assert_allclose(result.ratio[rows], 1, rtol=1e-14)
    np.testing.assert_allclose(result.cosine[rows], 1, rtol=1e-14)


def test_the_window_that_keeps_counts_only_if_every_larger_one_does():
    row = np.array([1.0, 0.5, 1.2, 1.0])
    result = truncation(recorded(network()), windows=[1, 2, 4, 7])
    fields = {**vars(result), "names": ("w", "all"), "cosine": np.ones((2, 4))}
    rows = np.stack([row, [0.1, 0.2, 0.3, np.nan]])
    kept = type(result)(**fields | {"ratio": rows}).window_keeping(0.99)
    assert kept == {"w": 4, "all": None}


def test_every_nth_loss_is_compared_with_the_gradient_of_the_same_losses():
    data = sequences(net := network("lstm", layers=2))
    result = truncation(record := recorded(net, mask=np.ones((T, B), bool)), every=3)
    assert (result.losses, result.every) == (3, 3)
    taken = np.zeros((T, B), bool)
    taken[::3] = True
    other = rv.bptt(net, data.x, rv.losses.MSE(data.target, taken), s0=data.s0)
    np.testing.assert_allclose(result.ratio, truncation(other).ratio, rtol=1e-12)
    assert record.steps == T


def test_losses_at_some_steps_only_are_the_sources():
    mask = np.zeros((T, B), bool)
    mask[[1, 4]] = True
    record = recorded(network("gru"), mask=mask)
    result = truncation(record)
    assert result.losses == 2
    np.testing.assert_allclose(result.ratio[:, 4:], 1, rtol=1e-12)  # step 4 has 5 steps before it
    assert (np.abs(result.ratio[:4, 3] - 1) > 1e-9).any()


def test_float32_stays_float32_and_agrees():
    net = network("lstm", dtype=np.float32)
    result, other = truncation(recorded(net)), truncation(recorded(network("lstm")))
    np.testing.assert_allclose(result.ratio, other.ratio, atol=1e-5)


def test_tiny_gradients_keep_their_ratio_where_squares_would_be_zero():
    net = network(readout=False)
    data = sequences(net)

    class Tiny:
        def value_and_grad(self, y):
            return np.zeros(T), np.full_like(y, 1e-250)

    class Plain:
        def value_and_grad(self, y):
            return np.zeros(T), np.ones_like(y)

    tiny, plain = (truncation(rv.bptt(net, data.x, loss())) for loss in (Tiny, Plain))
    np.testing.assert_allclose(tiny.ratio, plain.ratio, rtol=1e-12)


def test_reverse_layers_and_bad_settings_are_refused_in_one_sentence():
    with pytest.raises(ValueError, match=r"got a reverse layer$"):
        truncation(recorded(network(both=True)))
    record = recorded(network())
    for windows in ([0], [T + 1], []):
        with pytest.raises(ValueError, match=f"windows must be whole numbers from 1 to T={T}"):
            truncation(record, windows)
    with pytest.raises(ValueError, match="every must be at least 1, got 0"):
        truncation(record, every=0)


def test_no_recurrence_keeps_all_in_one_step():
    config = {"gain": 0.0, "hidden_size": 4, "steps": 300, "batch_size": 2, "task": "sine"}
    result = truncation(rv.run(rv.RunConfig(**config)))
    np.testing.assert_array_equal(result.ratio, 1)
    assert set(result.window_keeping().values()) == {1}


def test_one_step_one_unit_one_sequence():
    small = {"steps": 1, "hidden_size": 1, "batch_size": 1, "task": "sine"}
    result = truncation(rv.run(rv.RunConfig(**small)))
    assert result.windows.tolist() == [1]
    by_name = dict(zip(result.names, result.ratio[:, 0], strict=True))
    assert np.isnan(by_name["l0.W_hh"])  # what it hears is zero, and so is its gradient
    assert by_name["l0.W_ih"] == by_name["all"] == 1
    assert result.window_keeping()["l0.W_hh"] is None


def test_an_overflow_is_nan_without_a_warning():
    config = {"cell": "linear", "init": "identity", "gain": 10.0, "steps": 900, "hidden_size": 3}
    result = truncation(rv.run(rv.RunConfig(**config, batch_size=2, task="sine")))
    assert np.isnan(result.ratio[result.names.index("l0.W_hh")]).all()


def test_a_loss_of_nothing_has_no_ratio():
    net = network()
    data = sequences(net)
    y = rv.predict(net, data.x)
    result = truncation(rv.bptt(net, data.x, rv.losses.MSE(y)))
    assert np.isnan(result.ratio).all()
    assert set(result.window_keeping().values()) == {None}


def test_the_last_steps_loss_of_10_000_steps():
    config = rv.RunConfig(steps=10_000, hidden_size=8, batch_size=2, task="sine", gain=0.9)
    result = truncation(rv.run(config))
    assert (result.windows[0], result.windows[-1]) == (1, 10_000)
    assert len(result.windows) <= 40
    np.testing.assert_allclose(result.ratio[:, -1], 1, rtol=1e-12)


def test_the_frame_has_a_row_a_parameter_and_window():
    result = truncation(recorded(network()), windows=[1, 3])
    frame = result.to_frame()
    assert list(frame.columns) == ["parameter", "window", "norm_ratio", "cosine"]
    own = frame[frame.parameter == "l0.W_hh"]
    np.testing.assert_array_equal(own.norm_ratio, result.ratio[result.names.index("l0.W_hh")])


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_the_picture_draws_both_numbers_and_the_window_that_keeps(settings):
    result = truncation(rv.run(config(**settings)), every=5)
    figure = figures.truncation(result)
    cosine, ratio = (trace for trace in figure.data if trace.name == "all parameters")
    np.testing.assert_allclose(10**ratio.x, result.windows)
    np.testing.assert_array_equal(ratio.y, result.ratio[-1])
    np.testing.assert_array_equal(cosine.y, result.cosine[-1])
    kept = result.window_keeping(0.99)["all"]
    drawn = [note for note in notes(figure) if note.endswith("keeps 99 %")]
    assert drawn == ([] if kept is None else [f"K = {kept:,} keeps 99 %"])
    assert len(figure.layout.shapes) == len(drawn)
    if kept:
        assert figure.layout.shapes[0].x0 == pytest.approx(np.log10(kept))


def test_parameters_that_coincide_share_a_line_and_others_are_thin():
    figure = figures.truncation(truncation(recorded(network(layers=2))))
    assert named_all(figure, "b_ih, b_hh")[0].line.width == 2
    assert {trace.line.width for trace in named_all(figure, "l0.")} == {0.75}


def named_all(figure, start):
    return [trace for trace in figure.data if trace.name.startswith(start)]


def test_a_number_that_does_not_exist_is_marked_and_said():
    steps = {"cell": "linear", "init": "identity", "gain": 10.0, "steps": 900}
    figure = figures.truncation(truncation(rv.run(config(**steps))))
    assert named_all(figure, "NaN")
    assert any("no number (NaN)" in note for note in notes(figure))
