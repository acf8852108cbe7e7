"""A training of PyTorch seen from within: true gradients, and nothing of the user's touched."""

import copy

import numpy as np
import pytest
from helpers import B, H, I, O, T

import rnnviz as rv
from rnnviz.interop.pytorch import Callback, record

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

KINDS = ["rnn_tanh", "rnn_relu", "lstm", "gru"]


class Model(nn.Module):
    """A user's own: embedding, norm with running numbers, the layer, dropout, a head."""

    def __init__(self, kind, read="out", **settings):
        super().__init__()
        self.up = nn.Linear(I, I)
        self.norm = nn.BatchNorm1d(I)
        self.layer = layer(kind, **settings)
        ways = 1 + self.layer.bidirectional
        self.drop = nn.Dropout(0.4)
        self.head = nn.Linear(H * ways, O)
        self.read = read

    def forward(self, x, start=None):
        x = self.norm(self.up(x).transpose(1, 2)).transpose(1, 2)
        out, last = self.layer(x, start) if start is not None else self.layer(x)
        h = last[0] if isinstance(last, tuple) else last
        ways = 1 + self.layer.bidirectional
        seen = {"out": out, "h": torch.cat(list(h[-ways:]), dim=-1)}[self.read]
        return self.head(self.drop(seen))


def layer(kind, **settings):
    if kind.startswith("rnn"):
        return nn.RNN(I, H, nonlinearity=kind[4:], **settings)
    return {"lstm": nn.LSTM, "gru": nn.GRU}[kind](I, H, **settings)


def cells(rnn, x, start):
    """The same layer as a loop of cells, whose every state keeps its gradient."""
    kind = {"RNN": nn.RNNCell, "LSTM": nn.LSTMCell, "GRU": nn.GRUCell}[type(rnn).__name__]
    more = {"nonlinearity": rnn.nonlinearity} if isinstance(rnn, nn.RNN) else {}
    ways, below, states = 1 + rnn.bidirectional, x, []
    for level in range(rnn.num_layers):
        outs = []
        for way in range(ways):
            end = f"_l{level}" + "_reverse" * way
            cell = kind(below.shape[2], H, bias=rnn.bias, **more).double()
            for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")[: 4 if rnn.bias else 2]:
                setattr(cell, name, nn.Parameter(getattr(rnn, name + end).detach().clone()))
            n = level * ways + way
            s = tuple(p[n] for p in start) if isinstance(start, tuple) else start[n]
            chain = []
            for t in range(T)[:: -1 if way else 1]:
                s = cell(below[t], s)
                for part in s if isinstance(s, tuple) else (s,):
                    part.retain_grad()
                chain.append(s)
            states.append(chain)
            hs = [s[0] if isinstance(s, tuple) else s for s in chain]
            outs.append(torch.stack(hs[:: -1 if way else 1]))
        below = torch.cat(outs, dim=2)
    return below, states


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("levels", [1, 2])
def test_each_state_has_the_gradient_that_a_loop_of_cells_keeps(kind, both, levels):
    torch.manual_seed(3)
    rnn = layer(kind, num_layers=levels, bidirectional=both, bias=levels == 2).double()
    ways = 1 + both
    x = torch.randn(T, B, I).double()
    start = torch.randn(levels * ways, B, H).double()
    start = (start, torch.randn_like(start)) if kind == "lstm" else start
    weigh = torch.randn(T, B, H * ways).double()

    def loss_fn(given):
        out, last = given
        h = last[0] if kind == "lstm" else last
        return (weigh * out**2).sum() + (h[-ways:] ** 3).sum()

    seen = record(rnn, (x, start), loss_fn)
    out, states = cells(rnn, x, start)
    ends = [chain[-1] for chain in states[-ways:]]
    h_n = torch.stack([s[0] if kind == "lstm" else s for s in ends])
    loss = (weigh * out**2).sum() + (h_n**3).sum()
    loss.backward()
    assert seen.loss == pytest.approx(loss.item(), rel=1e-13)
    for chain, ours in zip(states, seen.layers, strict=True):
        h = [s[0] if kind == "lstm" else s for s in chain]
        np.testing.assert_allclose(ours.h[1:], torch.stack(h).detach(), rtol=0, atol=1e-13)
        np.testing.assert_allclose(
            ours.dh[1:], torch.stack([s.grad for s in h]), rtol=1e-12, atol=1e-12
        )
        if kind == "lstm":
            c = torch.stack([s[1].grad for s in chain])
            np.testing.assert_allclose(ours.dc[1:], c, rtol=1e-12, atol=1e-12)


def everything_of(model):
    return {
        "state": {name: W.clone() for name, W in model.state_dict().items()},
        "grads": {name: W.grad.clone() for name, W in model.named_parameters()},
        "modes": [part.training for part in model.modules()],
        "hooks": [(dict(p._forward_hooks), dict(p._forward_pre_hooks)) for p in model.modules()],
        "random": torch.random.get_rng_state(),
        "names": [sorted(vars(part)) for part in model.modules()],
    }


def assert_equal(one, other):
    assert one["modes"] == other["modes"]
    assert one["hooks"] == other["hooks"]
    assert one["names"] == other["names"]
    assert torch.equal(one["random"], other["random"])
    for group in ("state", "grads"):
        assert list(one[group]) == list(other[group])
        assert all(torch.equal(one[group][name], other[group][name]) for name in one[group])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("read", ["out", "h"])
