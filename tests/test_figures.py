"""Figures are tested by their data: what is drawn is what was measured, and nothing is left out."""

import json
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

import rnnviz as rv
from rnnviz import figures
from rnnviz.figures.labels import placed
from rnnviz.figures.lines import Area, Curve
from rnnviz.figures.text import mantissa_exponent, plain, short
from rnnviz.figures.theme import MAGNITUDE, NOTHING, OPENING, PALETTES, SIGNED
from rnnviz.figures.units import MOST_COLUMNS, MOST_ROWS
from rnnviz.run import draw

SMALL = {"hidden_size": 8, "steps": 20, "batch_size": 5, "task": "sine"}
SETTINGS = {
    "default": {},
    "one step": {"steps": 1},
    "one unit": {"hidden_size": 1},
    "one sequence": {"batch_size": 1},
    "one of all": {"steps": 1, "hidden_size": 1, "batch_size": 1},
    "no recurrence": {"gain": 0.0},
    "overflow": {
        "cell": "relu",
        "gain": 10.0,
        "steps": 700,  # of which no picture has a column each
        "batch_size": 2,
        "init": "identity",
    },
    "overflow in float32": {"cell": "linear", "gain": 10.0, "steps": 60, "dtype": "float32"},
    "every step": {"loss_at": "all"},
    "below any float": {"gain": 0.01, "steps": 200},
    "classes": {"task": "copy", "steps": 30, "loss_at": "task"},
    "two layers": {"layers": 2, "cell": "sigmoid"},
}


def config(**changes):
    return rv.RunConfig(**{**SMALL, **changes})


def flow_of(record, source="last"):
    return rv.diagnostics.gradient_flow(record, source)


def panel(record, **options):
    """The time panel of a record, as the page draws it."""
    spectrum = rv.diagnostics.eigenvalues(record.network)
    return figures.time_panel(record, flow_of(record), **{"spectrum": spectrum, **options})


class Recalled:
    """Answers by lag."""

    def to_frame(self):
        return pd.DataFrame({"lag": [1, 2, 4], "accuracy": [1.0, 0.5, 0.25]})


@cache
def trained():
    """A short training, for the pictures of one."""
    settings = rv.TrainConfig(hidden_size=4, steps=6, batch_size=3, task="sine", iterations=3)
    history = rv.History.collect(rv.train(settings))
    rows = history.rows.copy()
    rows[:, history.columns.index("accuracy")] = 0.5  # which this task has not
    return replace(history, rows=rows)


def every_picture(settings, **options):
    """Each picture, by name."""
    return pictures_of_a_run(settings, **options) | pictures_of_many_runs(**options)


def pictures_of_a_run(settings, **options):
    """Each picture of one run, by name."""
    record, batch = rv.run(settings), draw(settings)
    total, loss = flow_of(record, "total"), batch.loss(settings.loss_at)
    spectrum = rv.diagnostics.eigenvalues(record.network)
    checked = rv.diagnostics.gradient_check(record.network, record.x, loss, per_parameter=1)
    return {
        "time_panel": panel(record, total=total, **options),
        "gradient_flow": figures.gradient_flow(total, spectrum=spectrum, **options),
        "flow_spread": figures.flow_spread({"settings": (0, spread_of(settings))}, **options),
        "eigenvalues": figures.eigenvalues(spectrum, **options),
        "saturation": figures.saturation(rv.diagnostics.saturation(record), **options),
        "state_space": figures.state_space(
            rv.diagnostics.state_space(record), rv.diagnostics.fixed_points(record), **options
        ),
        "bounds": figures.bounds(rv.diagnostics.bounds(record), **options),
        "depth": figures.depth(rv.diagnostics.depth(record), **options),
        "gates": figures.gates(rv.diagnostics.gates(gated(settings)), **options),
        "contributions": figures.contributions(rv.diagnostics.contributions(record), **options),
        "itemized": figures.itemized(rv.diagnostics.itemized(record), **options),
        "jacobian_spectrum": jacobian_spectrum_of(record, **options),
        "jacobian_steps": figures.jacobian_steps(rv.diagnostics.jacobian_steps(record), **options),
        "roads": figures.roads(rv.diagnostics.roads(gated(settings)), **options),
        "truncation": figures.truncation(rv.diagnostics.truncation(record, every=9), **options),
        "decay": figures.decay(decay_of(record), **options),
        "batch_mean": figures.batch_mean(rv.diagnostics.batch_mean(record), **options),
        "weights": figures.weights(record.network, **options),
        "precision": figures.precision(rv.diagnostics.precision(record), **options),
        "mean_field": figures.mean_field(mean_field_of(settings), **options),
        "prediction": figures.prediction(record.y, batch, mask=loss.mask, **options),
        "gradient_check": figures.gradient_check(checked, **options),
        "lyapunov": figures.lyapunov(rv.diagnostics.lyapunov(record), flow_of(record), **options),
        "loss_slice": figures.loss_slice(surface_of(record, loss, 1), **options),
        "loss_surface": figures.loss_surface(surface_of(record, loss, 2), **options),
    }


