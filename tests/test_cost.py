"""What a run is thought to take is what it takes, within a factor of two."""

import random
from time import thread_time

import pytest

from benchmarks.cost import is_near, random_config, thought_and_taken
from rnnviz import CELLS, Knob, RunConfig, SweepConfig, TrainConfig, plan_sweep, sweep, train
from rnnviz.cost import Cost, Rates, calibrated, estimate, of_training
from rnnviz.run import record_bytes


def usual(*_):
    return Rates()


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize(
    ("name", "less", "more"),
    [
        ("steps", 30, 31),
        ("batch_size", 3, 4),
        ("hidden_size", 10, 12),
        ("layers", 1, 2),
        ("directions", "forward", "both"),
    ],
)
def test_more_of_anything_takes_longer_and_keeps_more(cell, name, less, more):
    config = RunConfig(cell=cell, steps=20, batch_size=5, hidden_size=8)
    small, large = (estimate(config.replace(**{name: size}), usual) for size in (less, more))
    assert small.seconds < large.seconds
    assert small.bytes < large.bytes


def test_a_whole_orthogonal_draw_of_wide_weights_takes_longer_than_the_run():
    config = RunConfig(cell="lstm", hidden_size=700, steps=2, batch_size=1)
    plain, square, whole = (
        estimate(config.replace(init=init), usual).seconds
        for init in ("normal", "orthogonal", "orthogonal_whole")
    )
    assert plain < square / 3 < whole / 3


def test_a_cell_counts_the_multiplications_of_all_its_matrices():
    assert CELLS["lstm"](3, 5).multiplications == 4 * 5 * (3 + 5)
    assert CELLS["indrnn"](3, 5).multiplications == 5 * 3


def test_the_bytes_are_those_of_the_record():
    config = RunConfig(cell="gru", layers=2, steps=40)
    assert estimate(config, usual).bytes == record_bytes(config)


def test_costs_add_up():
    assert Cost(1.5, 3) + Cost(0.25, 4) == Cost(1.75, 7)


def test_rates_are_measured_once_and_are_all_more_than_nothing():
    rates = calibrated("tanh", "float64")
    assert rates is calibrated("tanh", "float64")
    assert 0 < rates.multiplication < rates.number < rates.step < rates.layer < 0.01


def test_estimates_are_within_a_factor_of_two_or_twenty_milliseconds():
    drawn = random.Random(1)
    pairs = [thought_and_taken(random_config(drawn, 16 << 20)) for _ in range(20)]
    wrong = [pair for pair in pairs if not is_near(*pair)]
    assert len(wrong) <= 2, wrong


@pytest.mark.parametrize(
    "settings",
    [
        {"hidden_size": 16, "iterations": 60},
        {"cell": "gru_norm", "hidden_size": 6, "batch_size": 2, "steps": 40, "iterations": 20},
        {"hidden_size": 128, "batch_size": 3, "steps": 30, "iterations": 30, "omega": 1.0},
    ],
)
def test_a_training_takes_what_was_thought(settings):
    config = TrainConfig(task="adding", **settings)
    thought = of_training(config).seconds
    taken = min(seconds_of(lambda: list(train(config))) for _ in range(2))
    assert thought / 3 < taken < 3 * thought


@pytest.mark.parametrize(
    ("base", "knob"),
    [
        ({}, Knob.linear("gain", 0.5, 2, 6)),
        ({"cell": "gru_norm", "hidden_size": 16}, Knob.linear("gain", 0.5, 2, 3)),
        ({"task": "sine"}, Knob.linear("steps", 40, 200, 5)),
    ],
)
def test_a_sweep_takes_what_was_planned(base, knob):
    config = SweepConfig(base=TrainConfig(**base), knobs=[knob], seeds=[0, 1])
    planned = plan_sweep(config).seconds
    taken = min(seconds_of(lambda: sweep(config, workers=1)) for _ in range(2))
    assert planned / 3 < taken < 3 * planned


def seconds_of(work):
    start = thread_time()
    work()
    return thread_time() - start
