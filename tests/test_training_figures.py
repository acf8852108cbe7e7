"""Pictures of a training: what is drawn is what the history has, at the steps it has it."""

from dataclasses import dataclass, replace

import helpers
import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from rnnviz import figures
from rnnviz.figures.end_labels import spread
from rnnviz.figures.step_marks import Marks, change_words
from rnnviz.figures.theme import MAGNITUDE, NOTHING, PALETTES, RUNS
from rnnviz.history import Change, History
from rnnviz.moments import Moment
from rnnviz.train_step import COLUMNS, columns_of

NETWORK = helpers.network()
STEPS, LAGS = 6, 9
CHANGE = Change(2, "learning rate 0.1 → 0.01")


def moment(step, factor=0.5, eigenvalues=(0.9, 0.5j, -0.5j), log10=None):
    """A gradient that shrinks by ``factor`` at each lag."""
    lag = np.arange(LAGS)
    with np.errstate(divide="ignore"):
        straight = lag * np.log10(factor) - 1.0
    return Moment(
        step=step,
        lag=lag,
        log10_norm=straight if log10 is None else np.asarray(log10, float),
        factor=factor,
        half_life=float(np.log(0.5) / np.log(factor)) if 0 < factor < 1 else None,
        eigenvalues=np.array(eigenvalues, complex),
        largest_singular_value=1.5,
        dead=0.25,
        saturated=0.5,
        closed=np.nan,
        open=np.nan,
        network=NETWORK,
        memory=(),
        norms=np.empty(0),
    )


def history(moments=None, changes=(CHANGE,), steps=STEPS, **columns):
    """A history of few steps with these columns; moments at the first and the fifth."""
    moments = (moment(0), moment(4, 1.5)) if moments is None else tuple(moments)
    names = columns_of(NETWORK)
    rows = np.full((steps, len(names)), np.nan)
    rows[:, 0] = np.arange(steps)
    given = {"loss": 1.0, "grad_norm": 2.0, "clipped_norm": 2.0}
    given |= {name: -3.0 for name in names if name.startswith("ratio.")}
    for name, values in (given | columns).items():
        rows[:, names.index(name)] = values
    first = COLUMNS.index("factor")
    for own in moments:
        if own.step < steps:
            rows[own.step, first : first + len(own.measured)] = own.measured
    return History(names, rows, moments, changes)


LOSS = np.array([4.0, 2.0, 1.0, 0.5, 0.25, 0.125])
HELD_OUT = np.array([3.0, np.nan, np.nan, np.nan, np.nan, 0.5])
WHOLE = history(
    loss=LOSS,
    validation_loss=HELD_OUT,
    accuracy=LOSS / 4,
    validation_accuracy=HELD_OUT / 4,
    grad_norm=[9.0, 3, 1, 1, 1, 1],
    clipped_norm=[2.0, 2, 1, 1, 1, 1],
    threshold=[2.0, 2, 2, 5, 5, 5],
)
EMPTY = history(moments=(), changes=(), steps=0)
PICTURES = {
    "loss_curve": lambda own, **look: figures.loss_curve(own, baseline=0.3, optimum=0.1, **look),
    "gradient_norm": figures.gradient_norm,
    "accuracy_curve": lambda own, **look: figures.accuracy_curve(own, chance=0.5, **look),
    "gradient_map": figures.gradient_map,
    "half_life_curve": figures.half_life_curve,
    "radius_curve": figures.radius_curve,
    "spectrum_path": figures.spectrum_path,
    "unit_health": figures.unit_health,
    "update_ratios": figures.update_ratios,
}


def named(figure, start):
    """The one trace whose name begins so."""
    (trace,) = [trace for trace in figure.data if (trace.name or "").startswith(start)]
    return trace


def notes(figure):
    return [note.text for note in figure.layout.annotations]


def upright(figure, step):
    """The upright lines at a step."""
    lines = [shape for shape in figure.layout.shapes if shape.type == "line"]
    return [shape for shape in lines if shape.x0 == shape.x1 == step]


