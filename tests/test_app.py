"""The pages, driven without a browser: every control, every section, every extreme."""

import html
import re
from functools import partial

import numpy as np
import pytest
from drawn import drawn
from streamlit.testing.v1 import AppTest

import rnnviz as rv
from dashboard.link import CHOICES, SECTIONS
from dashboard.section import Sight
from rnnviz.fields import options, stops

FIELDS = rv.TrainConfig.model_fields
SMALL = {"hidden_size": "12", "steps": "20", "batch_size": "3"}
SIDEBAR = ["cell", "hidden_size", "layers", "readout", "init", "gain", "input_init", "input_scale"]
SIDEBAR += ["bias", "steps", "batch_size", "task", "loss_at", "dtype", "directions"]
THEORIES = ("tanh", "relu", "linear")
OWN = {
    "residual": {"layers": "3"},
    "bias_value": {"bias": "constant"},
    "input_variance": {"init": "critical"},
    "gate_bias": {"cell": "lstm"},
    "forget_bias": {"cell": "gru", "gate_bias": "forget"},
    "t_max": {"cell": "mgu", "gate_bias": "chrono"},
    "step_size": {"cell": "antisymmetric"},
    "diffusion": {"cell": "antisymmetric"},
    "alpha": {"cell": "leaky"},
    "ring_min": {"cell": "lru"},
    "ring_max": {"cell": "lru"},
    "max_phase": {"cell": "lru"},
}
"""Controls that are shown for some settings only, and settings that show them."""


def opened(**query):
    """Explore, opened with a link."""
    app = AppTest.from_file("../dashboard/app.py", default_timeout=60)
    for name, value in query.items():
        app.query_params[name] = value
    app.session_state["more"] = True
    app.run()
    assert not app.exception
    return app


def config_of(app):
    """The settings that the page has on screen."""
    return app.session_state["state"].config


def widget(app, name):
    """The control of a setting."""
    kind = app.selectbox if options(FIELDS[name]) else app.select_slider
    return kind(key=f"set-{name}")


def link_of(app):
    """The address's query: AppTest has one text or a list for each name."""
    return {name: v if isinstance(v, str) else v[-1] for name, v in app.query_params.items()}


def verdict_of(app):
    """The verdict box's sentence, as Markdown would emphasise it."""
    said = next(text for text in words_of(app) if "data-words='verdict'" in text)
    kind, rest = re.findall(r"<b>(.*?)</b> (.*?)</p>", said)[0]
    return f"**{kind}** {html.unescape(rest)}"


def words_of(app):
    """What is said of the run, as the HTML that it is."""
    return [element.proto.body for element in app.main.get("html")]


def numbers_of(app):
    """The row of numbers, by label."""
    row = next(text for text in words_of(app) if "data-words='numbers'" in text)
    terms = re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", row)
    return dict(terms)


def test_the_page_opens_computed_on_the_sunspots_with_the_loss_at_the_last_step():
    app = opened()
    config = config_of(app)
    assert (config.task, config.loss_at) == ("sunspots", "last")
    expected = rv.diagnostics.verdict(rv.run(config.run))
    assert verdict_of(app).startswith("**Vanishing.**")
    numbers = numbers_of(app)
    assert numbers["Factor per step"] == f"×{expected.factor:.3g}"
    assert list(numbers) == [
        "Factor per step",
        "Half-life",
        "Reach",
        "Spectral radius",
        "Lyapunov exponent",
    ]
    assert list(drawn(app)) == ["time-panel", "why-0", "why-1"]


@pytest.mark.parametrize("name", SIDEBAR)
def test_every_control_changes_its_setting_and_the_address(name):
    app = opened(**SMALL)
    before = getattr(config_of(app), name)
    offered = options(FIELDS[name]) or stops(FIELDS[name])
    value = next(type(before)(stop) for stop in offered if stop not in (before, 0))
    widget(app, name).set_value(value).run()
    assert not app.exception
    assert getattr(config_of(app), name) == value
    assert link_of(app)[name] == str(value)
    assert drawn(app)["time-panel"]


