"""Files of weights that are damaged, lie, or mean harm: one sentence each, soon and in little."""

import time
import tracemalloc
from pathlib import Path

import hostile_models
import numpy as np
import pytest
from hostile_models import GOOD, HOSTILE

from rnnviz.interop import load, read_arrays, recognise
from rnnviz.interop.hdf5 import read_hdf5
from rnnviz.interop.torch_file import read_torch

READERS = {"a.h5": read_hdf5, "a.pt": lambda data, name: recognise(read_torch(data, name))}
GREEDY = (
    "a bomb",
    "a bomb of 4 GB by its directory",
    "a bomb whose directory says 1 KB",
    "200 entries on the same bytes",
    "a shape of 1e9 for 64 bytes",
    "100,000 members",
    "5 MB of metadata",
    "JSON 100,000 deep",
)


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_file_is_one_sentence_about_it(what):
    name, make, cause = HOSTILE[what]
    data = make()
    started = time.monotonic()
    with pytest.raises(ValueError, match=cause) as refused:
        READERS.get(name, load)(data, f"../folder/{name}")
    sentence = str(refused.value)
    assert name in sentence or name == "a.pt"  # whose readers know no file's name
    assert "folder" not in sentence
    assert sentence.isprintable()
    assert len(sentence) < 400
    assert time.monotonic() - started < 20


def test_there_are_enough_hostile_files():
    assert len(HOSTILE) >= 60


def test_no_hostile_file_ran_its_command():
    assert not Path(hostile_models.TOUCHED).exists()


@pytest.mark.parametrize("what", GREEDY)
def test_memory_is_bounded_before_anything_is_unpacked(what):
    name, make, _ = HOSTILE[what]
    data = make()
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=name):
            load(data, name)
        assert tracemalloc.get_traced_memory()[1] < 100 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("dtype", "note"), [(">f8", ""), ("f2", "float16"), ("i8", "int64"), ("?", "bool")]
)
def test_what_can_be_converted_is_and_it_is_said(dtype, note):
    whole = {name: np.asarray(W > 0.4, dtype) for name, W in GOOD.items()}
    found = recognise(read_arrays(hostile_models.npz(whole), "a.npz"))
    for name, W in zip(GOOD, found.network().params.values(), strict=True):
        np.testing.assert_array_equal(W, (GOOD[name] > 0.4).astype(float))
    assert any(f"is {note} in the file, and converted" in said for said in found.notes) == bool(
        note
    )


def test_the_order_of_an_array_in_memory_is_no_transpose():
    whole = {name: np.asfortranarray(W) for name, W in GOOD.items()}
    arrays = read_arrays(hostile_models.npz(whole), "a.npz")
    for name, W in GOOD.items():
        np.testing.assert_array_equal(arrays[name], W)


def test_bfloat16_is_read_as_the_float32_it_is():
    header = {"a": hostile_models.tensor([2, 1], "BF16", end=4)}
    data = hostile_models.tensors(header, b"\x80\x3f\x20\xc0")
    np.testing.assert_array_equal(read_arrays(data, "a.safetensors")["a"], [[1.0], [-2.5]])


@pytest.mark.parametrize(
    ("W", "note"),
    [
        (np.zeros((4, 4)), "W_hh of layer rnn, level 0 is all zero"),
        (np.full((4, 4), 1e300), "weights as large as 1e+300"),
        (np.full((4, 4), 1e-310), "no weight larger than 1e-310"),
    ],
)
def test_odd_weights_are_read_and_remarked_on(W, note):
    found = recognise({**GOOD, "rnn.weight_hh_l0": W})
    assert np.array_equal(found.network().params["l0.W_hh"], W)
    assert any(note in said for said in found.notes)


def test_weights_too_large_for_float32_are_refused_there():
    found = recognise({**GOOD, "rnn.weight_hh_l0": np.full((4, 4), 1e300)})
    with pytest.raises(ValueError, match=r"must fit into float32, got 1e\+300"):
        found.network("float32")