def pictures_of_many_runs(**options):
    """Each picture of a training or a sweep, by name."""
    return {
        "loss_curve": figures.loss_curve(trained(), baseline=0.3, **options),
        "accuracy_curve": figures.accuracy_curve(trained(), chance=0.5, **options),
        "gradient_map": figures.gradient_map(trained(), **options),
        "half_life_curve": figures.half_life_curve(trained(), **options),
        "radius_curve": figures.radius_curve(trained(), **options),
        "recall_curve": figures.recall_curve(Recalled(), **options),
        "spectrum_path": figures.spectrum_path(trained(), **options),
        "unit_health": figures.unit_health(trained(), **options),
        "update_ratios": figures.update_ratios(trained(), **options),
        "gradient_norm": figures.gradient_norm(trained(), **options),
        "phase_map": figures.phase_map(swept(), **options),
        "sweep_lines": figures.sweep_lines(swept(), **options),
        "parallel": figures.parallel(swept(), **options),
    }


@cache
def swept():
    """A small sweep, for the pictures of one."""
    knobs = [rv.Knob.linear("gain", 0.5, 1.5, 3), rv.Knob.of("steps", [4, 9])]
    sweep = rv.SweepConfig(base=rv.TrainConfig(**SMALL), knobs=knobs, seeds=[0, 1])
    return rv.SweepTable(sweep, rv.sweep(sweep, workers=1))


def spread_of(settings):
    """The last loss's gradient over two seeds."""
    runs = [rv.run(settings.model_copy(update={"seed": seed})) for seed in (0, 1)]
    return rv.diagnostics.spread([flow_of(run).log10_norm[::-1] for run in runs])


def jacobian_spectrum_of(record, **options):
    """The singular values by lag, with the last loss over them."""
    found = rv.diagnostics.jacobian_spectrum(record, sequence=0)
    return figures.jacobian_spectrum(found, flow=flow_of(record), **options)


def decay_of(record):
    """The decay of one in nine losses, beside the last one's."""
    return rv.diagnostics.decay(rv.diagnostics.itemized(record, every=9), flow_of(record))


def surface_of(record, loss, count):
    """The loss over as many weights."""
    axes = [rv.diagnostics.Axis("l0.W_hh", (0, 0)), rv.diagnostics.Axis("l0.b_ih", (0,))]
    return rv.diagnostics.loss_surface(record.network, record.x, loss, axes[:count], points=3)


def mean_field_of(settings):
    """The same run with a cell that the theory is written for."""
    known = settings.cell if settings.cell in ("tanh", "relu", "linear") else "tanh"
    return rv.diagnostics.mean_field_of(rv.run(settings.model_copy(update={"cell": known})))


def gated(settings):
    """The same run with a cell that has gates."""
    return rv.run(settings.model_copy(update={"cell": "lstm"}))


def named(figure, start):
    """The one trace whose name begins so."""
    (trace,) = [trace for trace in figure.data if (trace.name or "").startswith(start)]
    return trace


def notes(figure):
    return [note.text for note in figure.layout.annotations]


@pytest.fixture(scope="module")
def record():
    return rv.run(config())


@pytest.fixture(scope="module")
def pictures():
    return every_picture(config(), caption="gain 1")


# Every picture


def test_every_exported_picture_is_tested(pictures):
    assert set(pictures) | {"Theme", "Ghost", "with_ghosts"} == set(figures.__all__)


def test_every_picture_takes_itself_as_a_ghost(pictures):
    changed = []
    for name, figure in pictures.items():
        both = figures.with_ghosts(figure, [figures.Ghost("again", 1, figure)])
        go.Figure(both.to_dict())
        changed += [name] if len(both.data) > len(figure.data) else []
    assert {"time_panel", "gradient_flow", "flow_spread", "gates", "decay"} <= set(changed)


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_every_picture_is_valid_and_draws_something(settings):
    drawn = pictures_of_a_run(config(**settings))
    if not settings:
        drawn |= pictures_of_many_runs()
    for name, figure in drawn.items():
        assert isinstance(figure, go.Figure), name
        assert len(go.Figure(figure.to_dict()).data) > 0, name  # plotly's own validation
        assert json.loads(figure.to_json())["data"], name


def test_every_picture_carries_its_words(pictures):
    files = set()
    for figure in pictures.values():
        words = figure.layout.meta
        assert set(words) == {"question", "subtitle", "how_to_read", "alt", "name"}
        assert words["question"].endswith("?")
        assert all(words.values())
        files.add(words["name"])
    assert len(files) == len(pictures)


def test_every_axis_with_numbers_has_a_title(pictures):
    for name, figure in pictures.items():
        assert figure.layout.xaxis.title.text, name
    assert pictures["time_panel"].layout.yaxis4.title.text == "|∂L/∂h<sub>t</sub>|"
    assert pictures["saturation"].layout.yaxis.title.text == "share, slope"
    assert pictures["loss_curve"].layout.yaxis.type == "log"