def test_no_control_is_shown_where_it_changes_nothing():
    app = opened(**SMALL)
    shown = {box.key for box in (*app.selectbox, *app.select_slider)}
    assert not shown & {f"set-{name}" for name in OWN}
    assert shown >= {f"set-{name}" for name in SIDEBAR}


@pytest.mark.parametrize("name", OWN)
def test_a_control_is_shown_where_it_changes_something(name):
    app = opened(**SMALL, **OWN[name])
    before = getattr(config_of(app), name)
    offered = options(FIELDS[name]) or stops(FIELDS[name])
    value = next(type(before)(stop) for stop in offered if stop not in (before, 0))
    old = drawn(app)["time-panel"]["figure"]["data"][2]["z"]
    widget(app, name).set_value(value).run()
    assert not app.exception
    assert getattr(config_of(app), name) == value
    assert not np.array_equal(drawn(app)["time-panel"]["figure"]["data"][2]["z"], old)


def test_what_is_behind_the_fold_is_drawn_when_it_opens_and_counted_while_it_is_shut():
    app = AppTest.from_file("../dashboard/app.py", default_timeout=60)
    app.query_params["directions"] = "both"
    app.query_params["dtype"] = "float32"
    app.run()
    assert [fold.label for fold in app.expander] == ["More settings, 2 changed"]
    assert "set-dtype" not in {box.key for box in app.selectbox}
    app.session_state["more"] = True
    app.run()
    assert app.selectbox(key="set-dtype").value == "float32"


def test_another_cell_keeps_every_setting_that_it_can():
    app = opened(**SMALL, cell="lstm", gate_bias="chrono", t_max="50", section="gates", gain="1.2")
    before = config_of(app)
    for cell in ("leaky", "lru", "lstm"):
        app.selectbox(key="set-cell").set_value(cell).run()
        assert not app.exception
        assert config_of(app) == before.replace(cell=cell)
    assert "gates-0" in drawn(app)


def test_classes_as_hidden_states_are_enough_and_in_pairs():
    app = opened(**{**SMALL, "hidden_size": "1"}, cell="lru", readout="none", task="copy")
    assert config_of(app).hidden_size == 10
    assert not app.error
    app = opened(**SMALL, readout="none", task="copy", directions="both")
    assert config_of(app).replace(hidden_size=1).fewest_units == 5


def test_units_in_pairs_are_settled_to_an_even_number():
    app = opened(**{**SMALL, "hidden_size": "13"}, cell="lru")
    assert config_of(app).hidden_size == 14
    assert "raised from 13 to 14" in app.warning[0].value


@pytest.mark.parametrize(
    ("cell", "section"),
    dict.fromkeys(
        (cell, section)
        for cell, kind in rv.CELLS.items()
        for section in SECTIONS
        if cell in ("tanh", "lstm", "indrnn")
        or section in ("why", "depth", "weights", "check", *(["gates"] if kind.gate_names else []))
    ),
)
def test_every_section_draws_every_cell(cell, section):
    directions = "one" if section in ("sources", "truncation") else "both"
    steps = "5" if section in ("check", "surface") else SMALL["steps"]
    settings = {"cell": cell, "section": section, "layers": "2", "directions": directions}
    app = opened(**{**SMALL, **settings, "steps": steps})
    assert not app.exception
    assert not app.error
    if section == "theory" and cell not in THEORIES:
        assert "got" in app.info[0].value
        return
    assert not app.info
    shown = section if section != "gates" or rv.CELLS[cell].gate_names else "why"
    assert f"{shown}-0" in drawn(app)


@pytest.mark.parametrize("section", ["sources", "truncation"])
def test_a_section_without_meaning_says_so_and_the_page_stays(section):
    app = opened(**SMALL, section=section, directions="both")
    assert not app.exception
    assert app.info[0].value.startswith("Not drawn")
    assert list(drawn(app)) == ["time-panel"]


@pytest.mark.parametrize(
    ("section", "choice", "way"),
    [("sources", "scale", "relative"), ("states", "colour", "factor")]
    + [("surface", "surface", way) for way in CHOICES["surface"]],
)
def test_another_way_to_look_is_drawn_and_is_in_the_link(section, choice, way):
    app = opened(**SMALL, section=section, loss_at="all", **{choice: way})
    assert not app.exception
    assert app.pills(key=choice).value == way
    widget(app, "gain").set_value(1.5).run()
    assert link_of(app)[choice] == way
    assert f"{section}-0" in drawn(app)