def test_the_module_its_gradients_and_the_random_numbers_are_as_they_were(kind, read):
    torch.manual_seed(5)
    model = Model(kind, read, batch_first=True, bidirectional=True).double()
    x = torch.randn(B, T, I).double()
    model(x).sum().backward()
    before = everything_of(model)
    with torch.no_grad():
        seen = record(model, x, lambda y: (y**2).sum())
    assert_equal(everything_of(model), before)
    twin = copy.deepcopy(model)
    loss = (twin(x) ** 2).sum()
    assert loss.item() == seen.loss, "dropout draws what the next step of training draws"
    loss.backward()
    gradients = {name: W.grad for name, W in twin.layer.named_parameters()}
    for torchs, ours in (("weight_hh_l0", "l0.W_hh"), ("weight_ih_l0_reverse", "l0_reverse.W_ih")):
        np.testing.assert_allclose(seen.grads[ours], gradients[torchs], rtol=1e-10, atol=1e-12)


def test_frozen_weights_inference_mode_and_single_precision_are_seen_too():
    model = Model("gru", batch_first=True).requires_grad_(False).eval()
    with torch.inference_mode():
        x = torch.randn(B, T, I)
        seen = record(model, {"x": x, "start": torch.zeros(1, B, H)}, lambda y: y[:, -1].sum())
    assert seen.dh.dtype == np.float32
    assert np.abs(seen.dh[0]).max() > 0
    assert seen.loss_t[-1] == np.float32(seen.loss)


def test_one_sequence_without_a_batch_axis_is_a_batch_of_one():
    rnn = nn.LSTM(I, H).double()
    x = torch.randn(T, I).double()
    zeros = torch.zeros(1, H).double()
    alone = record(rnn, (x, (zeros, zeros)), lambda given: given[1][0].sum())
    batch = record(rnn, x[:, None], lambda given: given[0][-1].sum())
    np.testing.assert_array_equal(alone.dh, batch.dh)
    assert alone.dh.shape == (T + 1, 1, H)


def twice(rnn):
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn = rnn

        def forward(self, x):
            return self.rnn(x)[0], self.rnn(x)[0]

    return Twice()


REFUSED = {
    "no layer": (nn.Linear(I, O), lambda y: y.sum(), "must have one nn.RNN, .* got none"),
    "two layers": (
        nn.ModuleList([nn.GRU(I, H), nn.LSTM(I, H)]),
        lambda y: y.sum(),
        "got GRU, LSTM",
    ),
    "called twice": (twice(nn.GRU(I, H)), lambda y: y[0].sum(), "call its GRU once, got 2 calls"),
    "a projection": (
        nn.LSTM(I, H, proj_size=3),
        lambda y: y[0].sum(),
        "proj_size must be 0, got 3",
    ),
    "its own dropout": (
        nn.GRU(I, H, 2, dropout=0.5),
        lambda y: y[0].sum(),
        "dropout must be 0, .* got 0.5",
    ),
    "half precision": (nn.GRU(I, H).half(), lambda y: y[0].sum(), "got torch.float16"),
    "a loss through c_n": (nn.LSTM(I, H), lambda y: y[1][1].sum(), "depends on c_n"),
    "a loss through a lower h_n": (
        nn.GRU(I, H, 2),
        lambda y: y[1].sum(),
        "depends on a lower layer's h_n",
    ),
    "a loss of many numbers": (nn.GRU(I, H), lambda y: y[0], r"one number, got \(7, 3, 5\)"),
    "a loss of something else": (nn.GRU(I, H), lambda _: 3.0, "one number, got float"),
    "a loss without the layer": (
        nn.GRU(I, H),
        lambda _: torch.zeros(()),
        "must depend on what the GRU gives",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_seen_truly_is_refused_in_a_sentence(case):
    module, loss_fn, cause = REFUSED[case]
    with pytest.raises(ValueError, match=cause):
        record(module, torch.zeros(T, B, I), loss_fn)


def test_packed_sequences_are_refused():
    packed = nn.utils.rnn.pack_padded_sequence(torch.zeros(T, B, I), [7, 5, 2])
    with pytest.raises(ValueError, match="padded to one length, got PackedSequence"):
        record(nn.GRU(I, H), packed, lambda y: y[0].data.sum())


def test_a_callback_writes_every_nth_step_and_keeps_the_newest(tmp_path):
    model = Model("lstm", batch_first=True)
    watch = Callback(tmp_path / "new", every=3, keep=2, name="my run/1")
    x = torch.randn(B, T, I)
    paths = [watch(model, x, lambda y: y.sum()) for _ in range(8)]
    assert [path is not None for path in paths] == [True, False, False] * 2 + [True, False]
    gallery = rv.runs(tmp_path / "new")
    assert [head.file for head in gallery.heads] == [
        "my-run-1-00000006.safetensors",
        "my-run-1-00000003.safetensors",
    ]
    saved = rv.load_run(paths[6])
    assert saved.name == "my run/1, step 6"
    assert saved.provenance["from"].endswith("LSTM")
    assert saved.config is None
    assert rv.diagnostics.gradient_flow(saved.record).log10_norm.shape == (T + 1,)
    with pytest.raises(ValueError, match="every must be at least 1, got 0"):
        Callback(tmp_path, every=0)