# Every picture


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("own", [WHOLE, EMPTY, WHOLE.until(1)], ids=["whole", "empty", "one step"])
def test_every_picture_of_a_training_is_valid_and_says_what_it_is(name, own):
    figure = PICTURES[name](own, at=4, caption="gain 1")
    go.Figure(figure.to_dict())  # plotly's own validation
    words = figure.layout.meta
    assert words["question"].endswith("?")
    assert all(words.values())
    assert figure.layout.xaxis.title.text
    assert figure.layout.annotations[-1].text.split() == ["gain", "1"]  # on one line


@pytest.mark.parametrize("name", PICTURES)
def test_a_history_without_steps_says_so_in_words(name):
    figure = PICTURES[name](EMPTY)
    assert figure.layout.meta["alt"].startswith("An empty picture")


@pytest.mark.parametrize("name", PICTURES)
def test_a_theme_changes_no_number(name):
    light, dark = (PICTURES[name](WHOLE, theme=theme) for theme in PALETTES)
    assert light.layout.template.layout.paper_bgcolor != dark.layout.template.layout.paper_bgcolor
    for one, two in zip(light.data, dark.data, strict=True):
        np.testing.assert_array_equal(one.x, two.x)
        np.testing.assert_array_equal(one.y, two.y)


@pytest.mark.parametrize("name", sorted(set(PICTURES) - {"spectrum_path"}))
def test_the_step_that_is_looked_at_and_each_change_are_upright_lines(name):
    figure = PICTURES[name](WHOLE, at=4)
    assert upright(figure, 4)
    assert upright(figure, 2)
    assert {CHANGE.sentence, "4"} <= set(notes(figure))
    assert "0.01 at step 2" in figure.layout.meta["alt"]
    assert not upright(PICTURES[name](WHOLE, at=40), 40)


# The lines


def test_the_loss_and_the_held_out_loss_are_drawn_where_they_were_taken():
    figure = figures.loss_curve(WHOLE, baseline=0.3, optimum=0.1)
    np.testing.assert_array_equal(named(figure, "training loss").y, LOSS)
    np.testing.assert_array_equal(named(figure, "held-out loss").x, [0, 5])
    np.testing.assert_allclose(named(figure, "ignoring").y, 0.3)
    np.testing.assert_allclose(named(figure, "best possible").y, 0.1)
    assert named(figure, "held-out loss").line.dash == "dot"
    ends = "".join(notes(figure))
    assert all(text in ends for text in ("training loss", "held-out loss", "past: 0.3", "0.1"))


def test_an_optimum_of_0_is_said_where_no_log_axis_can_show_it():
    figure = figures.loss_curve(WHOLE, optimum=0.0)
    assert not any((trace.name or "").startswith("best") for trace in figure.data)
    assert "best possible loss is 0" in figure.layout.meta["subtitle"]


def test_several_runs_have_the_same_colour_on_every_picture():
    runs = {"first": WHOLE, "second": history(loss=LOSS / 2, changes=())}
    for draw in (figures.loss_curve, figures.gradient_norm, figures.accuracy_curve):
        figure = draw(runs)
        for name, colour in zip(runs, RUNS, strict=False):
            own = [trace for trace in figure.data if (trace.name or "").startswith(f"{name},")]
            assert {trace.line.color for trace in own} == {colour}
        assert "first: learning rate 0.1 → 0.01" in notes(figure)
    assert sum("first" in note for note in notes(figure)) == 2  # its line's end, and its change


def test_the_norms_the_threshold_and_the_share_of_clipped_steps_are_the_historys():
    figure = figures.gradient_norm(WHOLE)
    np.testing.assert_array_equal(named(figure, "before").y, WHOLE.column("grad_norm"))
    np.testing.assert_array_equal(named(figure, "after").y, WHOLE.column("clipped_norm"))
    np.testing.assert_array_equal(named(figure, "threshold").y, WHOLE.column("threshold"))
    assert "33.3 % of 6 steps" in figure.layout.meta["subtitle"]
    assert "clipped at 2 of them" in figure.layout.meta["alt"]


def test_a_threshold_of_values_is_no_norm_and_no_line():
    figure = figures.gradient_norm(WHOLE, clip_by="value")
    assert not any(trace.name == "threshold" for trace in figure.data)