def test_every_picture_has_two_themes_and_keeps_its_data():
    light, dark = (every_picture(config(), theme=theme) for theme in PALETTES)
    for name, figure in light.items():
        other = dark[name]
        for background in ("paper_bgcolor", "plot_bgcolor"):
            own, its = (f.layout.template.layout[background] for f in (figure, other))
            assert own != its
        for one, two in zip(figure.data, other.data, strict=True):
            for axis in {"x", "y", "z"} & set(one.to_plotly_json()):
                np.testing.assert_array_equal(one[axis], two[axis])


def test_every_picture_keeps_its_zoom_from_one_run_to_the_next(pictures):
    assert {figure.layout.uirevision for figure in pictures.values()} == {"rnnviz"}


def test_a_caption_is_in_the_picture_and_is_text():
    hostile = "<b>bold</b> & <a href='javascript:alert(1)'>link</a> " + "word " * 30
    for figure in every_picture(config(), caption=hostile).values():
        caption = figure.layout.annotations[-1]
        assert "&lt;b&gt;bold&lt;/b&gt; &amp;" in caption.text
        assert "<b>" not in caption.text
        assert caption.text.count("<br>") >= 2  # wrapped for a phone
        room = figure.layout.margin.b + caption.yshift
        assert room >= 1.3 * caption.font.size * (1 + caption.text.count("<br>"))


def test_no_picture_is_drawn_into_the_record(record):
    before = record.h.copy(), record.dh.copy()
    figure = panel(record)
    figure.data[1].z[:] = 0
    np.testing.assert_array_equal(record.h, before[0])
    np.testing.assert_array_equal(record.dh, before[1])


def test_equal_runs_give_equal_pictures(record):
    assert panel(record).to_json() == panel(rv.run(config())).to_json()


# The time panel


def test_the_strip_is_the_change_of_each_step_between_its_two_states(record):
    strip = named(panel(record), "factor")
    flow = flow_of(record)
    np.testing.assert_allclose(strip.z[0], flow.log10_change, rtol=1e-6)
    np.testing.assert_allclose(strip.customdata[0], 10**flow.log10_change)
    assert (strip.x0, strip.dx) == (0.5, 1)
    assert strip.zmin == -strip.zmax
    assert strip.colorscale[2][1] == "#eceff3"  # holding is near-white


def test_the_states_are_those_of_one_sequence_ordered_by_the_input_weight(record):
    trace = named(panel(record, sequence=3), "h")
    order = np.argsort(record.network.layers[0].params["W_ih"][:, 0])
    np.testing.assert_array_equal(trace.y, order)
    np.testing.assert_allclose(trace.z, record.h[:, 3, order].T, rtol=1e-6)
    assert (trace.zmin, trace.zmax) == (-1, 1)
    assert trace.colorscale[0][1] == SIGNED[0]


def test_the_gradients_by_unit_are_logs_with_the_number_in_the_hover(record):
    trace = named(panel(record, sequence=2), "log10")
    dh = np.abs(record.dh[:, 2, trace.y].T)
    np.testing.assert_allclose(trace.z, np.log10(dh), rtol=1e-5)
    np.testing.assert_allclose(trace.text * 10.0**trace.customdata, dh, rtol=0.006)
    assert trace.colorscale[0][1] == MAGNITUDE[0]


def test_the_order_of_the_units_stays_when_gain_length_and_batch_change(record):
    other = rv.run(config(gain=2.5, steps=33, batch_size=2))
    np.testing.assert_array_equal(named(panel(record), "h").y, named(panel(other), "h").y)


def test_the_measured_norm_and_its_band_are_drawn_as_they_are(record):
    figure, flow = panel(record), flow_of(record)
    line = named(figure, "measured")
    np.testing.assert_array_equal(line.x, flow.t)
    np.testing.assert_array_equal(line.y, flow.log10_norm)
    np.testing.assert_array_equal(named(figure, "10 %").y, flow.log10_quantiles[0])
    np.testing.assert_array_equal(named(figure, "90 %").y, flow.log10_quantiles[2])
    shown = line.customdata[:, 0] * 10.0 ** line.customdata[:, 1]
    np.testing.assert_allclose(np.log10(shown), flow.log10_norm, atol=0.003)


def test_measured_lines_are_thick_and_solid_and_theory_thin_and_broken(record):
    figure = panel(record, total=flow_of(record, "total"))
    assert named(figure, "measured").line.width >= 2
    assert named(figure, "whole loss").line.dash is None
    for name in ("fit", "if the spectral radius", "upper bound"):
        assert named(figure, name).line.width < 2
        assert named(figure, name).line.dash in ("dot", "dash")


def test_every_line_is_labelled_at_the_line(record):
    figure = panel(record, total=flow_of(record, "total"))
    lines = [t.name for t in figure.data if t.type == "scatter" and t.line.width > 0]
    assert set(lines) <= set(notes(figure))


