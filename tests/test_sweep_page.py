"""The Sweep page, driven without a browser: knobs, cost, the map, and the run behind a cell."""

import time

import pytest
from drawn import drawn
from streamlit.testing.v1 import AppTest

from dashboard import limits
from dashboard.link import from_query, to_query
from dashboard.sweep_choice import SweepChoice, from_texts, to_texts
from rnnviz import SWEEPS, Knob

SMALL = {"hidden_size": "6", "steps": "12", "batch_size": "3", "task": "sine", "sweep_seeds": "2"}


def sweep_page():
    from dashboard import session
    from dashboard.views import sweep

    session.start()
    sweep.render()


def opened(**query):
    """The page under a link of these settings."""
    app = AppTest.from_function(sweep_page, default_timeout=60)
    for name, value in {**SMALL, **query}.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def finished(app):
    """The page once its sweep is done."""
    deadline = time.monotonic() + 60
    while "start-sweep" in keys(app) and "Finished" not in progress(app):
        assert time.monotonic() < deadline, progress(app)
        app.run()
        assert not app.exception
    return app


def progress(app):
    return " ".join(e.proto.text for e in app.get("progress")).replace("\\", "")


def keys(app):
    return [button.key for button in app.button]


def chosen(app):
    return app.session_state["state"].sweep


def test_a_short_sweep_is_on_the_page_without_a_click():
    done = finished(opened(knobs="gain=0.5:1.5:3;input_scale=0.5,2.0"))
    assert progress(done) == "Finished: 12 runs."
    assert "phase-map" in drawn(done)


def test_the_caption_tells_names_one_by_one_and_the_settings_of_the_first_run():
    done = finished(opened(knobs="cell=relu,tanh,gru;gain=0.5:1.5:3", sweep_seeds="1"))
    notes = drawn(done)["phase-map"]["figure"]["layout"]["annotations"]
    words = " ".join(notes[-1]["text"].replace("<br>", " ").split())
    assert "Cell ReLU / tanh / GRU, Gain g 0.5 to 1.5; 1 seed. The first run: ReLU, H = 6" in words


@pytest.mark.parametrize(
    ("knobs", "said"),
    [
        ("lag=1,2", 1),
        ("gain=0.5,1.0;lag=1,2", 1),
        ("lag=1,2;task=sine,delayed_recall", 0),
        ("gain=1.0", 0),
    ],
)
def test_a_knob_that_changes_nothing_is_told_unless_another_names_what_uses_it(knobs, said):
    captions = [one.value for one in opened(knobs=knobs, gain="1.0").caption]
    assert sum("Changes nothing here" in one for one in captions) == said


def test_what_cannot_be_computed_is_told_with_a_reason():
    done = finished(opened(task="delayed_recall", knobs="lag=2,50"))
    (told,) = [one.value.replace("\\", "") for one in done.warning]
    assert told.startswith("2 of 4 runs failed; the first of them: lag must be")


def test_boxes_are_told_their_values_again_where_the_page_is_drawn_twice_in_a_row():
    app = opened(knobs="gain=0:2:200;input_scale=0:2:200")
    boxes = ("sweep-seeds", "from-0", "to-0", "count-1")
    app.session_state["unheard"] = True
    app.run()
    assert all(app.number_input(key).proto.set_value for key in boxes)
    app.run()
    assert not any(app.number_input(key).proto.set_value for key in boxes)


def test_one_knob_is_drawn_as_lines_and_three_side_by_side():
    assert "sweep-lines" in drawn(finished(opened(knobs="gain=0.5,1.0")))
    three = "gain=0.5,1.0;input_scale=1.0,2.0;cell=tanh,relu"
    assert "parallel" in drawn(finished(opened(knobs=three)))


@pytest.mark.parametrize(("cell", "offered"), [("", ["measure"]), (";cell=tanh,relu", [])])
def test_a_measure_is_chosen_but_for_the_picture_that_has_them_all(cell, offered):
    knobs = f"gain=0.5,1.0;input_scale=1.0,2.0{cell}"
    done = finished(opened(knobs=knobs, measures="factor,loss", sweep_seeds="1"))
    assert [pills.key for pills in done.pills] == offered


def test_knobs_are_added_turned_spaced_and_removed_and_the_link_follows():
    app = opened(knobs="gain=0.5:1.5:3")
    app.button("add-knob").click().run()
    assert [knob.name for knob in chosen(app).knobs] == ["gain", "input_scale"]
    app.selectbox("turned-1").set_value("cell").run()
    app.multiselect("values-1").set_value(["tanh", "gru"]).run()
    app.number_input("count-0").set_value(5).run()
    app.button("remove-knob-0").click().run()
    assert chosen(app).knobs == (Knob.of("cell", ["tanh", "gru"]),)
    assert not app.exception
    query = to_query(app.session_state["state"])
    assert query["knobs"] == "cell=tanh,gru"
    assert from_query({k: [v] for k, v in query.items()})[0].sweep == chosen(app)


def test_a_named_sweep_takes_the_settings_and_the_knobs():
    app = opened(knobs="gain=0.5,1.0")
    app.selectbox("named-sweep").set_value("forget-lag").run()
    assert not app.exception
    assert app.session_state["state"].config == SWEEPS["forget-lag"].config.base
    assert app.selectbox("named-sweep").value == "forget-lag"
    assert any(c.value == SWEEPS["forget-lag"].claim for c in app.caption)


def test_a_bad_value_is_said_and_changes_nothing():
    app = opened(knobs="gain=0.5,1.0")
    app.text_input("list-0").set_value("0.5, eleven").run()
    assert chosen(app).knobs[0].values == (0.5, 1.0)
    assert "eleven" in app.session_state["notices"][0]


@pytest.mark.parametrize(
    "knob",
    [
        *(knob for sweep in SWEEPS.values() for knob in sweep.config.knobs),
        Knob.linear("steps", 1, 5, 30),
        Knob.log("lag", 1, 1000, 17),
        Knob.linear("gain", 0.3, 0.3, 1),
        Knob.of("gain", [2, 0.1, 1e-3]),
        Knob.of("cell", ["lstm"]),
    ],
    ids=lambda knob: knob.text[:40],
)
def test_a_link_restores_every_knob(knob):
    choice = SweepChoice((knob,), 4, ("loss", "success"), 0.25)
    assert from_texts(to_texts(choice)) == (choice, [])


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("knobs", "gain=0:1", "knobs of the sweep was not used"),
        ("knobs", "nothing=1,2", "a knob must be one of"),
        ("knobs", "gain=1,2;gain=1,3", "1 to 3 different settings"),
        ("knobs", "gain=0:1:1e9", "a knob must have 1 to 1,000 values"),
        ("sweep_seeds", "99", "there may be 1 to 20 seeds, got '99'"),
        ("measures", "speed", "measures must be of"),
        ("solved", "nan", "solved must be in (0, 1], got 'nan'"),
    ],
)
def test_a_bad_part_of_a_link_is_named_and_the_rest_is_used(name, text, said):
    state, notices = from_query({"gain": ["1.5"], name: [text]})
    assert state.config.gain == 1.5
    assert len(notices) == 1
    assert said in notices[0]


def test_what_is_too_large_is_refused_with_the_numbers_before_anything_runs():
    app = opened(knobs="gain=0:2:200;input_scale=0:2:200")
    (error,) = [e.value.replace("\\", "") for e in app.error]
    assert f"at most {limits.SWEEP_RUNS:,} runs, got 80,000" in error
    assert app.button("start-sweep").disabled