@pytest.mark.parametrize(
    ("last", "word"), [(np.nan, "NaN"), (np.inf, "infinite"), (0.0, "exactly 0")]
)
def test_a_loss_that_no_log_axis_holds_is_marked_with_its_step(last, word):
    loss = np.append(LOSS[:-1], last)
    figure = figures.loss_curve(history(loss=loss))
    mark = named(figure, word)
    np.testing.assert_array_equal(mark.x, [5])
    edge = figure.layout.yaxis.range[0 if word == "exactly 0" else 1]
    np.testing.assert_allclose(np.log10(mark.y), edge)
    assert any(f"{word} at step 5" in note for note in notes(figure))
    assert f"{word} at step 5" in figure.layout.meta["alt"]


def test_the_ratios_are_numbers_with_the_largest_matrix_first_and_the_rest_named():
    names = columns_of(NETWORK)
    many = [f"ratio.l{n}.W_hh" for n in range(12)]
    rows = np.full((STEPS, len(names) + len(many)), -2.0)
    rows[:, 0] = np.arange(STEPS)
    own = History((*names, *many), rows, (moment(0),))
    figure = figures.update_ratios(own)
    lines = [trace for trace in figure.data if trace.name and "." in trace.name[:9]]
    assert len(lines) == 8
    assert lines[-1].name == "l0.W_hh"  # drawn last, over all others
    np.testing.assert_allclose(lines[-1].y, 0.01)
    assert "Not drawn:" in figure.layout.meta["subtitle"]
    np.testing.assert_allclose(named(figure, "rule of thumb").y, 1e-3)


def test_a_parameter_that_does_not_move_is_marked_at_the_lower_edge():
    ratio = np.array([-2, -2, -np.inf, -2, -2, np.nan])
    figure = figures.update_ratios(history(**{"ratio.l0.W_hh": ratio}))
    np.testing.assert_array_equal(named(figure, "exactly 0").x, [2])
    assert not any((trace.name or "").startswith("NaN") for trace in figure.data)


def test_radius_and_unit_shares_are_drawn_at_the_moments():
    figure = figures.radius_curve(WHOLE)
    np.testing.assert_array_equal(named(figure, "spectral radius").x, [0, 4])
    np.testing.assert_array_equal(named(figure, "spectral radius").y, [0.9, 0.9])
    np.testing.assert_array_equal(named(figure, "largest").y, [1.5, 1.5])
    np.testing.assert_array_equal(named(figure, "1: holds").y, [1, 1])
    figure = figures.unit_health(WHOLE)
    np.testing.assert_array_equal(named(figure, "dead").y, [0.25, 0.25])
    np.testing.assert_array_equal(named(figure, "saturated").y, [0.5, 0.5])


def test_of_a_cell_with_gates_the_stuck_gates_are_drawn():
    gated = [replace(moment(0), dead=np.nan, saturated=np.nan, closed=0.125, open=0.75)]
    figure = figures.unit_health(history(moments=gated))
    np.testing.assert_array_equal(named(figure, "open").y, [0.75])
    np.testing.assert_array_equal(named(figure, "closed").y, [0.125])
    assert not [trace for trace in figure.data if trace.name in ("dead", "saturated")]
    assert figure.layout.yaxis.title.text == "share of gates"
    assert "75 % open at first" in figure.layout.meta["alt"]


def test_units_that_cannot_be_counted_are_not_said_to_be_healthy():
    neither = [replace(moment(0), dead=np.nan, saturated=np.nan)]
    figure = figures.unit_health(history(moments=neither))
    assert "this cell has neither flat units nor gates to count" in notes(figure)


def test_the_accuracy_has_the_level_of_an_answer_without_the_past():
    figure = figures.accuracy_curve(WHOLE, chance=0.5)
    np.testing.assert_array_equal(named(figure, "training batches").y, LOSS / 4)
    np.testing.assert_array_equal(named(figure, "held-out batch").y, [0.75, 0.125])
    np.testing.assert_array_equal(named(figure, "ignoring the").y, [0.5, 0.5])
    assert "Ignoring the past gets 50 %" in figure.layout.meta["alt"]
    assert "no right and wrong in this task" in notes(figures.accuracy_curve(history()))


