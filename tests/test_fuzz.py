"""A few of the mutants that ``make fuzz`` reads: no fault, in no format."""

from fuzz import FORMATS, fuzz, mutant

COUNT = 100


def test_mutants_are_the_same_each_time_and_differ():
    for name in FORMATS:
        assert mutant(name, 3) == mutant(name, 3)
        assert len({mutant(name, n) for n in range(20)}) > 15


def test_every_mutant_is_a_sentence_or_numbers_that_are_in_it():
    told = fuzz(FORMATS, COUNT)
    assert told.faults == []
    for name in FORMATS:
        assert sum(n for (form, _), n in told.counts.items() if form == name) == COUNT
