"""A sweep as grids: medians and spread over seeds, what is missing, and what theory draws."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit

import rnnviz as rv
from rnnviz.sweep.laws import input_variance_of
from rnnviz.sweep.table import Axis
from rnnviz.sweep.theory import theory_of

DRIVEN = {"task": "temporal_order", "init": "normal", "input_init": "fixed", "bias": "zero"}


def config(**changes) -> rv.SweepConfig:
    base = rv.TrainConfig(hidden_size=7, batch_size=3, lag=4, task="delayed_recall")
    knobs = [rv.Knob.linear("gain", 0.5, 2, 4), rv.Knob.of("steps", [3, 9, 30])]
    measures = ["factor", "half_life", "success"]
    settings = {"base": base, "knobs": knobs, "seeds": [3, 1, 2], "measures": measures}
    return rv.SweepConfig(**settings | changes)


def table_of(own: rv.SweepConfig, **columns) -> rv.SweepTable:
    """A finished sweep with these numbers, each a function of the row."""
    rows = [(*values, seed) for values, seed in own.points]
    frame = rv.sweep(own.model_copy(update={"measures": ("loss",)}), workers=1).drop(columns="loss")
    for name in own.measures:
        frame[name] = [float(columns.get(name, lambda _: 1.0)(n)) for n in range(len(rows))]
    frame["error"] = ""
    return rv.SweepTable(own, frame[[*own.columns]])


@pytest.fixture(scope="module")
def table():
    return table_of(config(), factor=lambda n: [0.5, 0.9, 0.6][n % 3], success=lambda n: n % 3 == 0)


def test_a_cell_is_the_median_of_its_seeds_between_the_smallest_and_the_largest(table):
    assert table.grid("factor").shape == table.shape == (4, 3)
    np.testing.assert_array_equal(table.grid("factor"), 0.6)
    np.testing.assert_array_equal(table.low("factor"), 0.5)
    np.testing.assert_array_equal(table.high("factor"), 0.9)
    np.testing.assert_allclose(table.grid("success"), 1 / 3)


def test_rows_that_are_not_there_yet_are_waited_for_and_are_no_numbers(table):
    some = replace(table, frame=table.frame.iloc[:5])
    assert some.count == 5
    assert some.done[0].tolist() == [3, 2, 0]
    assert some.grid("factor")[0, :2].tolist() == [0.6, 0.7]
    assert some.states("factor")[0].tolist() == ["known", "known", "waiting"]
    nothing = replace(table, frame=table.frame.iloc[:0])
    assert np.isnan(nothing.grid("factor")).all()
    assert set(nothing.states("success").ravel()) == {"waiting"}


def test_failed_nan_zero_and_infinite_are_told_apart(table):
    frame = table.frame.copy()
    frame.loc[:2, ["factor", "error"]] = np.nan, "lag must be less"
    frame.loc[3:5, "factor"] = np.nan
    frame.loc[6:8, "factor"] = 0.0
    frame.loc[9:11, "factor"] = np.inf
    frame.loc[12, ["factor", "error"]] = np.nan, "no memory"
    own = replace(table, frame=frame)
    assert own.states("factor").ravel()[:5].tolist() == [
        *("failed", "nan", "zero", "infinite", "known")
    ]
    assert own.errors[0, 0] == "lag must be less"
    assert own.failed.ravel()[:5].tolist() == [3, 0, 0, 0, 1]
    assert own.grid("factor")[1, 1] == 0.75  # of 0.9 and 0.6


def test_a_half_life_that_never_comes_is_infinite_and_a_failed_run_has_none(table):
    frame = table.frame.copy()
    frame["half_life"] = np.nan
    frame.loc[:2, "error"] = "failed"
    grid = replace(table, frame=frame).grid("half_life")
    assert np.isnan(grid[0, 0])
    assert np.isinf(grid.ravel()[1:]).all()


def test_a_cell_is_the_run_that_its_row_was(table):
    assert table.run_at(2, 1, 3) == table.config.at((1.5, 9), 3)
    with pytest.raises(ValueError, match="takes 2 indices and a seed, got 2 numbers"):
        table.run_at(2, 1)
    with pytest.raises(ValueError, match="measure must be one of"):
        table.grid("reach")


def test_half_life_is_the_length_of_each_cell(table):
    level = table.half_life_is_T()
    np.testing.assert_allclose(level[2] ** [3, 9, 30], 0.5)


def test_the_frame_has_a_row_a_cell(table):
    frame = table.to_frame()
    assert len(frame) == 12
    assert frame.loc[5, ["gain", "steps", "factor", "factor_high"]].tolist() == [1, 30, 0.6, 0.9]


def test_names_and_numbers_in_disorder_stand_side_by_side():
    assert Axis.of(rv.Knob.of("cell", ["lstm", "tanh"])).positions.tolist() == [0, 1]
    assert Axis.of(rv.Knob.of("steps", [9, 3])).scale == "category"
    assert Axis.of(rv.Knob.of("steps", [3, 9])).scale == "linear"
    assert Axis.of(rv.Knob.log("steps", 3, 300, 3)).scale == "log"


# Theory


def driven(*knobs: rv.Knob, **changes) -> rv.SweepConfig:
    return rv.SweepConfig(base=rv.TrainConfig(**DRIVEN | {"steps": 40} | changes), knobs=knobs)


GAIN = rv.Knob.linear("gain", 0.5, 3, 6)


@pytest.mark.parametrize("turn", [1, -1], ids=["gain first", "input first"])
def test_the_critical_input_can_be_read_off_the_line(turn):
    (line,) = theory_of(driven(*[GAIN, rv.Knob.log("input_scale", 0.1, 6, 5)][::turn]))
    gain, scale = (line.x, line.y)[::turn]
    np.testing.assert_allclose(
        np.interp([1.5, 2, 3], gain, scale), [0.431, 1.279, 3.883], rtol=2e-3
    )
    assert line.label == "χ = 1"
    assert [told[:21] for told in line.warnings] == ["Between g = 1 and 1.5"]


@pytest.mark.parametrize("input_init", ["fixed", "uniform", "he", "glorot_normal"])
def test_the_expected_input_variance_is_that_of_a_wide_network(input_init):
    own = rv.RunConfig(**DRIVEN | {"input_init": input_init, "bias": "uniform", "steps": 40})
    own = own.replace(hidden_size=1024, input_scale=1.7)
    record = rv.run(own)
    layer = record.network.layers[0].params
    a = record.x @ layer["W_ih"].T + layer["b_ih"] + layer["b_hh"]
    assert input_variance_of(own) == pytest.approx(a.var(), rel=0.1)


def test_a_linear_network_holds_at_radius_1_whatever_the_scheme_makes_of_the_gain():
    knobs = rv.Knob.of("init", ["normal", "uniform", "he", "orthogonal"]), GAIN
    random, exact = theory_of(driven(*knobs, cell="linear"))
    assert (random.name, exact.name) == ("circular law", "spectral radius")
    np.testing.assert_allclose(random.y[:9:3], [1, np.sqrt(3), np.sqrt(0.5)])
    assert exact.y[9] == 1
    assert np.isnan(exact.y[:9]).all()


def test_the_forget_gate_halves_at_the_lag():
    lag, bias = rv.Knob.of("lag", [5, 30]), rv.Knob.linear("forget_bias", 0, 5, 4)
    settings = {"cell": "lstm", "gate_bias": "forget", "task": "delayed_recall"}
    (line,) = theory_of(driven(lag, bias, **settings))
    np.testing.assert_allclose(expit(line.y) ** [5, 30], 0.5)
    (line,) = theory_of(driven(bias, **settings))
    np.testing.assert_allclose(line.y, expit(line.x))
    assert "zero weights" in line.warnings[0]


def test_no_line_where_none_is_known():
    assert theory_of(driven(GAIN, cell="lstm")) == ()
    assert theory_of(driven(GAIN, layers=2)) == ()
    assert theory_of(driven(rv.Knob.of("steps", [3, 9]), rv.Knob.of("clip", [0, 1]))) == ()