# The moments


def test_a_column_of_the_map_is_a_moment_at_its_training_step():
    figure = figures.gradient_map(WHOLE)
    cells = named(figure, "log10")
    np.testing.assert_array_equal(cells.x, [0, 4])
    np.testing.assert_array_equal(cells.y, np.arange(LAGS))
    expected = np.stack([own.log10_norm for own in WHOLE.moments], axis=1)
    np.testing.assert_allclose(cells.z, expected, rtol=1e-6)
    np.testing.assert_allclose(cells.text * 10.0**cells.customdata, 10**expected, rtol=0.006)
    assert cells.colorscale[0][1] == MAGNITUDE[0]
    assert "Absolute" in figure.layout.meta["subtitle"]


def test_the_half_life_on_the_map_has_gaps_where_the_gradient_does_not_shrink():
    own = history(moments=[moment(0, 0.5), moment(1, 1.0), moment(2, 1.5), moment(3, 0.25)])
    line = named(figures.gradient_map(own), "half-life")
    np.testing.assert_allclose(line.y, [1.0, np.nan, np.nan, 0.5])
    assert "half-life" in notes(figures.gradient_map(own))


def test_nothings_on_the_map_are_cells_of_their_own_colour_with_words():
    flat = np.zeros(LAGS)
    zero, nan, inf = flat.copy(), flat.copy(), flat.copy()
    zero[5:], nan[8:], inf[7:] = -np.inf, np.nan, np.inf
    moments = [moment(n, log10=values) for n, values in enumerate((zero, nan, inf))]
    figure = figures.gradient_map(history(moments=moments))
    for kind, name, number in (
        ("zero", "exactly 0", 4),
        ("nan", "NaN", 1),
        ("infinite", "infinite", 2),
    ):
        marks = named(figure, f"{name}: {number}")
        assert np.nansum(marks.z) == number
        assert marks.colorscale[0][1] == NOTHING[kind]
        assert any(f"{name}: {number} of 27" in note for note in notes(figure))
        assert f"{name} at {number}" in figure.layout.meta["alt"]


def test_a_long_sequence_is_thinned_on_the_map_and_says_so():
    lag = np.arange(1000)
    long = [replace(moment(n), lag=lag, log10_norm=-0.01 * lag) for n in (0, 3)]
    figure = figures.gradient_map(history(moments=long))
    cells = named(figure, "log10")
    assert len(cells.y) <= 128
    np.testing.assert_allclose(cells.z[:, 0], -0.01 * np.array(cells.y), rtol=1e-6)
    assert "Every 8th lag" in figure.layout.meta["subtitle"]


def test_shrinking_holding_and_growing_moments_are_told_apart():
    own = history(moments=[moment(0, 0.5), moment(1, 1.0), moment(2, 2.0), moment(3, 0.25)])
    figure = figures.half_life_curve(own)
    np.testing.assert_array_equal(named(figure, "factor").y, [0.5, 1, 2, 0.25])
    np.testing.assert_allclose(named(figure, "half-life").y, [1, np.nan, np.nan, 0.5])
    np.testing.assert_allclose(named(figure, "doubling").y, [np.nan, np.nan, 1, np.nan])
    np.testing.assert_array_equal(named(figure, "holds: 1").x, [1])
    assert any("holds at 1 moment" in note for note in notes(figure))
    assert "shrinks at 2, holds at 1 and grows at 1" in figure.layout.meta["alt"]


def test_the_eigenvalues_move_on_axes_that_do_not():
    first, last = (0.9, 0.5j, -0.5j), (2.0, 0.1j, -0.1j)
    own = history(moments=[moment(0, eigenvalues=first), moment(4, eigenvalues=last)])
    pictures = [figures.spectrum_path(own, at) for at in (0, 1, 3, None)]
    ranges = {(f.layout.xaxis.range, f.layout.yaxis.range) for f in pictures}
    assert len(ranges) == 1
    assert pictures[0].layout.xaxis.range[1] > 2
    np.testing.assert_array_equal(named(pictures[1], "inside").x, [0.9, 0, 0])  # moment 0 is nearer
    np.testing.assert_array_equal(named(pictures[3], "outside").x, [2.0])
    np.testing.assert_array_equal(named(pictures[3], "step 0").x, [0.9, 0, 0])
    assert not any((trace.name or "") == "step 0" for trace in pictures[0].data)
    assert "spectral radius is 2" in pictures[3].layout.meta["alt"]


