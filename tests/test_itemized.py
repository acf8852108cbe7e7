"""Each step's loss travelling back by itself, against a backward pass for each and PyTorch."""

import numpy as np
import pytest
from helpers import B, H, I, O, T, network, sequences
from twins import twin

import rnnviz as rv
from rnnviz.diagnostics import contributions, gradient_flow, itemized
from rnnviz.diagnostics.contributions import term
from rnnviz.sources import waves


class Only:
    """A loss of one step, with the same derivative as in the loss of all steps."""

    def __init__(self, dy, step):
        self.dy, self.step = dy, step

    def value_and_grad(self, y):
        dy = np.zeros_like(y)
        dy[self.step] = self.dy[self.step]
        return np.zeros(len(y), y.dtype), dy


def recorded(net, mask=True):
    data = sequences(net)
    given = data.mask if mask else None
    dtype = net.dtype
    x, target, s0 = data.x.astype(dtype), data.target.astype(dtype), data.s0
    return rv.bptt(net, x, rv.losses.MSE(target, given), [s.astype(dtype) for s in s0])


def alone(record, step):
    """The record whose loss is that of one step."""
    s0 = [layer.s[0] for layer in record.layers]
    return rv.bptt(record.network, record.x, Only(record.dy, step), s0)


def log10_of_norms(ds):
    with np.errstate(divide="ignore"):
        return np.log10(np.linalg.norm(ds.astype(np.float64), axis=2).mean(axis=1))


def derivatives(record, layer, sources=None):
    """Every source's own derivative by every state, (T, T+1, B, S), from the waves."""
    shape = (record.steps, *record.layers[layer].ds.shape)
    found = np.zeros(shape, record.network.dtype)
    sources = np.arange(record.steps) if sources is None else sources
    for wave in waves(record, sources, layer):
        state = np.concatenate(wave.parts, axis=2)
        found[wave.sources, wave.t] = np.ldexp(state, wave.exponent[..., None])
    return found


STACKS = [
    {"layers": 1},
    {"layers": 1, "readout": False},
    {"layers": 3},
    {"layers": 3, "residual": True},
]


@pytest.mark.parametrize("cell", rv.CELLS)
@pytest.mark.parametrize("options", STACKS, ids=str)
def test_each_row_is_a_backward_pass_of_its_own_loss(cell, options):
    record = recorded(network(cell, **options))
    for layer in range(options["layers"]):
        result = itemized(record, layer=layer)
        assert result.log10_norm.shape == (T, T + 1)
        for step in range(T):
            expected = log10_of_norms(alone(record, step).layers[layer].ds)
            np.testing.assert_allclose(result.log10_norm[step], expected, atol=1e-11)


