"""Pictures of a sweep, by their data: every cell is drawn, and what is no number is named."""

from dataclasses import replace

import numpy as np
import plotly.graph_objects as go
import pytest

import rnnviz as rv
from rnnviz import figures
from rnnviz.figures.sweep_axes import Laid
from rnnviz.figures.theme import CHANGE, NOTHING
from rnnviz.sweep.table import Axis

DRIVEN = {"task": "temporal_order", "init": "normal", "input_init": "fixed", "bias": "zero"}


def swept(*knobs: rv.Knob, seeds=(0, 1), measures=("factor", "loss"), **changes) -> rv.SweepTable:
    settings = DRIVEN | {"hidden_size": 9, "steps": 12, "batch_size": 2} | changes
    config = rv.SweepConfig(
        base=rv.TrainConfig(**settings), knobs=knobs, seeds=seeds, measures=measures
    )
    return rv.SweepTable(config, rv.sweep(config, workers=1))


GAIN, SCALE = rv.Knob.linear("gain", 0.5, 3, 6), rv.Knob.log("input_scale", 0.1, 6, 4)


@pytest.fixture(scope="module")
def table():
    return swept(GAIN, SCALE, measures=("factor", "half_life", "reach", "loss", "exponent"))


@pytest.fixture(scope="module")
def holed(table):
    """One cell failed, one 0, one infinite, one NaN, and the last twelve cells not there yet."""
    frame = table.frame.iloc[:24].copy()
    numbers = [*table.config.measures]
    frame.loc[:1, numbers] = np.nan
    frame.loc[:1, "error"] = "lag must be <b>less</b>"
    frame.loc[2:3, numbers] = 0.0
    frame.loc[4:5, numbers] = np.inf
    frame.loc[6:7, numbers] = np.nan
    return replace(table, frame=frame)


def by_name(figure: go.Figure) -> dict[str, go.Figure]:
    return {trace.name: trace for trace in figure.data}


def valid(figure: go.Figure) -> go.Figure:
    assert set(figure.layout.meta) == {"question", "subtitle", "how_to_read", "alt", "name"}
    assert all(figure.layout.meta.values())
    return go.Figure(figure.to_dict())


def test_the_map_is_the_log_of_each_median_centred_at_1(table):
    figure = figures.phase_map(table)
    cells = by_name(figure)["Factor per step"]
    np.testing.assert_allclose(cells.z, np.log10(table.grid("factor")).T, rtol=1e-6)
    assert cells.zmin == -cells.zmax
    assert cells.colorscale[2][1] == CHANGE[2]
    assert cells.customdata[3, 5].tolist() == [5, 3]
    assert "Gain g: 3<br>Input scale: 6<br>" in cells.text[3][5]
    assert "2 seeds: from ×" in cells.text[3][5]


def test_the_critical_line_is_dashed_where_theory_says_and_named_at_it(table):
    figure = figures.phase_map(table)
    line = by_name(figure)["mean field: χ = 1"]
    assert line.line.dash == "dash"
    at = np.interp([1.5, 2, 3], line.x, 10**line.y)
    np.testing.assert_allclose(at, [0.431, 1.279, 3.883], rtol=2e-3)
    assert "χ = 1" in [note.text for note in figure.layout.annotations]
    assert "few" in figure.layout.meta["subtitle"]


def test_what_is_no_number_is_drawn_named_and_counted(holed):
    for picture in (figures.phase_map, figures.sweep_lines, figures.parallel):
        valid(picture(holed))
    figure = figures.phase_map(holed)
    names = by_name(figure)
    for kind in ("failed: 1", "exactly 0: 1", "infinite: 1", "not a number: 1"):
        assert kind in names
    assert len(names["not computed yet: 12"].x) == 12
    assert "not computed yet: 12 of 24" in figure.layout.annotations[2].text
    assert "failed at 1, not a number at 1" in figure.layout.meta["alt"]
    assert "2 failed: lag must be &lt;b&gt;less" in names["Factor per step"].text[0][0]
    assert "3 of" not in figure.layout.meta["subtitle"]


def test_half_life_is_t_is_where_the_factor_halves_over_the_length(table):
    line = by_name(figures.phase_map(table))["half-life = T"]
    goal = np.log10(0.5) / 12
    np.testing.assert_allclose(line.z, np.log10(table.grid("factor")).T - goal)