def test_theory_is_the_power_of_the_lag_from_where_the_loss_is(record):
    spectrum, flow = rv.diagnostics.eigenvalues(record.network), flow_of(record)
    line = named(panel(record), "if the spectral radius")
    lag = flow.loss_state - np.array(line.x)
    expected = flow.log10_norm[-1] + lag * np.log10(spectrum.spectral_radius)
    np.testing.assert_allclose(line.y, expected)


def test_theory_does_not_blow_up_the_range():
    figure = panel(rv.run(config(gain=10.0, steps=300, init="normal", batch_size=1)))
    measured, bound = named(figure, "measured").y, named(figure, "upper bound").y
    low, high = figure.layout.yaxis4.range
    span = measured.max() - measured.min()
    assert max(bound) > high
    assert high - low < 2.2 * max(span, 2.0)
    assert low < measured.min()
    assert high > measured.max()


def test_theory_far_below_what_was_measured_leaves_the_picture_too(record):
    spectrum = rv.diagnostics.eigenvalues(record.network)
    far_below = replace(spectrum, values=spectrum.values * 1e-30)
    figure = panel(record, spectrum=far_below)
    line, measured = named(figure, "if the spectral radius").y, named(figure, "measured").y
    low, high = figure.layout.yaxis4.range
    assert min(line) < low
    assert high - low < 2.5 * (measured.max() - measured.min())


def test_labels_stay_inside_the_picture():
    for settings in SETTINGS.values():
        figure = panel(rv.run(config(**settings)))
        low, high = figure.layout.yaxis4.range
        for note in figure.layout.annotations:
            if note.yref == "y4":
                assert low <= note.y <= high


def test_a_loss_at_every_step_shows_the_whole_gradient_beside_one_steps():
    record = rv.run(config(loss_at="all"))
    total = flow_of(record, "total")
    figure = panel(record, total=total)
    np.testing.assert_array_equal(named(figure, "whole loss").y, total.log10_norm)
    np.testing.assert_array_equal(named(figure, "measured").y, flow_of(record).log10_norm)


def test_a_pinned_run_of_another_length_is_aligned_at_the_loss(record):
    pinned = flow_of(rv.run(config(steps=50)))
    line = named(panel(record, pinned=pinned), "pinned run")
    assert (line.x[0], line.x[-1]) == (-30, 20)
    np.testing.assert_array_equal(line.y, pinned.log10_norm)


def test_an_exact_zero_is_a_mark_with_a_word_in_every_row():
    figure = panel(rv.run(config(gain=0.0)))
    strip, cells, line = [t for t in figure.data if (t.name or "").startswith("exactly 0")]
    assert line.name == "exactly 0: 20"
    np.testing.assert_array_equal(line.x, np.arange(20))
    assert set(line.y) == {figure.layout.yaxis4.range[0]}
    assert cells.name == f"exactly 0: {20 * 8}"
    assert np.nansum(cells.z) == 20 * 8
    assert np.nansum(strip.z) == 20
    assert cells.colorscale[0][1] == NOTHING["zero"]
    assert any("exactly 0 from lag 1 back" in note for note in notes(figure))
    assert "exactly 0 from lag 1 back" in figure.layout.meta["alt"]


def test_an_overflow_is_marked_counted_and_said():
    record = rv.run(config(cell="linear", gain=10.0, steps=60, dtype="float32"))
    figure = panel(record)
    infinite, nan = np.isinf(record.h[:, 0]).sum(), np.isnan(record.h[:, 0]).sum()
    assert infinite > 0
    assert nan > 0
    named_cells = {t.name: t for t in figure.data if t.type == "heatmap"}
    assert np.nansum(named_cells[f"infinite: {infinite}"].z) == infinite
    assert np.nansum(named_cells[f"NaN: {nan}"].z) == nan
    assert any("NaN at every state" in note for note in notes(figure))
    assert figure.layout.yaxis4.showticklabels is False


def test_an_infinite_gradient_names_the_precision():
    record = rv.run(config())
    flow = flow_of(record)
    mantissa = flow.derivative.mantissa.copy()
    mantissa[:5] = np.inf
    broken = replace(flow, derivative=replace(flow.derivative, mantissa=mantissa))
    figure = figures.time_panel(record, broken)
    marks = [t for t in figure.data if t.type == "scatter" and t.name == "infinite: 5"]
    assert set(marks[0].y) == {figure.layout.yaxis4.range[1]}
    assert any("infinite in float64 from lag 16 back" in note for note in notes(figure))


def test_a_gradient_beyond_any_float_is_drawn_with_its_number():
    figure = panel(rv.run(config(gain=0.01, steps=200)))
    line = named(figure, "measured")
    assert line.y[0] < -350
    assert np.isfinite(line.y).all()
    assert line.customdata[0, 1] < -350
    assert figure.layout.yaxis4.range[0] < line.y[0]
    assert "below, 0 in float64" in notes(figure)