def test_eigenvalues_that_leave_the_picture_or_are_no_numbers_are_counted():
    wild = (1e6, np.nan, 0.5)
    own = history(moments=[moment(0), moment(1), moment(2, eigenvalues=wild)])
    figure = figures.spectrum_path(own)
    assert figure.layout.xaxis.range[1] < 10
    assert "1 outside the picture, up to |λ| = 1e+06, 1 not finite" in notes(figure)


@dataclass(frozen=True)
class Recalled:
    """Answers by lag, as the diagnostic gives them."""

    columns: dict[str, list[float]]

    def to_frame(self):
        return pd.DataFrame(self.columns)


@pytest.mark.parametrize("name", ["accuracy", "r2"])
def test_the_recall_is_drawn_by_lag_with_the_level_of_guessing(name):
    result = Recalled({"lag": [1, 2, 3, 5], name: [1.0, 0.75, np.nan, 0.25]})
    figure = figures.recall_curve(result, chance=0.125, caption="gain 1")
    go.Figure(figure.to_dict())
    line = named(figure, "right answers" if name == "accuracy" else "R²")
    np.testing.assert_array_equal(line.x, [1, 2, 3, 5])
    np.testing.assert_array_equal(line.y, [1.0, 0.75, np.nan, 0.25])
    np.testing.assert_array_equal(named(figure, "guessing").y, [0.125, 0.125])
    assert any("no answer at 1 lag" in note for note in notes(figure))
    assert "0.25 at lag 5" in figure.layout.meta["alt"]


def test_answers_worse_than_none_stay_in_the_picture():
    figure = figures.recall_curve(Recalled({"lag": [1, 2], "r2": [-0.5, 0.5]}))
    assert figure.layout.yaxis.range[0] < -0.5


# The parts


def test_labels_at_the_ends_of_lines_keep_apart_and_inside():
    levels = spread([100.0, 101.0, 102.0, 199.0], [13.0, 13.0, 26.0, 13.0], 200)
    assert np.diff(levels).min() >= 13.0
    assert levels[-1] + 6.5 <= 200
    levels = spread([-50.0, -40.0, 300.0], [13.0] * 3, 200)
    assert levels[0] >= 6.5
    assert levels[-1] <= 193.5


def test_words_of_changes_hide_no_other_and_a_crowd_keeps_its_lines():
    changes = [(step, f"learning rate {step} → 0.1") for step in range(0, 100, 10)]
    words, lines, above = change_words(Marks(changes), (0.0, 100.0), 280, PALETTES["light"])
    assert len(lines) == 10
    assert 1 < len(words) < 10
    assert above == 45
    assert {note["text"] for note in words} < {text for _, text in changes}


def test_a_long_curve_keeps_every_peak():
    loss = np.ones(50_000)
    loss[[7, 31_234]] = 1e6, 1e-6
    own = history(moments=(), changes=(), steps=50_000, loss=loss)
    line = named(figures.loss_curve(own), "training loss")
    assert len(line.y) < 2_100
    assert (line.y.max(), line.y.min()) == (1e6, 1e-6)
    assert {7, 31_234, 0, 49_999} <= set(line.x)


def test_what_no_axis_holds_is_marked_within_its_ends():
    level = 0.348823248550769  # ten to the end of its axis, as a log, is above that end
    run = history(moments=(), changes=(), steps=1, loss=np.inf, validation_loss=np.inf)
    figure = figures.loss_curve(run, baseline=level)
    low, high = figure.layout.yaxis.range
    marks = [trace for trace in figure.data if trace.mode == "markers"]
    assert [mark.name for mark in marks] == ["infinite: 1", "infinite: 1"]
    assert all(low < np.log10(y) < high for mark in marks for y in mark.y)
