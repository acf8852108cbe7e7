"""Weights from PyTorch, Keras and Flax give the outputs that those gave, and say what they are."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from helpers import B, H, I, O, T
from helpers import network as ours

import rnnviz as rv
from rnnviz import interop
from rnnviz.interop import keras_settings

GOLDEN = Path(__file__).parent / "golden"
KINDS = {"tanh": ("RNN", {}), "relu": ("RNN", {"nonlinearity": "relu"}), "lstm": ("LSTM", {}),
         "gru": ("GRU", {})}  # fmt: skip
SHAPES = {
    "one layer": {},
    "stacked": {"num_layers": 3},
    "both": {"bidirectional": True},
    "stacked, both": {"num_layers": 2, "bidirectional": True},
    "no bias": {"bias": False},
}


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch")


@pytest.fixture(scope="module")
def x():
    return np.random.default_rng(0).normal(size=(T, B, I))


def arrays_of(module):
    return {name: W.detach().numpy() for name, W in module.state_dict().items()}


def in_npz(arrays):
    body = io.BytesIO()
    np.savez(body, **arrays)
    return body.getvalue()


@pytest.mark.parametrize("readout", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("cell", KINDS)
def test_a_module_of_pytorch_gives_its_outputs(torch, x, cell, shape, readout):
    kind, own = KINDS[cell]
    rnn = getattr(torch.nn, kind)(I, H, **own, **SHAPES[shape]).double()
    head = torch.nn.Linear(H * (1 + rnn.bidirectional), O).double()
    module = torch.nn.ModuleDict({"rnn": rnn, "head": head} if readout else {"rnn": rnn})
    y = rnn(torch.tensor(x))[0]
    y = (head(y) if readout else y).detach().numpy()
    found = interop.recognise(arrays_of(module), cell=cell)
    assert (found.framework, found.cell, found.layers) == ("PyTorch", cell, rnn.num_layers)
    assert (found.input_size, found.hidden_size, found.output_size) == (I, H, y.shape[2])
    assert found.directions == ("both" if rnn.bidirectional else "forward")
    assert found.readout == ("head" if readout else "none")
    assert found.unused == ()
    assert interop.parity(found.network(), x, y).largest < 1e-12


@pytest.mark.parametrize("cell", KINDS)
def test_a_cell_of_pytorch_gives_its_states(torch, x, cell):
    kind, own = KINDS[cell]
    cells = torch.nn.ModuleList([
        getattr(torch.nn, f"{kind}Cell")(size, H, **own).double() for size in (I, H)
    ])  # fmt: skip
    states, y = [None, None], []
    for below in torch.tensor(x):
        h = below
        for n, one in enumerate(cells):
            states[n] = one(h, states[n])
            h = states[n][0] if cell == "lstm" else states[n]
        y.append(h.detach().numpy())
    found = interop.recognise(arrays_of(cells), cell=cell)
    assert found.layers == 2
    assert interop.parity(found.network(), x, np.stack(y)).largest < 1e-12


def test_safetensors_npz_and_pytorchs_own_file_hold_the_same(torch):
    from safetensors.torch import save

    module = torch.nn.LSTM(I, H, num_layers=2)
    kept = io.BytesIO()
    torch.save({"epoch": 3, "model": module.state_dict()}, kept)
    loaded = [
        interop.load(save(module.state_dict()), "a.safetensors"),
        interop.load(in_npz(arrays_of(module)), "a.npz"),
        interop.load(kept.getvalue(), "a.pt"),
    ]
    for name, W in loaded[0].params.items():
        for other in loaded[1:]:
            np.testing.assert_array_equal(other.params[name], W, strict=True)


def test_an_embedding_of_the_same_width_is_no_readout(torch):
    parts = {"embed": torch.nn.Embedding(9, H), "rnn": torch.nn.GRU(H, H)}
    found = interop.recognise(arrays_of(torch.nn.ModuleDict(parts)))
    assert (found.readout, found.unused) == ("none", ("embed.weight",))
    assert found.choices["readout"] == ("embed", "none")


def test_modules_that_read_each_other_are_put_in_order(torch):
    parts = {"decoder": torch.nn.GRU(H, O), "encoder": torch.nn.GRU(I, H)}
    found = interop.recognise(arrays_of(torch.nn.ModuleDict(parts)))
    assert found.chosen["modules"] == "encoder > decoder"
    one = interop.recognise(arrays_of(torch.nn.ModuleDict(parts)), modules="encoder")
    assert (one.layers, one.hidden_size, len(one.unused)) == (1, H, 4)


@pytest.mark.parametrize("file", ["stack.keras", "stack.h5", "stack.npz", "model.weights.h5"])
def test_keras_layers_give_their_outputs_from_every_format(file):
    """Both directions of an LSTM, a GRU of either kind, a ReLU layer and a dense one."""
    outputs = np.load(GOLDEN / "stack_outputs.npz")
    if file == "model.weights.h5":
        with zipfile.ZipFile(GOLDEN / "stack.keras") as archive:
            data = archive.read(file)
    else:
        data = (GOLDEN / file).read_bytes()
    asked = {} if file in {"stack.keras", "stack.h5"} else {"cell": "relu"}
    found = interop.recognise(interop.read_arrays(data, file), **asked)
    assert (found.framework, found.layers, found.directions) == ("Keras", 4, "both")
    assert found.cell == "lstm, gru, gru_cho, relu"
    assert found.gates == "i f g o, z r n, "
    assert (found.readout, found.output_size) == ("dense", 4)
    assert interop.parity(found.network(), outputs["x"], outputs["y"]).largest < 1e-12


FLAX = {
    "simple": "tanh",
    "lstm": "lstm",
    "optimized": "lstm",
    "gru": "gru",
    "both": "gru",
    "stack": "lstm, gru",
    "nnx SimpleCell": "tanh",
    "nnx LSTMCell": "lstm",
    "nnx OptimizedLSTMCell": "lstm",
    "nnx GRUCell": "gru",
}


@pytest.mark.parametrize("case", FLAX)
def test_flax_cells_give_their_outputs(case):
    with np.load(GOLDEN / "flax.npz") as kept:
        own = {name.split(":")[1]: kept[name] for name in kept if name.startswith(f"{case}:")}
    x, y = own.pop("x"), own.pop("y")
    found = interop.recognise(own)
    assert (found.framework, found.cell, found.unused) == ("Flax", FLAX[case], ())
    assert found.directions == ("both" if case == "both" else "forward")
    assert interop.parity(found.network(), x, y).largest < 1e-12


@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("cell", rv.CELLS)
def test_a_network_of_ours_comes_back_from_its_own_names(cell, both):
    network = ours(cell, layers=2, both=both)
    found = interop.recognise(network.params, cell=cell)
    assert (found.framework, found.layers) == ("rnnviz", 2)
    for name, W in found.network().params.items():
        np.testing.assert_array_equal(W, network.params[name], strict=True)


def test_the_order_of_the_gates_can_be_corrected():
    """A GRU with blocks z r n taken for one with r z n is put right by one word."""
    params = ours("gru", readout=False).params
    r, z, n = (slice(k * H, (k + 1) * H) for k in range(3))
    turned = {name: np.concatenate([W[z], W[r], W[n]]) for name, W in params.items()}
    found = interop.recognise(turned, gates="z r n")
    for name, W in found.network().params.items():
        np.testing.assert_array_equal(W, params[name])


def test_reset_after_is_another_word_for_the_cell_of_a_gru():
    params = ours("gru", readout=False).params
    assert interop.recognise(params).reset_after is True
    found = interop.recognise(params, reset_after=False)
    assert (found.cell, found.reset_after) == ("gru_cho", False)
    assert interop.recognise(ours("lstm").params).reset_after is None


def test_layers_above_can_be_left_out_and_the_readout_with_them():
    network = ours("lstm", layers=2)
    found = interop.recognise(network.params, layers=1, readout="none")
    assert (found.layers, found.output_size) == (1, H)
    assert "l1.W_hh" in found.unused


def test_layers_of_one_size_can_be_beside_each_other():
    kernel = {f"{name}.{part}.kernel": np.ones((H, H)) for name in "ab" for part in "ih"}
    assert interop.recognise(kernel).choices["directions"] == ("forward", "both")
    assert interop.recognise(kernel, directions="both").directions == "both"


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"cell": "lstm"}, "cell must be one of gru, gru_cho, got lstm"),
        ({"gates": "r z"}, r"gates must be one of r z n, .*, got r z"),
        ({"colour": "red"}, r"corrections must be among .*, got colour"),
        ({"framework": "Keras"}, r"framework must be one of rnnviz, got Keras"),
    ],
)
def test_a_correction_that_cannot_be_is_one_sentence(asked, sentence):
    with pytest.raises(ValueError, match=sentence):
        interop.recognise(ours("gru").params, **asked)


def said(kind, **config):
    return [{"class_name": kind, "config": {"name": "one", **config}}]


@pytest.mark.parametrize(
    ("layers", "cause"),
    [
        (said("SimpleRNN", activation="selu"), "one of the activations tanh, relu.*, got selu"),
        (said("LSTM", recurrent_activation="hard_sigmoid"), "got tanh and hard_sigmoid"),
        (said("GRU", activation={"class_name": "x"}), "the activations tanh and sigmoid, got {"),
        (said("Bidirectional", merge_mode="sum"), "merge_mode 'concat'.*got 'sum'"),
    ],
)
def test_keras_settings_that_no_cell_has_are_refused(layers, cause):
    with pytest.raises(ValueError, match=f"^one must .*{cause}"):
        keras_settings.told_of(layers)


@pytest.mark.parametrize(
    ("layers", "note"),
    [
        (said("GRU", go_backwards=True), "one reads its sequence from the end"),
        (said("LSTM", return_sequences=False), "one hands on its last step alone"),
        (said("Dense", activation="softmax"), "the softmax behind one is left out"),
    ],
)
def test_keras_settings_that_change_what_to_compare_are_said(layers, note):
    assert note in keras_settings.told_of(layers)["one"].note


def test_an_old_keras_gru_says_nothing_and_resets_before():
    assert keras_settings.told_of(said("GRU"))["gru"].cell == "gru_cho"


def test_settings_that_are_not_readable_are_as_none():
    arrays = {"gru/kernel": np.ones((I, 3 * H)), "gru/recurrent_kernel": np.ones((H, 3 * H))}
    broken = np.frombuffer(b"[" * 10**5, np.uint8)
    found = interop.recognise({**arrays, "config.json": broken})
    assert (found.cell, found.unused) == ("gru", ())
    assert any("reset_after" in note for note in found.notes)


def test_a_tanh_layer_is_said_to_be_assumed():
    assert "tanh is assumed" in interop.recognise({
        "weight_ih": np.ones((H, I)), "weight_hh": np.eye(H)
    }).notes[0]  # fmt: skip


def test_what_is_recognised_fits_a_small_table():
    frame = interop.recognise(ours("lstm").params).to_frame()
    assert dict(zip(frame.what, frame.value, strict=True)) == {
        "framework": "rnnviz", "cell": "LSTM", "inputs": "2", "hidden units": "5", "layers": "1",
        "directions": "forward", "gates in the file": "i f g o", "readout": "readout",
        "outputs": "4",
    }  # fmt: skip


def test_a_path_is_read_and_named(tmp_path):
    path = tmp_path / "mine.npz"
    path.write_bytes(in_npz(ours("tanh").params))
    assert interop.load(path).output_size == O
    path.write_bytes(in_npz({"W_ih": np.ones((H, I)), "W_hh": np.ones((H, O))}))
    with pytest.raises(ValueError, match=r"^mine\.npz: .* must have W_ih"):
        interop.load(path)