def test_ticks_are_powers_of_ten(record):
    axis = panel(record).layout.yaxis4
    assert (axis.tickprefix, axis.ticksuffix) == ("10<sup>", "</sup>")
    assert axis.nticks >= 2


def test_one_cursor_runs_through_all_rows(record):
    layout = panel(record).layout
    assert (layout.hovermode, layout.hoversubplots) == ("x", "axis")
    assert layout.xaxis.spikemode == "across"
    assert {trace.xaxis for trace in panel(record).data} <= {None, "x"}


def test_long_and_wide_runs_are_thinned_and_say_so():
    record = rv.run(config(steps=2999, hidden_size=300, batch_size=1))
    figure = panel(record)
    trace = named(figure, "h")
    assert trace.z.shape[0] <= MOST_ROWS
    assert trace.z.shape[1] <= MOST_COLUMNS
    last = trace.x0 + trace.dx * (trace.z.shape[1] - 1)
    assert last == 2999
    np.testing.assert_allclose(trace.z[:, -1], record.h[-1, 0, trace.y], rtol=1e-6)
    assert len(named(figure, "measured").y) == 3000
    assert "every 5th state and every 3rd unit" in figure.layout.meta["subtitle"]


def test_the_subtitle_says_which_derivative_of_which_loss_and_which_way(record):
    subtitle = panel(record).layout.meta["subtitle"]
    assert subtitle.startswith("∂L/∂hₜ of the loss at t = 20 alone")
    assert "right to left" in subtitle
    assert "sequence 1 of 5" in subtitle


def test_a_point_without_neighbours_is_a_marker():
    line = named(panel(rv.run(config(gain=0.0))), "measured")
    assert line.mode == "lines+markers"


# The others


def test_the_eigenvalues_lie_where_they_are_with_the_unit_circle():
    record = rv.run(config(gain=2.0))
    spectrum = rv.diagnostics.eigenvalues(record.network)
    figure = figures.eigenvalues(spectrum)
    inside, outside = named(figure, "inside"), named(figure, "outside")
    drawn = np.concatenate([t.x + 1j * t.y for t in (inside, outside)])
    np.testing.assert_array_equal(np.sort_complex(drawn), np.sort_complex(spectrum.values))
    assert (np.hypot(outside.x, outside.y) > 1).all()
    assert inside.marker.symbol != outside.marker.symbol
    circle = named(figure, "unit circle")
    np.testing.assert_allclose(np.hypot(circle.x, circle.y), 1)
    assert figure.layout.yaxis.scaleanchor == "x"


def test_saturation_draws_the_share_and_the_slope(record):
    result = rv.diagnostics.saturation(record)
    figure = figures.saturation(result)
    np.testing.assert_array_equal(named(figure, "share").y, result.share)
    np.testing.assert_allclose(named(figure, "root").y ** 2, result.mean_square_slope)
    assert (named(figure, "share").x[0], named(figure, "share").x[-1]) == (1, 20)


def test_a_slope_that_is_no_number_is_marked():
    result = rv.diagnostics.saturation(rv.run(config()))
    slope = result.mean_square_slope.copy()
    slope[7:9] = np.nan
    figure = figures.saturation(replace(result, mean_square_slope=slope))
    assert named(figure, "NaN").name == "NaN: 2"
    assert any("NaN at 2 states" in note for note in notes(figure))


def test_the_weights_share_one_scale_centred_at_0(record):
    figure, params = figures.weights(record.network), record.network.layers[0].params
    W_hh, W_ih = named(figure, "W_hh"), named(figure, "W_ih")
    np.testing.assert_allclose(W_hh.z, params["W_hh"], rtol=1e-6)
    np.testing.assert_allclose(W_ih.z, params["W_ih"], rtol=1e-6)
    assert W_hh.zmax == W_ih.zmax == -W_hh.zmin == np.abs(params["W_hh"]).max()
    assert figure.layout.yaxis.scaleanchor == "x"
    assert f"±{short(W_hh.zmax)}" in figure.layout.meta["subtitle"]


def test_weights_that_are_all_zero_say_so():
    figure = figures.weights(rv.run(config(gain=0.0)).network)
    assert "every recurrent weight is exactly 0" in notes(figure)


def test_many_weights_are_thinned_and_say_so():
    network = rv.run(config(hidden_size=600, steps=2, batch_size=1)).network
    figure = figures.weights(network)
    W_hh = network.layers[0].params["W_hh"]
    np.testing.assert_allclose(named(figure, "W_hh").z, W_hh[::3, ::3], rtol=1e-6)
    assert "Every 3rd row" in figure.layout.meta["subtitle"]


def test_the_prediction_is_beside_the_target_with_what_is_asked_for():
    settings = config()
    record, batch = rv.run(settings), draw(settings)
    mask = batch.loss("last").mask
    figure = figures.prediction(record.y, batch, mask=mask, sequence=1)
    np.testing.assert_array_equal(named(figure, "target").y, batch.target[:, 1, 0])
    np.testing.assert_array_equal(named(figure, "answer").y, record.y[:, 1, 0])
    np.testing.assert_array_equal(named(figure, "asked for").x, [20])
    np.testing.assert_array_equal(named(figure, "asked for").y, batch.target[-1:, 1, 0])


