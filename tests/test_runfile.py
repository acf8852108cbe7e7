"""A run in a file: every number comes back, and whatever is wrong with a file is said."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import fields

import numpy as np
import pytest
from helpers import network, sequences
from safetensors.numpy import load_file

import rnnviz as rv
from rnnviz.runfile import read_head


def same(a, b):
    """Equal to the bit, NaN too, and laid out alike."""
    assert a.dtype == b.dtype
    assert a.shape == b.shape
    assert a.tobytes() == b.tobytes()
    return True


def same_groups(a, b):
    assert list(a) == list(b)
    assert all(same(a[name], b[name]) for name in a)


def same_record(a, b):
    for name in ("x", "y", "dy", "dx", "loss_t"):
        same(getattr(a, name), getattr(b, name))
    same_groups(a.grads, b.grads)
    same_groups(a.network.params, b.network.params)
    assert [layer.cell for layer in a.network.layers] == [layer.cell for layer in b.network.layers]
    for one, other in zip(a.layers, b.layers, strict=True):
        same_layer(one, other)


def same_layer(a, b):
    for name in ("x", "pre", "s", "ds", "h", "dh", "da"):
        same(getattr(a, name), getattr(b, name))
    same(a.tape.a, b.tape.a)
    for group in ("parts", "inner", "grads"):
        same_groups(getattr(a, group), getattr(b, group))
    for group in ("states", "gates", "kept"):
        same_groups(getattr(a.tape, group), getattr(b.tape, group))


def recorded(net):
    data = sequences(net)
    x, target = (array.astype(net.dtype) for array in (data.x, data.target))
    loss = rv.losses.MSE(target, data.mask)
    return rv.bptt(net, x, loss, data.s0), loss


@pytest.mark.parametrize("cell", rv.CELLS)
def test_every_array_of_every_cell_comes_back_to_the_bit(cell, tmp_path):
    net = network(cell, layers=2, both=True, residual=cell == "gru", readout=cell != "tanh")
    record, loss = recorded(net)
    path = tmp_path / "a.safetensors"
    rv.save_run(path, record, loss=loss, name="../../x\0 \N{SNOWMAN}")
    saved = rv.load_run(path)
    same_record(saved.record, record)
    assert saved.name == "../../x\0 \N{SNOWMAN}"
    assert saved.config is None
    assert all(not array.flags.writeable for array in (saved.record.h, saved.record.dx))
    again = rv.bptt(saved.record.network, saved.record.x, saved.loss, sequences(net).s0)
    same_record(again, record)


def test_an_overflow_a_stack_and_single_precision_come_back_too(tmp_path):
    wild = rv.RunConfig(cell="relu", layers=3, gain=10, steps=200, dtype="float32", hidden_size=8)
    record = rv.run(wild)
    assert not np.isfinite(record.dh).all()
    rv.save_run(tmp_path / "a", record, config=wild)
    saved = rv.load_run(tmp_path / "a")
    same_record(saved.record, record)
    assert saved.config == wild


def test_weights_that_lie_column_by_column_lie_so_again():
    net = network("lstm")
    turned = net.with_params({name: np.asfortranarray(W) for name, W in net.params.items()})
    record, loss = recorded(turned)
    saved = rv.load_run(rv.run_bytes(record, loss=loss))
    assert saved.record.network.params["l0.W_hh"].flags.f_contiguous
    same_record(rv.bptt(saved.record.network, record.x, saved.loss, sequences(net).s0), record)


def test_a_loss_of_another_kind_comes_back_as_its_tangent():
    class Cubic:
        def value_and_grad(self, y):
            return (y**3).sum(axis=(1, 2)), 3 * y**2

    net = network("gru")
    record = rv.bptt(net, sequences(net).x, Cubic())
    saved = rv.load_run(rv.run_bytes(record, loss=Cubic()))
    same_record(rv.bptt(net, record.x, saved.loss), record)
    check = rv.diagnostics.gradient_check(net, record.x, saved.loss)
    assert check.passed


def test_labels_and_masks_come_back():
    net = network("lstm")
    data = sequences(net)
    loss = rv.losses.CrossEntropy(data.labels, data.mask, "sum")
    record = rv.bptt(net, data.x, loss)
    found = rv.load_run(rv.run_bytes(record, loss=loss)).loss
    same(found.labels, data.labels)
    same(found.mask, data.mask)
    assert found.reduction == "sum"


@pytest.fixture(scope="module", params=["adam", "gradient"])
def trained(request):
    config = rv.TrainConfig(
        cell="gru",
        hidden_size=4,
        steps=6,
        batch_size=3,
        iterations=7,
        optimizer="adam",
        clip_by="percentile" if request.param == "gradient" else "norm",
    )
    history = rv.History.collect(rv.train(config))
    changed = rv.History(history.columns, history.rows, history.moments, (rv.Change(2, "ä"),))
    record = rv.run(config.run)
    return config, record, changed


def test_a_history_comes_back_with_its_moments(trained):
    config, record, history = trained
    saved = rv.load_run(rv.run_bytes(record, config=config, history=history))
    assert saved.config == config
    assert type(saved.config) is rv.TrainConfig
    assert saved.history.columns == history.columns
    assert saved.history.changes == history.changes
    same(saved.history.rows, history.rows)
    for one, other in zip(saved.history.moments, history.moments, strict=True):
        same_moment(one, other)


def same_moment(a, b):
    same_groups(a.arrays(), b.arrays())
    for field in fields(a):
        one, other = getattr(a, field.name), getattr(b, field.name)
        assert type(one) is type(other)


def test_training_goes_on_from_a_moment_of_a_file(trained):
    config, record, history = trained
    saved = rv.load_run(rv.run_bytes(record, config=config, history=history))
    one = [step.loss for step in rv.train(config, saved.history.moments[3])]
    assert one == history.column("loss")[3:].tolist()


def test_any_reader_of_safetensors_opens_it(tmp_path):
    record, _ = recorded(network("lstm"))
    rv.save_run(tmp_path / "a.safetensors", record)
    arrays = load_file(tmp_path / "a.safetensors")
    same(arrays["l0.h"], record.h)
    same(arrays["l0.dc"], record.dc)
    same(arrays["param.l0.W_hh"], record.network.params["l0.W_hh"])


def test_a_cell_that_no_file_could_name_is_refused():
    class Mine(rv.CELLS["tanh"]):
        pass

    net = network()
    own = rv.Network([rv.Layer(Mine(2, 5), net.layers[0].params)], net.readout)
    with pytest.raises(ValueError, match=r"a run file names a cell of .*, got Mine"):
        rv.run_bytes(recorded(own)[0])


def test_a_folder_is_a_gallery_without_an_index(tmp_path):
    record, _ = recorded(network("lstm"))
    for n, name in enumerate(("first", "second")):
        rv.save_run(tmp_path / f"{name}.safetensors", record, name=name)
        os.utime(tmp_path / f"{name}.safetensors", (n, n))
    whole = (tmp_path / "first.safetensors").read_bytes()
    (tmp_path / "torn.safetensors").write_bytes(whole[:-5])
    (tmp_path / "foreign.safetensors").write_bytes(b"PK" + whole)
    (tmp_path / "notes.txt").write_text("no run")
    (tmp_path / ".abc.part").write_bytes(whole[:50])
    (tmp_path / "folder.safetensors").mkdir()
    gallery = rv.runs(tmp_path)
    assert [head.name for head in gallery.heads] == ["second", "first"]
    told = [(head.steps, head.batch_size, head.cells, head.loss) for head in gallery.heads]
    assert told == [(7, 3, "lstm", record.loss)] * 2
    assert sorted(sentence.split()[0] for sentence in gallery.skipped) == [
        "foreign.safetensors",
        "torn.safetensors",
    ]
    with pytest.raises(ValueError, match="nowhere must be a folder"):
        rv.runs(tmp_path / "nowhere")


def test_what_cannot_be_written_leaves_what_was_there(tmp_path):
    record, _ = recorded(network())
    path = tmp_path / "a.safetensors"
    path.mkdir()
    with pytest.raises(OSError, match="directory"):
        rv.save_run(path, record)
    assert os.listdir(tmp_path) == ["a.safetensors"]


def test_a_process_that_is_killed_while_it_saves_leaves_whole_files(tmp_path):
    code = (
        "import sys, itertools, rnnviz as rv\n"
        "record = rv.run(rv.RunConfig(steps=60, hidden_size=32))\n"
        "for n in itertools.count():\n"
        "    rv.save_run(sys.argv[1], record, name=str(n))\n"
    )
    path = tmp_path / "a.safetensors"
    with subprocess.Popen([sys.executable, "-c", code, str(path)]) as saving:
        for _ in range(3000):
            if path.exists() and read_head(path).name >= "5":
                break
            time.sleep(0.01)
        saving.send_signal(signal.SIGKILL)
    assert int(rv.load_run(path).name) >= 5
