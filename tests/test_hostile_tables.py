"""Tables that are damaged, lie, or are merely unlike: one sentence each, or the true numbers."""

import re
import time
import tracemalloc

import numpy as np
import pytest
from hostile_tables import READ, REFUSED, many

from rnnviz.interop import read_table
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


def test_no_mutant_of_a_good_table_gives_other_than_a_sentence_or_finite_numbers():
    rng = np.random.default_rng(0)
    rows = "\n".join(f"2020-01-{n:02},{n / 7:.3f},{n}" for n in range(1, 29))
    good = f"when,a,b\n{rows}\n".encode()
    for _ in range(400):
        mutant = bytearray(good)
        for place in rng.integers(0, len(good), rng.integers(1, 4)):
            mutant[place] = rng.integers(256)
        try:
            table = read_table(bytes(mutant), "t.csv")
        except ValueError:
            continue
        assert not np.isinf(table.values).any()
        assert len(table.values) == len(table.lines)