@pytest.mark.parametrize(
    "section",
    ["sources", "products", "exponents", "bounds", "truncation", "surface", "states"],
)
def test_what_would_take_too_long_is_smaller_and_says_what_the_whole_takes(section, monkeypatch):
    import dashboard.result

    monkeypatch.setattr(dashboard.result, "Sight", partial(Sight, patience=1e-6))
    app = opened(**SMALL, section=section, loss_at="all", seed="5")
    assert not app.exception
    assert any("would take about" in text.value for text in app.main.markdown)


def test_a_picture_that_fails_takes_no_other_along(monkeypatch):
    import dashboard.sections

    def fail(*_, **__):
        raise ZeroDivisionError

    monkeypatch.setattr(dashboard.sections.figures, "eigenvalues", fail)
    app = opened(**SMALL, gain="1")
    assert not app.exception
    assert "The section Why (tanh, H = 12" in app.error[0].value
    assert [*drawn(app)] == ["time-panel"]
    assert verdict_of(app)
    monkeypatch.undo()
    app.select_slider(key="set-gain").set_value(0.9).run()
    assert "why-0" in drawn(app)


def test_the_checks_are_lines_that_say_what_holds():
    app = opened(**SMALL, section="check", cell="relu")
    lines = next(m.value for m in app.main.markdown if "Adjoint" in m.value)
    assert lines.count(":green[**Holds.**]") >= 3
    assert ":red[" not in lines


def test_a_preset_takes_all_its_settings():
    app = opened(**SMALL)
    for name, preset in rv.PRESETS.items():
        app.selectbox(key="preset").set_value(name).run()
        assert not app.exception, name
        assert config_of(app) == preset.config, name
        assert app.selectbox(key="preset").value == name


def test_new_weights_and_same_weights_are_different_buttons():
    app = opened(**SMALL)
    app.button(key="new-weights").click().run()
    assert (config_of(app).seed, config_of(app).data_seed) == (1, 0)
    app.button(key="same-weights").click().run()
    assert (config_of(app).seed, config_of(app).data_seed) == (1, 1)


def test_the_remedy_changes_the_control_that_it_names():
    app = opened(**SMALL)
    app.button(key="remedy").click().run()
    assert not app.exception
    assert config_of(app).gain > 1


@pytest.mark.parametrize("section", ["why", "weights", "check"])
def test_choosing_what_to_view_never_recomputes_the_network(section, monkeypatch):
    import dashboard.records

    runs = []
    real = dashboard.records._run
    monkeypatch.setattr(dashboard.records, "_run", lambda *a: runs.append(a) or real(*a))
    app = opened(**SMALL, seed="77", section="why" if section != "why" else "check")
    count = len(runs)
    app.pills(key="section").set_value(section).run()
    assert not app.exception
    assert any(key.startswith(section) for key in drawn(app))
    assert len(runs) == count


def test_a_link_restores_what_was_on_screen():
    app = opened(**SMALL)
    widget(app, "cell").set_value("relu").run()
    widget(app, "gain").set_value(1.5).run()
    app.pills(key="section").set_value("weights").run()
    again = opened(**link_of(app))
    assert again.session_state["state"] == app.session_state["state"]
    panels = [drawn(page)["time-panel"]["figure"]["data"] for page in (app, again)]
    for one, two in zip(*panels, strict=True):
        np.testing.assert_array_equal(one.get("y"), two.get("y"))


def test_going_back_restores_the_settings_before():
    app = opened(**SMALL)
    before = link_of(app)
    widget(app, "gain").set_value(1.5).run()
    app.query_params.clear()
    for name, value in before.items():
        app.query_params[name] = value
    app.run()
    assert config_of(app).gain == 1.0
    assert widget(app, "gain").value == 1.0


def test_a_broken_value_is_named_and_the_rest_is_used():
    app = opened(**{**SMALL, "gain": "nan", "cell": "<b>x</b>"})
    assert config_of(app).hidden_size == 12
    assert "gain must be in" in app.warning[0].value.replace("\\", "")
    assert "<b>" not in app.warning[0].value.replace("\\<", "")
    widget(app, "layers").set_value(2).run()
    assert not app.warning