@pytest.mark.parametrize("measure", ["factor", "half_life", "reach", "loss", "exponent"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_measure_is_drawn_in_both_themes(table, measure, theme):
    valid(figures.phase_map(table, measure=measure, theme=theme, caption="small"))
    valid(figures.sweep_lines(table, measure, theme=theme, caption="small"))


def test_nothing_known_one_value_one_seed_and_names_are_drawn(table):
    empty = replace(table, frame=table.frame.iloc[:0])
    for picture in (figures.phase_map, figures.sweep_lines, figures.parallel):
        valid(picture(empty))
    cells, one = rv.Knob.of("cell", ["tanh", "lstm", "linear"]), rv.Knob.of("gain", [1.5])
    for knobs in ((cells, GAIN), (GAIN, cells), (one, SCALE), (one, cells), (one,), (cells,)):
        small = swept(*knobs, seeds=(4,), measures=("factor",))
        valid(figures.sweep_lines(small))
        valid(figures.parallel(small))
        if len(knobs) == 2:
            assert "half-life = T" not in by_name(valid(figures.phase_map(small)))
    with pytest.raises(ValueError, match="over 2 knobs, got 1"):
        figures.phase_map(small)


def test_three_knobs_are_drawn_at_one_value_of_the_third():
    small = swept(GAIN, SCALE, rv.Knob.of("steps", [4, 11]), measures=("factor",))
    figure = figures.phase_map(small, third=1)
    valid(figure)
    np.testing.assert_allclose(
        figure.data[0].z, np.log10(small.grid("factor")[:, :, 1]).T, rtol=1e-6
    )
    assert figure.data[0].customdata[0, 0].tolist() == [0, 0, 1]
    assert figures.parallel(small).data[0].customdata.shape[1] == 3
    valid(figures.sweep_lines(small))


def test_lines_go_through_the_medians_with_a_band_to_the_ends(table):
    names = by_name(figures.sweep_lines(table))
    np.testing.assert_array_equal(names["0.1"].y, table.grid("factor")[:, 0])
    np.testing.assert_array_equal(names["smallest, 0.1"].y, table.low("factor")[:, 0])
    np.testing.assert_array_equal(names["largest, 0.1"].y, table.high("factor")[:, 0])
    assert names["0.1"].customdata[4].tolist() == [4, 0]
    assert names["half-life = T"].line.dash == "dashdot"


def test_a_single_line_has_its_theory_beside_it():
    small = swept(GAIN, cell="linear", init="orthogonal", seeds=(2,), measures=("factor",))
    names = by_name(figures.sweep_lines(small))
    np.testing.assert_allclose(names["theory"].y, names["theory"].x)
    np.testing.assert_allclose(names["Factor per step"].y, GAIN.values)


def test_what_was_not_measured_is_seen_where_the_axis_has_one_value():
    small = swept(rv.Knob.of("gain", [1.5]), seeds=(2,), measures=("factor",))
    names = by_name(figures.sweep_lines(small))
    assert names["theory"].mode == names["half-life = T"].mode == "markers"


def test_over_names_theory_is_a_dash_at_each_that_has_one_and_no_sentence_comes_twice():
    cells = rv.Knob.of("cell", ["tanh", "lstm", "relu"])
    small = swept(cells, seeds=(2,), measures=("factor",))
    figure = figures.sweep_lines(small)
    theory = by_name(figure)["theory"]
    assert theory.mode == "markers"
    assert theory.x.tolist() == [0, 2]
    np.testing.assert_allclose(theory.y[1], np.sqrt(0.5))
    assert sum("theory" in note.text for note in figure.layout.annotations) == 1
    assert figure.layout.meta["subtitle"].count("9 units are few") == 1
    small = swept(GAIN, cells, seeds=(2,), measures=("factor",))
    assert len(small.theory()) == 2
    figure = figures.phase_map(small)
    assert figure.layout.meta["subtitle"].count("9 units are few") == 1
    labels = [note for note in figure.layout.annotations if note.text == "χ = 1"]
    assert [label.y for label in labels] == [0, 2]  # in the rows of tanh and relu


def test_a_line_of_the_parallel_picture_is_at_its_share_of_each_row():
    small = swept(GAIN, measures=("factor",), cell="linear", init="orthogonal", seeds=(0,))
    points = np.concatenate(
        [np.column_stack([t.x, t.customdata[:, 0]]) for t in figures.parallel(small).data]
    )
    last = points[points[:, 1] == 5]
    np.testing.assert_allclose(last[:2, 0], [1, 1])
    first = points[points[:, 1] == 0]
    np.testing.assert_allclose(first[:2, 0], [0, 0], atol=1e-12)


def test_each_kind_without_a_number_is_apart_in_its_colour_in_the_parallel_picture(holed):
    figure = figures.parallel(holed)
    kinds = ("not a number", "exactly 0", "infinite")
    marks = {name: mark for name, mark in by_name(figure).items() if name in kinds}
    assert {mark.marker.color for mark in marks.values()} == {
        *(NOTHING[kind] for kind in ("nan", "zero", "infinite"))
    }
    ends = {x for line in figure.data if "lines" in line.mode for x in line.x if x > 1}
    assert ends == {*(mark.x[0] for mark in marks.values()), by_name(figure)["failed"].x[0]}
    words = next(note.text for note in figure.layout.annotations if "exactly 0: 1" in note.text)
    assert f'{NOTHING["zero"]}">■</span> exactly 0: 1' in words


def test_values_on_a_log_axis_have_equal_room():
    laid = Laid(Axis.of(rv.Knob.log("steps", 10, 1000, 3)))
    np.testing.assert_allclose(laid.edges, [0.5, 1.5, 2.5, 3.5])
    assert laid.drawn(2)["ticktext"] == ["10", "1,000"]
