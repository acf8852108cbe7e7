"""A run in another process is the same to the bit, and is dropped when nobody waits for it."""

import time

import numpy as np
import pytest

import rnnviz as rv
from dashboard.allowed import checked
from dashboard.away import Away
from rnnviz.runfile.packed import packed
from rnnviz.stopping import asking

SMALL = rv.RunConfig(cell="lstm", layers=2, directions="both", steps=11, batch_size=3, task="sine")
LONG = rv.RunConfig(cell="gru_norm", hidden_size=4, steps=9000, batch_size=1, layers=8, task="sine")


class GoneError(Exception):
    pass


@pytest.fixture(scope="module")
def away():
    found = Away(1)
    yield found
    found.rest()


def pids(away):
    return [worker._process.pid for worker in away._idle]


def test_a_run_elsewhere_is_the_same_to_the_bit(away):
    told = []
    there, here = (packed(r) for r in (away.run(SMALL, told.append), rv.run(SMALL)))
    assert told == [0]
    assert there.keys() == here.keys()
    for name, array in here.items():
        np.testing.assert_array_equal(there[name], array)


def test_a_run_that_nobody_waits_for_is_dropped_and_its_process_goes_on(away):
    away.run(SMALL, lambda _: None)
    before, until = pids(away), time.monotonic() + 0.5

    def gone():
        if time.monotonic() > until:
            raise GoneError

    start = time.monotonic()
    with asking(gone), pytest.raises(GoneError):
        away.run(LONG, lambda _: None)
    assert time.monotonic() - start < 2.5
    away.run(SMALL, lambda _: None)
    assert len(pids(away)) == 1
    assert before


def test_what_cannot_be_run_is_told_in_a_sentence_and_the_next_can(away):
    with pytest.raises(ValueError, match="must be at most 128 MB"):
        away.run(SMALL.replace(hidden_size=1024, steps=5000), lambda _: None)
    assert away.run(SMALL, lambda _: None).steps == 11


def test_a_legal_run_that_is_too_dear_is_refused_with_numbers_cap_and_what_to_lower():
    dear = rv.RunConfig(steps=2000, batch_size=256, hidden_size=512, task="sine")
    with pytest.raises(ValueError, match=r"at most 128 MB and 60 s, got [\d,]+ MB .*lower \w+ \("):
        checked(dear)