def test_classes_are_drawn_as_classes():
    settings = config(task="copy", steps=30)
    record, batch = rv.run(settings), draw(settings)
    figure = figures.prediction(record.y, batch)
    np.testing.assert_array_equal(named(figure, "right class").y, batch.target[:, 0])
    np.testing.assert_array_equal(named(figure, "answer").y, record.y[:, 0].argmax(axis=1))


def test_an_answer_that_leaves_the_picture_says_how_far_it_goes():
    settings = config(cell="linear", gain=3.0, init="identity")
    figure = figures.prediction(rv.run(settings).y, draw(settings))
    low, high = figure.layout.yaxis.range
    answer = named(figure, "answer")
    assert np.abs(answer.y).max() > 100 * (high - low)
    assert answer.name.startswith("answer, as far as")


def test_the_check_draws_each_error_against_the_tolerance():
    settings = config()
    record, batch = rv.run(settings), draw(settings)
    result = rv.diagnostics.gradient_check(record.network, record.x, batch.loss("last"))
    figure = figures.gradient_check(result)
    drawn = named(figure, "agrees")
    expected = [np.log10(e.error) for e in result.entries if e.error > 0]
    np.testing.assert_array_equal(np.sort(drawn.x), np.sort(expected))
    assert figure.layout.shapes[0].x0 == -5
    assert figure.layout.meta["alt"] == result.sentence


def test_the_check_marks_errors_that_are_zero_or_no_number():
    settings = config()
    record, batch = rv.run(settings), draw(settings)
    result = rv.diagnostics.gradient_check(record.network, record.x, batch.loss("last"))
    errors = [0.0, np.nan, 1.0, *(e.error or 1e-9 for e in result.entries[3:])]
    entries = [replace(e, error=error) for e, error in zip(result.entries, errors, strict=True)]
    figure = figures.gradient_check(replace(result, entries=tuple(entries)))
    assert named(figure, "exactly 0").name == "exactly 0: 1"
    assert named(figure, "NaN").name == "NaN: 1"
    np.testing.assert_array_equal(named(figure, "differs").x, [0])
    edges = named(figure, "exactly 0").x[0], named(figure, "NaN").x[0]
    assert edges == figure.layout.xaxis.range
    assert named(figure, "differs").marker.symbol != named(figure, "agrees").marker.symbol
    assert any("error exactly 0: 1" in note and "error NaN: 1" in note for note in notes(figure))


def test_the_check_draws_what_is_undecided_as_open_circles_and_counts_it():
    settings = config()
    record, batch = rv.run(settings), draw(settings)
    result = rv.diagnostics.gradient_check(record.network, record.x, batch.loss("last"))
    errors = [np.nan, 0.0, 0.5]
    open_ = [
        replace(entry, error=error, decided=False)
        for entry, error in zip(result.entries, errors, strict=False)
    ]
    result = replace(result, entries=(*open_, *result.entries[3:]))
    figure = figures.gradient_check(result)
    drawn, (low, high) = named(figure, "undecided"), figure.layout.xaxis.range
    assert drawn.name == "undecided: 3"
    np.testing.assert_allclose(drawn.x, [high, low, np.log10(0.5)])
    assert drawn.marker.symbol == "circle-open"
    assert not any((trace.name or "").startswith(("differs", "NaN")) for trace in figure.data)
    assert any("undecided: 3" in note for note in notes(figure))
    assert figure.layout.meta["subtitle"].endswith("passed, 3 undecided.")
    assert "at 3 the difference cannot decide" in figure.layout.meta["alt"]

    none = replace(result, entries=tuple(replace(e, decided=False) for e in result.entries))
    assert figures.gradient_check(none).layout.meta["subtitle"].endswith(": undecided.")


@pytest.mark.parametrize("cell", ["lstm", "gru", "mgu"])
def test_the_gates_are_those_of_one_sequence_with_their_means_and_quantiles(cell):
    record = rv.run(config(cell=cell))
    result = rv.diagnostics.gates(record)
    figure = figures.gates(result, sequence=2)
    maps = {trace.name: trace for trace in figure.data if trace.type == "heatmap"}
    assert list(maps) == list(record.gates)
    for name, trace in maps.items():
        values = record.gates[name][:, 2, result.order].T
        np.testing.assert_allclose(trace.z, values, rtol=1e-6)
        assert (trace.zmin, trace.zmax) == result.gates[name].span
        assert (trace.x0, trace.dx) == (1, 1)
        scale = SIGNED if name in ("g", "n") else OPENING
        assert trace.colorscale[0][1] == scale[0]
        mean, share = [t for t in figure.data if (t.name or "").startswith(f"{name}: ")]
        np.testing.assert_array_equal(mean.y, result.gates[name].mean)
        np.testing.assert_array_equal(share.y, result.gates[name].saturated)
        assert notes(figure).count(mean.name) == 2
    low = [trace.y for trace in figure.data if trace.name == "10 %"]
    np.testing.assert_array_equal(low, [gate.quantiles[0] for gate in result.gates.values()])
    assert {trace.xaxis for trace in figure.data} <= {None, "x"}


