"""Sizes for a fair comparison: counted as built, and the nearest there is."""

import pytest

import rnnviz as rv
from rnnviz.match import matched, parameter_count, with_parameters
from rnnviz.run import untrained

SHAPES = [
    {},
    {"layers": 3},
    {"directions": "both", "layers": 2},
    {"readout": "none"},
    {"bias": "single"},
    {"task": "copy", "residual": "add", "layers": 2},
]


@pytest.mark.parametrize("cell", rv.CELLS)
@pytest.mark.parametrize("changes", SHAPES, ids=str)
def test_the_count_is_that_of_the_network_as_it_is_built(cell, changes):
    config = rv.RunConfig(**{"cell": cell, "hidden_size": 14, **changes})
    built = sum(W.size for W in untrained(config).params.values())
    assert parameter_count(config) == built


@pytest.mark.parametrize("cell", rv.CELLS)
@pytest.mark.parametrize("hidden_size", [3, 17, 64])
def test_no_other_hidden_size_is_nearer_in_parameters(cell, hidden_size):
    config = rv.RunConfig(cell="gru", hidden_size=hidden_size, layers=2)
    wanted = parameter_count(config)
    found = matched(config, cell, by="parameters")
    step = 1 + rv.CELLS[cell].in_pairs
    near = [found.hidden_size + step * n for n in (-2, -1, 1, 2)]
    off = abs(parameter_count(found) - wanted)
    for size in near:
        if size >= 1:
            assert off <= abs(parameter_count(found.replace(hidden_size=size)) - wanted)


def test_nothing_but_cell_and_size_changes():
    config = rv.TrainConfig(gain=1.3, steps=33, hidden_size=30, seed=4, learning_rate=0.02)
    found = matched(config, "lstm", by="parameters")
    assert found == config.replace(cell="lstm", hidden_size=found.hidden_size)
    assert isinstance(found, rv.TrainConfig)
    assert matched(config, "tanh", by="parameters") == config


def test_the_same_hidden_size_is_even_where_units_come_in_pairs():
    config = rv.RunConfig(hidden_size=7)
    assert matched(config, "gru").hidden_size == 7
    assert matched(config, "lru").hidden_size == 8
    assert matched(config, "lru", by="parameters").hidden_size % 2 == 0


def test_the_ends_of_the_range_are_the_nearest_to_what_lies_beyond():
    config = rv.RunConfig(cell="lstm")
    assert with_parameters(config, 1).hidden_size == 1
    assert with_parameters(config, 10**12).hidden_size == 1024
    classes = rv.RunConfig(task="copy", readout="none", hidden_size=20)
    assert with_parameters(classes, 1).hidden_size == classes.fewest_units


def test_an_unknown_cell_is_refused_in_a_sentence():
    with pytest.raises(ValueError, match="cell must be one of"):
        matched(rv.RunConfig(), "transformer")
