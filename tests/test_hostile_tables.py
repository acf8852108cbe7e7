"""Tables that are damaged, lie, or are merely unlike: one sentence each, or the true numbers."""

import os
import re
import time
import tracemalloc

import numpy as np
import pytest
from hostile_tables import READ, REFUSED, lines, many

from rnnviz.interop import read_table, series
from rnnviz.interop.csv_table import read_csv
from rnnviz.interop.parquet import read_parquet

GREEDY = ("a million columns", "a cell of 2 MB", "a name of 1 MB", "200 MB")
IN_PROCESS = ("Parquet with a broken footer", "Parquet cut off", "text called Parquet")
"""Parquet that is read as visitors' is; the others are read here, which is sooner."""


def read(what):
    name, make, _ = REFUSED[what]
    data = make()
    if name.endswith(".parquet") and what not in IN_PROCESS:
        return read_parquet(data, name)
    return read_csv(data, name) if name.endswith(".csv") else read_table(data, name)


@pytest.mark.parametrize("what", REFUSED)
def test_a_hostile_table_is_one_sentence_about_it(what):
    name, _, cause = REFUSED[what]
    started = time.monotonic()
    with pytest.raises(ValueError, match=cause) as refused:
        read(what)
    sentence = str(refused.value)
    assert name in sentence
    assert sentence.isprintable()
    assert len(sentence) < 400
    assert time.monotonic() - started < 10


@pytest.mark.parametrize("what", READ)
def test_an_unlike_table_has_its_true_numbers_and_says_what_was_assumed(what):
    make, values, noted = READ[what]
    table = read_table(make(), "t.csv")
    np.testing.assert_array_equal(table.values, np.array(values, float))
    assert re.search(noted, "; ".join(table.notes))


@pytest.mark.parametrize("what", GREEDY)
def test_memory_is_bounded_before_a_table_is_parsed(what):
    name, make, _ = REFUSED[what]
    data = make()
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=name):
            read_csv(data, name)
        assert tracemalloc.get_traced_memory()[1] < 40 << 20
    finally:
        tracemalloc.stop()


def test_a_long_table_is_read_in_a_process_of_its_own():
    table = read_table(many(50_000), "t.csv")
    np.testing.assert_array_equal(table.values[[0, -1]], [[1, 2], [1, 2]])
    with pytest.raises(ValueError, match=r"t\.csv .* got 3 in line 50,002$"):
        read_table(many(50_000) + b"1,2,3\n", "t.csv")


@pytest.mark.parametrize(
    ("name", "called"),
    [
        ("../../x.csv", "x.csv"),
        ("..\\..\\x.csv", "x.csv"),
        ("/etc/passwd", "passwd"),
        ("con.csv", "con.csv"),
        ("a\0.csv", "a\ufffd.csv"),
        ("a" * 300 + ".csv", "a" * 79 + "\u2026"),
        ("<img src=x>.csv", "<img src=x>.csv"),
    ],
)
def test_a_files_name_is_its_last_part_and_text(name, called):
    assert read_table(many(2), name).name == called
    with pytest.raises(ValueError, match="must have something in it") as refused:
        read_table(b"", name)
    assert str(refused.value).startswith(called)


def test_a_mark_is_no_part_of_a_name_and_more_steps_than_rows_are_refused():
    table = read_table(lines("a,b", *["1,2", "3,5"] * 9, encoding="utf-8-sig"), "t.csv")
    assert table.columns == ("a", "b")
    task = series(table, ("a",))
    with pytest.raises(ValueError, match=rf"^steps must be in \[1, {task.max_steps()}\] .*got 99$"):
        task.sample(np.random.default_rng(0), 99, 2, 0)


def test_a_file_of_20_mb_less_a_byte_is_read_in_bounded_time_and_memory():
    row = ",".join(["-1.2345678901234567"] * 5) + "\n"
    data = b"a,b,c,d,e\n" + row.encode() * 199_999
    data += b" " * ((20 << 20) - 1 - len(data))
    before = sum(os.times()[:4])
    table = read_table(data, "t.csv")
    took = sum(os.times()[:4]) - before
    assert table.values.shape == (199_999, 5)
    assert took < 10