def test_gates_that_are_no_numbers_are_marked():
    record = rv.run(config(cell="lstm"))
    x = record.x.copy()
    x[15:] = np.nan
    broken = rv.bptt(record.network, x, rv.losses.MSE(record.y))
    figure = figures.gates(rv.diagnostics.gates(broken))
    cells = [trace for trace in figure.data if trace.name == f"NaN: {5 * 8}"]
    assert len(cells) == 4
    assert any("NaN at 5 states" in note for note in notes(figure))


def test_long_and_wide_gates_are_thinned_and_end_at_the_last_step():
    record = rv.run(config(cell="gru", steps=1501, hidden_size=200, batch_size=1))
    figure = figures.gates(rv.diagnostics.gates(record))
    (trace,) = [trace for trace in figure.data if trace.name == "z"]
    assert trace.z.shape[0] <= MOST_ROWS
    assert trace.z.shape[1] <= MOST_COLUMNS
    assert trace.x0 + trace.dx * (trace.z.shape[1] - 1) == 1501
    np.testing.assert_allclose(trace.z[:, -1], record.gates["z"][-1, 0, trace.y], rtol=1e-6)
    assert "every 3rd step and every 2nd unit" in figure.layout.meta["subtitle"]


def test_depth_draws_a_row_a_layer_with_the_first_at_the_bottom():
    result = rv.diagnostics.depth(rv.run(config(layers=3, cell="gru", directions="both")))
    figure = figures.depth(result)
    trace = named(figure, "log10")
    np.testing.assert_allclose(trace.z, result.log10_norm, rtol=1e-6)
    assert tuple(trace.y) == ("l0", "l0_reverse", "l1", "l1_reverse", "l2", "l2_reverse")
    assert figure.layout.yaxis.autorange != "reversed"  # a category axis begins at the bottom
    assert trace.colorscale[0][1] == MAGNITUDE[0]
    assert named(figure, "exactly 0").name == "exactly 0: 19"  # of the reverse layer on top
    assert "l2_reverse" in figure.layout.meta["alt"]


def test_depth_thins_many_states_and_keeps_the_last():
    result = rv.diagnostics.depth(rv.run(config(steps=1501, batch_size=1)))
    trace = named(figure := figures.depth(result), "log10")
    assert trace.z.shape[1] <= MOST_COLUMNS
    assert trace.x0 + trace.dx * (trace.z.shape[1] - 1) == 1501
    assert "Every 3rd state" in figure.layout.meta["subtitle"]


def test_the_roads_are_drawn_as_they_are_each_with_its_label():
    result = rv.diagnostics.roads(rv.run(config(cell="lstm")))
    figure = figures.roads(result)
    for name, road in (
        ("total", result.total),
        ("highway alone", result.highway),
        ("through gates and weights", result.rest),
    ):
        line = named(figure, name)
        np.testing.assert_array_equal(line.x, np.arange(21))
        np.testing.assert_array_equal(line.y, road[::-1])
        np.testing.assert_array_equal(line.customdata[:, 2], np.arange(20, -1, -1))
        assert line.name in notes(figure)
    assert named(figure, "highway").line.dash == "dash"
    assert named(figure, "total").line.dash is None
    assert figure.layout.yaxis.title.text == "|∂L/∂c<sub>t</sub>|"
    assert "right to left" in figure.layout.meta["subtitle"]


def test_the_road_of_a_reverse_layer_runs_the_other_way():
    record = rv.run(config(cell="gru", directions="both", layers=2))
    figure = figures.roads(rv.diagnostics.roads(record, 1))
    assert "left to right" in figure.layout.meta["subtitle"]
    assert "l0_reverse" in figure.layout.meta["subtitle"]
    assert (np.diff(named(figure, "total").x) > 0).all()


def test_a_road_that_nothing_takes_says_so():
    settings = config(cell="gru", gain=0.0)
    figure = figures.roads(rv.diagnostics.roads(rv.run(settings)))
    assert "through gates and weights (0 at 21 lags)" in named(figure, "through").name


