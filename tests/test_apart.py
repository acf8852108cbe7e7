"""A reader in a process of its own: its arrays, its sentence, and every way it can end."""

import time

import apart_readers
import numpy as np
import pytest

from rnnviz.interop.apart import in_child


def test_arrays_come_back_as_they_were():
    arrays = in_child(apart_readers.plain, b"\x00\xff\n", "a.h5")
    np.testing.assert_array_equal(arrays["bytes"], [0, 255, 10])
    assert arrays["words"].tolist() == ["a.h5", "é"]
    assert arrays["days"].dtype == "datetime64[ns]"


def test_a_refusal_is_raised_in_its_own_words():
    with pytest.raises(ValueError, match=r"^a.h5 must be é, got 3 bytes$"):
        in_child(apart_readers.refusing, b"abc", "a.h5")


def test_what_a_library_prints_is_no_answer():
    assert in_child(apart_readers.talking, b"", "a.h5")["a"].tolist() == [0]


@pytest.mark.parametrize(
    ("reader", "cause"),
    [
        (apart_readers.greedy, "needs more than the 1,024.0 MB there are to read it"),
        (apart_readers.crashing, "its reader ended with SIGSEGV"),
        (apart_readers.surprised, "is damaged, or is not what its name says"),
    ],
)
def test_a_reader_that_ends_badly_is_one_sentence_about_the_file(reader, cause):
    with pytest.raises(ValueError, match=rf"^a.h5 .*{cause}"):
        in_child(reader, b"abc", "../folder/a.h5")


def test_a_reader_without_end_is_ended_by_its_processor_time():
    started = time.monotonic()
    with pytest.raises(ValueError, match=r"a.h5 takes longer than 1 s of processor time to read"):
        in_child(apart_readers.endless, b"", "a.h5", seconds=1)
    assert time.monotonic() - started < 30


def test_the_process_is_there_soon_for_it_imports_no_diagnostics():
    modules = set(in_child(apart_readers.alone, b"", "a.h5")["modules"])
    assert not {"rnnviz.diagnostics", "scipy", "pandas", "rnnviz.network"} & modules
