"""A record that is laid aside is the same record, and takes no memory while nobody reads it."""

import gc
import mmap
import tempfile
from pathlib import Path

import numpy as np
import pytest

import rnnviz as rv
from dashboard import aside
from dashboard.aside import give_back, laid_aside
from dashboard.limits import LARGE
from dashboard.records import explore, forget
from rnnviz.run import record_bytes

CONFIGS = {
    "tanh": rv.RunConfig(hidden_size=5, steps=7, batch_size=3),
    "lstm, two layers": rv.RunConfig(cell="lstm", layers=2, hidden_size=5, steps=7, batch_size=3),
    "gru, both ways": rv.RunConfig(cell="gru", directions="both", hidden_size=5, steps=7),
    "float32": rv.RunConfig(dtype="float32", residual="add", layers=3, hidden_size=5, steps=7),
}
BIG = rv.RunConfig(task="adding", lag=1, steps=460, hidden_size=100, batch_size=16)


def in_memory(record: rv.Record) -> list[np.ndarray]:
    """The arrays of a record that are no part of a file."""
    owners = [aside._owner(array) for array in aside._arrays(record)]
    return [owner for owner in owners if not isinstance(owner.base, mmap.mmap)]


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_every_array_is_the_same_to_the_bit_and_lies_in_the_file(config):
    record = rv.run(config)
    moved = laid_aside(record)
    pairs = list(zip(aside._arrays(record), aside._arrays(moved), strict=True))
    assert len(pairs) > 20
    for one, other in pairs:
        assert one.tobytes() == other.tobytes()
        assert (one.strides, one.dtype) == (other.strides, other.dtype)
        assert not other.flags.writeable
    assert in_memory(record)
    assert not in_memory(moved)


def test_what_shared_memory_shares_it_still():
    record = rv.run(CONFIGS["lstm, two layers"])
    moved = laid_aside(record)
    for whole in (record, moved):
        assert np.shares_memory(whole.layers[0].h, whole.layers[1].x)


def test_it_is_read_again_after_its_memory_was_handed_back():
    moved = laid_aside(rv.run(CONFIGS["tanh"]))
    before = moved.h.copy(), rv.diagnostics.verdict(moved)
    give_back()
    assert np.array_equal(moved.h, before[0])
    assert rv.diagnostics.verdict(moved).sentence == before[1].sentence


def test_the_file_goes_with_the_record():
    moved = laid_aside(rv.run(CONFIGS["tanh"]))
    count = len(aside._maps)
    del moved
    gc.collect()
    assert len(aside._maps) == count - 1


def test_where_the_disk_takes_nothing_the_record_stays_in_memory(monkeypatch, tmp_path: Path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    record = rv.run(CONFIGS["tanh"])
    assert laid_aside(record) is record


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="Linux tells what is in memory")
def test_a_large_record_that_is_kept_takes_no_memory():
    forget()
    give_back()
    before = resident()
    found = explore(BIG)
    size = record_bytes(BIG)
    assert size > LARGE
    assert found.record.h.sum() == rv.run(BIG).h.sum()
    give_back()
    assert resident() - before < size / 2
    assert explore(BIG) is found
    forget()


def resident() -> int:
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * mmap.PAGESIZE