@pytest.mark.parametrize("change", [{"steps": "1"}, {"hidden_size": "1"}, {"batch_size": "1"}])
@pytest.mark.parametrize("gain", ["0.0", "10.0"])
@pytest.mark.parametrize(
    ("cell", "section"),
    [*((cell, "why") for cell in rv.CELLS), ("tanh", "check"), ("lstm", "check"), ("lru", "check")],
)
def test_every_extreme_gives_a_picture_and_a_sentence(cell, gain, change, section, capfd):
    query = {**SMALL, "cell": cell, "gain": gain, "section": section, "task": "sine", **change}
    app = opened(**query)
    assert not app.error
    assert verdict_of(app)
    assert drawn(app)["time-panel"]["figure"]["data"]
    assert "Warning" not in capfd.readouterr().err


@pytest.mark.parametrize("task", rv.TASKS)
def test_every_task_shows_its_own_controls(task):
    app = opened(**SMALL, task=task)
    assert not app.error
    keys = [slider.key for slider in app.select_slider]
    assert ("set-lag" in keys) == rv.TASKS[task].uses_lag


def test_what_is_too_large_is_refused_with_the_estimate_and_the_controls_stay():
    app = opened(hidden_size="1024", steps="10000", batch_size="512", task="sine")
    assert "must take at most 128 MB and 60 s" in app.error[0].value.replace("\\", "")
    widget(app, "steps").set_value(1).run()
    widget(app, "batch_size").set_value(1).run()
    assert not app.error
    assert drawn(app)["time-panel"]


def test_a_length_beyond_the_data_is_brought_into_range_and_said():
    app = opened(**{**SMALL, "task": "sine", "steps": "1000"})
    widget(app, "task").set_value("sunspots").run()
    assert config_of(app).steps == 249
    assert "steps was lowered from 1000 to 249" in app.warning[0].value.replace("\\", "")


def test_a_lag_beyond_the_length_is_brought_into_range_and_said():
    app = opened(**{**SMALL, "task": "delayed_recall", "lag": "15"})
    widget(app, "steps").set_value(8).run()
    assert config_of(app).lag == 7
    assert "lag was lowered from 15 to 7" in app.warning[0].value.replace("\\", "")


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"steps": "300"}, "steps was lowered from 300 to 249"),
        ({"task": "delayed_recall", "lag": "50"}, "lag was lowered from 50 to 19"),
        ({"task": "delayed_recall", "steps": "1"}, "lag was lowered from 10 to 0"),
        (
            {"task": "copy", "readout": "none", "hidden_size": "4"},
            "hidden_size was raised from 4 to 9",
        ),
    ],
)
def test_a_link_whose_values_do_not_fit_together_shows_the_nearest_that_do(query, said):
    app = opened(**{**SMALL, **query})
    assert not app.error
    assert said in app.warning[0].value.replace("\\", "")
    assert drawn(app)["time-panel"]


def test_the_verdict_shows_its_evidence():
    text = next(text for text in words_of(opened(**SMALL)) if "evidence" in text)
    assert "fitted over lags" in text
    assert "spectral radius of W_hh" in text


def test_where_nothing_is_left_nothing_is_said_to_be_fitted():
    text = " ".join(words_of(opened(**SMALL, gain="0")))
    assert "nothing is left to fit" in text
    assert "fitted over" not in text


def test_another_sequence_is_another_picture_of_the_same_run():
    app = opened(**SMALL)
    before = drawn(app)["time-panel"]["figure"]["data"][1]["z"]
    app.number_input(key="view-sequence").set_value(2).run()
    assert link_of(app)["sequence"] == "1"
    assert not np.array_equal(drawn(app)["time-panel"]["figure"]["data"][1]["z"], before)


def test_an_overflow_is_told_without_numbers_that_are_not_there():
    app = opened(cell="linear", init="normal", gain="10", steps="400", task="sine")
    values = numbers_of(app)
    assert (values["Factor per step"], values["Half-life"], values["Reach"]) == (
        "NaN",
        "none",
        "none",
    )
    assert "nan" not in verdict_of(app)