@pytest.mark.parametrize("cell", rv.CELLS)
@pytest.mark.parametrize("options", STACKS, ids=str)
def test_the_sources_add_up_to_the_derivative_of_the_whole_loss(cell, options):
    record = recorded(network(cell, **options))
    for layer, seen in enumerate(record.layers):
        found = derivatives(record, layer)
        np.testing.assert_allclose(found.sum(axis=0), seen.ds, rtol=1e-12, atol=1e-15)
        for step in range(T):
            own = alone(record, step).layers[layer].ds
            np.testing.assert_allclose(found[step], own, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", ["tanh", "lstm", "gru"])
@pytest.mark.parametrize("layers", [1, 2])
def test_each_source_is_pytorchs_backward_of_its_own_loss(name, layers):
    pytest.importorskip("torch")
    net = network(name, layers=layers)
    data = sequences(net)
    record = rv.bptt(net, data.x, rv.losses.MSE(data.target), data.s0)
    for layer in range(layers):
        found = derivatives(record, layer)
        for step in range(T):

            def loss_of(torch, y, step=step):
                return ((y[step] - torch.tensor(data.target[step])) ** 2).sum() / (T * B * O)

            other = twin(net, name, data.x, loss_of, data.s0)
            expected = other.layers[layer].arrays["ds"]
            np.testing.assert_allclose(found[step], expected, rtol=1e-12, atol=1e-16)


@pytest.mark.parametrize("name", ["tanh", "lstm", "gru"])
def test_a_source_is_what_a_nudge_of_the_first_state_does_to_its_loss(name):
    net = network(name)
    data = sequences(net)
    loss = rv.losses.MSE(data.target)
    found = derivatives(rv.bptt(net, data.x, loss, data.s0), 0)[:, 0]
    nudge = np.random.default_rng(3).normal(size=data.s0[0].shape)
    ahead, behind = (
        rv.bptt(net, data.x, loss, [data.s0[0] + sign * 1e-6 * nudge]).loss_t for sign in (1, -1)
    )
    expected = (ahead - behind) / 2e-6
    np.testing.assert_allclose((found * nudge).sum(axis=(1, 2)), expected, rtol=1e-6, atol=1e-10)


def test_no_later_state_feels_an_earlier_loss():
    result = itemized(recorded(network("gru", layers=2), mask=False))
    later = result.lag < 0
    assert np.isneginf(result.log10_norm[later]).all()
    assert np.isfinite(result.log10_norm[~later]).all()


def test_a_linear_unit_forgets_the_same_share_at_each_lag():
    config = {"cell": "linear", "init": "identity", "gain": 0.5, "hidden_size": 3}
    record = rv.run(rv.RunConfig(**config, steps=40, task="sine", loss_at="all"))
    result = itemized(record)
    lag = result.lag
    start = result.log10_norm[np.arange(40), np.arange(1, 41)]
    expected = start[:, None] - lag * np.log10(2)
    np.testing.assert_allclose(result.log10_norm[lag >= 0], expected[lag >= 0], atol=1e-12)


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_norms_below_any_float_are_numbers(layers, dtype):
    settings = {"gain": 0.01, "steps": 400, "hidden_size": 8, "batch_size": 3, "layers": layers}
    record = rv.run(rv.RunConfig(**settings, dtype=dtype, task="sine", loss_at="all"))
    for layer in range(layers):
        result = itemized(record, every=399, layer=layer)
        flow = gradient_flow(record, "last", layer)
        assert result.sources.tolist() == [0, 399]
        assert result.log10_norm[1, 0] < -700
        close = {"float64": 1e-9, "float32": 1e-3}[dtype]
        np.testing.assert_allclose(result.log10_norm[1], flow.log10_norm, rtol=close)


def test_layers_of_very_different_decay_each_keep_their_scale():
    net = network("tanh", layers=2)
    small = {"l1.W_hh": 1e-4 * net.params["l1.W_hh"], "l0.W_hh": np.eye(H)}
    net = net.with_params(net.params | small)
    rng = np.random.default_rng(0)
    x = 0.01 * rng.normal(size=(300, B, I))
    record = rv.bptt(net, x, rv.losses.MSE(rng.normal(size=(300, B, O))))
    for layer in (0, 1):
        last = itemized(record, every=300, layer=layer).log10_norm[0]
        flow = gradient_flow(record, "last", layer).log10_norm
        np.testing.assert_allclose(last, flow, rtol=1e-9)
    assert last[0] < -900


@pytest.mark.parametrize("every", [1, 2, 3, 7, 50])
def test_every_nth_source_is_counted_back_from_the_last(every):
    record = recorded(network("lstm"), mask=False)
    some, whole = itemized(record, every=every), itemized(record)
    assert some.sources[-1] == T - 1
    assert (np.diff(some.sources) == every).all()
    assert some.every == every
    np.testing.assert_allclose(some.log10_norm, whole.log10_norm[some.sources], atol=1e-13)


def test_counting_back_starts_at_the_last_step_with_a_loss():
    data = sequences(net := network("tanh"))
    mask = np.zeros_like(data.mask)
    mask[[1, 4]] = True
    record = rv.bptt(net, data.x, rv.losses.MSE(data.target, mask))
    result = itemized(record, every=3)
    assert result.sources.tolist() == [1, 4]
    assert np.isfinite(result.log10_norm[1, :6]).all()
    whole = itemized(record)
    assert np.isneginf(whole.log10_norm[[0, 2, 3, 5, 6]]).all()


def test_blocks_of_sources_change_nothing(monkeypatch):
    record = recorded(network("gru", layers=2))
    whole = itemized(record, layer=0).log10_norm
    for block in (1, 2 * B * H, 5 * B * H):
        monkeypatch.setattr("rnnviz.sources.BLOCK", block)
        np.testing.assert_allclose(itemized(record, layer=0).log10_norm, whole, atol=1e-12)


def test_runs_of_steps_change_nothing(monkeypatch):
    record = recorded(network("lstm", layers=2))
    whole = itemized(record, layer=0).log10_norm
    monkeypatch.setattr("rnnviz.sources._SPAN", 2)
    np.testing.assert_allclose(itemized(record, layer=0).log10_norm, whole, atol=1e-12)


@pytest.mark.parametrize("sizes", [(1, 3, 5), (9, 1, 5), (9, 3, 1), (1, 1, 1)])
@pytest.mark.parametrize("cell", ["tanh", "lstm", "gru"])
def test_one_of_anything_is_enough(cell, sizes):
    steps, batch, hidden = sizes
    settings = {"steps": steps, "batch_size": batch, "hidden_size": hidden, "task": "sine"}
    record = rv.run(rv.RunConfig(cell=cell, **settings, loss_at="all"))
    result = itemized(record)
    assert result.log10_norm.shape == (steps, steps + 1)
    last = gradient_flow(record, "last").log10_norm
    np.testing.assert_allclose(result.log10_norm[-1], last, atol=1e-10)
    assert contributions(record).log10_norm.shape == (steps, steps)


def test_without_recurrence_each_loss_stays_at_its_own_step():
    settings = {"gain": 0.0, "steps": 20, "hidden_size": 6, "task": "sine", "loss_at": "all"}
    result = itemized(rv.run(rv.RunConfig(**settings)))
    np.testing.assert_array_equal(np.isfinite(result.log10_norm), result.lag == 0)
    assert np.isneginf(result.log10_norm[result.lag != 0]).all()


def test_an_overflow_is_kept_as_what_it_gave():
    settings = {"cell": "relu", "gain": 10.0, "init": "identity", "steps": 400, "task": "sine"}
    record = rv.run(rv.RunConfig(**settings, loss_at="all", hidden_size=4, batch_size=2))
    result = itemized(record)
    assert not np.isfinite(record.dy).all()
    assert np.isneginf(result.log10_norm[result.lag < 0]).all()
    assert not np.isfinite(result.log10_norm[-1, -1])
    assert np.isfinite(result.log10_norm[5, :7]).all()


def test_a_nan_in_a_late_state_reaches_no_earlier_loss():
    net = network("tanh")
    data = sequences(net)
    x = data.x.copy()
    x[4] = np.nan
    record = rv.bptt(net, x, rv.losses.MSE(data.target), data.s0)
    result = itemized(record)
    assert np.isfinite(result.log10_norm[:4][result.lag[:4] >= 0]).all()
    assert np.isnan(result.log10_norm[4:][result.lag[4:] >= 0]).all()


def test_a_sequence_without_loss_counts_as_zero():
    net = network("lstm")
    data = sequences(net)
    mask = np.ones_like(data.mask)
    mask[:, 1] = False
    record = rv.bptt(net, data.x, rv.losses.MSE(data.target, mask), data.s0)
    result = itemized(record)
    expected = log10_of_norms(alone(record, 3).ds)
    np.testing.assert_allclose(result.log10_norm[3], expected, atol=1e-12)


def test_a_network_that_reads_in_reverse_is_refused_in_one_sentence():
    record = recorded(network("gru", both=True))
    with pytest.raises(ValueError, match="losses travel together through layers that read forward"):
        itemized(record)
    with pytest.raises(ValueError, match="every must be at least 1, got 0"):
        itemized(recorded(network()), every=0)


def test_the_shares_of_a_state_add_up_to_1():
    result = itemized(recorded(network("gru")))
    np.testing.assert_allclose((10**result.log10_share).sum(axis=0), 1, rtol=1e-12)
    total = np.log10((10**result.log10_norm).sum(axis=0))
    np.testing.assert_allclose(result.log10_total, total, atol=1e-12)


def test_the_frame_has_a_row_for_each_state_that_a_source_may_reach():
    result = itemized(recorded(network()), every=2)
    frame = result.to_frame()
    assert len(frame) == sum(s + 2 for s in result.sources)
    assert (frame.lag == frame.source + 1 - frame.t).all()
    for row in frame.itertuples():
        source = list(result.sources).index(row.source)
        assert row.log10_norm == result.log10_norm[source, row.t]


# What each source adds to the parameters' derivatives


def terms(record, layer, parameter):
    """Every source's own term at every step, (T, T, *shape of the parameter)."""
    owner, seen = record.network.layers[layer], record.layers[layer]
    found = np.zeros((T, T, *owner.params[parameter].shape))
    for wave in waves(record, np.arange(T), layer):
        if wave.da is not None:
            da = np.ldexp(wave.da, wave.exponent[..., None])
            for source, own in zip(wave.sources, da, strict=True):
                found[source, wave.t - 1] = term(owner, seen, own, wave.t - 1, parameter)
    return found


@pytest.mark.parametrize("cell", rv.CELLS)
@pytest.mark.parametrize("layers", [1, 2])
def test_the_terms_add_up_to_every_parameters_derivative(cell, layers):
    record = recorded(network(cell, layers=layers))
    for layer, seen in enumerate(record.layers):
        for parameter, grad in seen.grads.items():
            found = terms(record, layer, parameter)
            np.testing.assert_allclose(found.sum(axis=(0, 1)), grad, rtol=1e-10, atol=1e-14)
            result = contributions(record, parameter, layer=layer)
            with np.errstate(divide="ignore"):
                norms = np.log10(np.linalg.norm(found.reshape(T, T, -1), axis=2))
            np.testing.assert_allclose(result.log10_norm, norms, atol=1e-9)
            assert result.share.sum() == pytest.approx(1, abs=1e-12)


def test_terms_of_sequences_that_cancel_keep_their_digits():
    net = network("tanh")
    rng = np.random.default_rng(0)
    x = np.repeat(rng.normal(size=(T, 1, I)), 2, axis=1)
    dy = np.repeat(rng.normal(size=(T, 1, O)), 2, axis=1)
    dy[:, 1] *= -1 + 1e-9  # two sequences alike whose losses pull against each other

    class Loss:
        def value_and_grad(self, y):
            return np.zeros(len(y)), dy

    record = rv.bptt(net, x, Loss())
    expected = np.linalg.norm(terms(record, 0, "W_hh").reshape(T, T, -1), axis=2)
    result = contributions(record)
    inside = expected > 0
    np.testing.assert_allclose(10 ** result.log10_norm[inside], expected[inside], rtol=1e-6)


def test_contributions_below_any_float_are_numbers():
    settings = {"gain": 0.01, "steps": 300, "hidden_size": 4, "batch_size": 2, "task": "sine"}
    record = rv.run(rv.RunConfig(**settings, loss_at="all"))
    for parameter in ("W_hh", "b_ih"):
        result = contributions(record, parameter, every=300)
        assert result.sources.tolist() == [299]
        assert np.isfinite(result.log10_norm[0, 1:]).all()
        assert result.log10_norm[0, 1] < -500


def test_an_unknown_parameter_is_refused_in_one_sentence():
    with pytest.raises(ValueError, match=r"parameter must be one of .* got 'W_hy'"):
        contributions(recorded(network()), "W_hy")


def test_the_frame_of_contributions_has_a_row_for_each_step_behind_a_source():
    frame = contributions(recorded(network(), mask=False)).to_frame()
    assert len(frame) == T * (T + 1) // 2
    assert (frame.lag >= 0).all()
    assert frame.share.sum() == pytest.approx(1)