@pytest.mark.parametrize(("cell", "blocks"), [("lstm", "ifgo"), ("gru", "rzn"), ("mgu", "fn")])
def test_the_weights_of_each_gate_are_a_block_of_their_own(cell, blocks):
    network = rv.run(config(cell=cell)).network
    figure, params = figures.weights(network), network.layers[0].params
    for name in ("W_hh", "W_ih"):
        for n, gate in enumerate(blocks):
            trace = named(figure, f"{name} {gate}")
            rows = slice(8 * n, 8 * n + 8)
            np.testing.assert_allclose(trace.z, params[name][rows], rtol=1e-6)
            np.testing.assert_array_equal(trace.y, np.arange(8 * n, 8 * n + 8))
            np.testing.assert_array_equal(trace.customdata[:, 0], np.arange(8))
    assert [text[0] for text in figure.layout.yaxis.ticktext] == list(blocks)
    np.testing.assert_allclose(figure.layout.yaxis.tickvals, 8 * np.arange(len(blocks)) + 3.5)
    np.testing.assert_allclose(
        [line.y0 for line in figure.layout.shapes], 8 * np.arange(1, len(blocks)) - 0.5
    )


@pytest.mark.parametrize("cell", ["indrnn", "lru"])
def test_a_cell_without_a_recurrent_matrix_shows_its_input_weights_and_says_so(cell):
    network = rv.run(config(cell=cell)).network
    figure = figures.weights(network)
    W_ih = network.layers[0].params["W_ih"]
    np.testing.assert_allclose(named(figure, "W_ih").z, W_ih, rtol=1e-6)
    assert not any((trace.name or "").startswith("W_hh") for trace in figure.data)
    assert named(figure, "W_ih").zmax == np.abs(W_ih).max()
    assert "This cell has no matrix W_hh" in figure.layout.meta["subtitle"]


def test_the_weights_of_both_directions_are_those_of_the_one_that_reads_forward():
    network = rv.run(config(cell="gru", directions="both")).network
    assert "of l0;" in figures.weights(network).layout.meta["subtitle"]
    assert "of l0_reverse;" in figures.weights(network, layer=1).layout.meta["subtitle"]


# The parts


def test_labels_at_lines_that_fan_out_cross_no_line_and_no_label():
    x = np.array([0.0, 100.0])
    curves = [Curve(x, np.array([y, 0.0]), f"label {y:.0f}", "#000000") for y in (-8.0, -4.0, 4.0)]
    area = Area((0.0, 100.0), (-10.0, 10.0), 220)
    labels = placed(curves, area, "y", PALETTES["light"])
    heights = sorted(label["y"] for label in labels)
    assert np.diff(heights).min() > 1.0  # eleven pixels
    for label, curve in zip(labels, curves, strict=True):
        distance = label["y"] - np.interp(label["x"], curve.x, curve.y)
        assert 0.5 < abs(distance) < 4.0


def test_labels_of_lines_that_lie_on_each_other_do_not():
    x, y = np.array([0.0, 1.0]), np.array([0.5, 0.5])
    curves = [Curve(x, y, "a label of thirty characters ..", "#000000") for _ in range(4)]
    labels = placed(curves, Area((0.0, 1.0), (0.0, 1.0), 200), "y", PALETTES["light"])
    heights = [label["y"] * 200 for label in labels]
    assert np.diff(np.sort(heights)).min() >= 14.9


def test_a_label_of_a_single_point_stands_at_it():
    line = Curve(np.arange(31), np.linspace(9.0, 1.0, 31), "line", "#000000")
    point = Curve(np.array([0, 1]), np.array([2.0, np.nan]), "point", "#000000")
    area = Area((-0.5, 30.5), (0.0, 10.0), 320)
    label = placed([line, point], area, "y", PALETTES["light"])[1]
    assert abs(label["y"] - 2.0) < 0.5  # sixteen pixels
    assert (label["x"] < 1.0, label["xanchor"]) == (True, "left")


def test_a_label_of_a_line_that_is_nowhere_to_be_seen_stays_inside():
    curve = Curve(np.array([0.0, 1.0]), np.array([50.0, 60.0]), "far away", "#000000")
    area = Area((0.0, 1.0), (0.0, 1.0), 200)
    (label,) = placed([curve], area, "y", PALETTES["light"])
    assert 0 <= label["y"] <= 1


@pytest.mark.parametrize(
    ("log10", "text"),
    [(0.0, "1"), (-900.5, "3.16e-901"), (-np.inf, "exactly 0"), (np.nan, "NaN"), (5.0, "1.00e5")],
)
def test_a_log_is_spoken_as_a_number(log10, text):
    assert plain(log10) == text


def test_three_digits_never_read_ten_point_zero():
    mantissa, exponent = mantissa_exponent(np.log10(np.array([9.996, 9.994, 1e-3, 9.9951e-300])))
    np.testing.assert_allclose(mantissa, [1.0, 9.99, 1.0, 1.0])
    np.testing.assert_array_equal(exponent, [1, 0, -3, -299])


def test_the_time_panel_names_the_whole_state_of_an_lstm():
    record = rv.run(rv.RunConfig(cell="lstm", hidden_size=6, steps=9, batch_size=2))
    flow = rv.diagnostics.gradient_flow(record, "last")
    figure = rv.figures.time_panel(record, flow)
    assert figure.layout.meta["subtitle"].startswith("∂L/∂(hₜ, cₜ) of the loss at t = 9 alone")
    assert "c<sub>t</sub>" in figure.layout.yaxis4.title.text
