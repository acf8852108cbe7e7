"""The Train page, driven without a browser: start, stop, divergence, and what stays."""

import time
from functools import cache

import numpy as np
import pytest
from drawn import drawn
from streamlit.testing.v1 import AppTest
from test_app import words_of

import rnnviz as rv
from dashboard import run_control
from dashboard.places import PLACES
from dashboard.runs import BUSY, Runs
from dashboard.views import train

PICTURES = ["loss", "gradient-norm", "gradient-map", "look-prediction"]
SMALL = {"hidden_size": 8, "steps": 12, "batch_size": 3, "task": "sine", "loss_at": "all"}


def train_page():
    from dashboard import session
    from dashboard.views import train

    session.start()
    train.render()


def opened(visitor=None, **settings):
    """The page under a link of these settings, opened by somebody new unless told."""
    app = AppTest.from_function(train_page, default_timeout=30)
    if visitor:
        app.session_state["kept-visitor"] = visitor
    for name, value in {**SMALL, **settings}.items():
        app.query_params[name] = str(value)
    app.run()
    assert not app.exception
    return app


def until(app, condition, seconds=30):
    """Look at the page again and again, as its fragment does, until something is true."""
    deadline = time.monotonic() + seconds
    while not condition(app):
        assert time.monotonic() < deadline, said(app)
        app.run()
        assert not app.exception
    return app


def said(app):
    """Everything that the page says about the run."""
    progress = [element.proto.text for element in app.get("progress")]
    return " ".join([*progress, *(e.value for e in app.error)]).replace("\\", "")


def scrubber(app):
    (slider,) = [found for found in app.select_slider if str(found.key).startswith("scrub-")]
    return slider


def view(app):
    return app.session_state["state"].view


def job_of(app):
    return Runs.of(app.session_state["kept-visitor"]).jobs[-1]


@pytest.fixture
def app_of():
    """Opens pages, and ends what they started."""
    pages = []

    def open_one(*visitor, **settings):
        pages.append(opened(*visitor, **settings))
        return pages[-1]

    yield open_one
    for page in pages:
        for job in Runs.of(page.session_state["kept-visitor"]).jobs:
            job.stop()


def test_before_start_the_page_says_what_start_does(app_of):
    app = app_of()
    assert "Start trains the network" in app.info[0].value
    assert not app.button(key="start").disabled
    assert app.button(key="stop").disabled


def test_a_run_finishes_with_its_three_pictures_and_the_baseline(app_of):
    app = app_of(iterations=30)
    app.button(key="start").click().run()
    until(app, lambda a: "Finished: 30 steps" in said(a))
    assert list(drawn(app)) == PICTURES
    assert not app.button(key="start").disabled
    history = rv.History.collect(rv.train(job_of(app).config))
    loss = next(t for t in drawn(app)["loss"]["figure"]["data"] if len(t["y"]) == 30)
    assert loss["y"][-1] == pytest.approx(history.rows[-1, 1], rel=1e-12)


def test_stop_stops_within_half_a_second_and_keeps_what_was_computed(app_of):
    app = app_of(iterations=100_000)
    app.button(key="start").click().run()
    until(app, lambda a: len(job_of(a).poll().history.rows) > 20)
    began = time.monotonic()
    job_of(app).stop()
    assert time.monotonic() - began < 0.5
    app.run()
    assert "Stopped after" in said(app)
    assert list(drawn(app)) == PICTURES
    assert app.button(key="stop").disabled


def test_a_run_that_diverges_says_at_which_step_and_why(app_of):
    app = app_of(cell="relu", gain=5.0, optimizer="sgd", learning_rate=10.0, clip=0.0, steps=60)
    app.button(key="start").click().run()
    until(app, lambda a: "diverged at step" in said(a))
    assert "not finite" in said(app)
    assert "loss" in drawn(app)

    file = rv.load_run(train._run_file(app.session_state["kept-seen"]), "a.safetensors")
    *_, good, last = rv.train(job_of(app).config)
    assert last.fault
    for name, W in good.network.params.items():
        np.testing.assert_array_equal(file.record.network.params[name], W)
    assert file.history is not None
    assert [row[0] for row in file.history.rows] == [*range(last.number + 1)]


def test_what_cannot_be_trained_is_said_in_one_sentence(app_of):
    app = app_of(steps=10_000, batch_size=512)
    app.button(key="start").click().run()
    until(app, lambda a: "must be at most 128 MB" in said(a))


def test_settings_changed_after_the_start_are_pointed_out(app_of):
    app = found(app_of)
    app.select_slider(key="set-learning_rate").set_value(0.1).run()
    assert any("settings have changed" in caption.value for caption in app.caption)


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "rmsprop", "adam"])
def test_momentum_is_asked_for_where_it_is_used(optimizer, app_of):
    app = app_of(optimizer=optimizer)
    keys = [slider.key for slider in app.select_slider]
    assert ("set-momentum" in keys) == (optimizer == "momentum")


def finished(app_of, **settings):
    app = app_of(**{"iterations": 30, **settings})
    app.button(key="start").click().run()
    return until(app, lambda a: "Finished: 30 steps" in said(a))


@cache
def with_a_run():
    """A visitor whose training has finished, for those who only look at it."""
    return finished(opened).session_state["kept-visitor"]


def found(app_of):
    """The page of that training, as a reload finds it."""
    app = app_of(with_a_run(), iterations=30)
    assert "Finished: 30 steps" in said(app)
    return app


def test_the_scrubber_moves_every_picture_to_a_moment_without_training_again(app_of):
    app = found(app_of)
    taken = len(job_of(app).poll().history.rows)
    latest = drawn(app)
    scrubber(app).set_value(0).run()
    moved = drawn(app)
    assert list(moved) == PICTURES
    assert all(repr(moved[name]) != repr(latest[name]) for name in PICTURES)
    assert len(job_of(app).poll().history.rows) == taken
    app.button(key="latest").click().run()
    assert app.button(key="latest").disabled


def test_one_step_and_ten_steps_pause_behind_them_and_resume_goes_on(app_of):
    app = app_of(iterations=30)
    app.button(key="one-step").click().run()
    until(app, lambda a: "Paused after 1 of 30" in said(a))
    app.button(key="ten-steps").click().run()
    until(app, lambda a: "Paused after 11 of 30" in said(a))
    app.button(key="resume").click().run()
    until(app, lambda a: "Finished: 30 steps" in said(a))
    whole = rv.History.collect(rv.train(job_of(app).config))
    assert job_of(app).poll().history.column("loss").tolist() == whole.column("loss").tolist()


def test_reset_shows_no_run_and_keeps_the_old_one_to_choose_and_draw_beside_for_good(app_of):
    app = finished(app_of)
    app.button(key="reset").click().run()
    assert "Start trains the network" in app.info[0].value
    app.button(key="reset-new").click().run()
    assert not app.exception
    app.button(key="start").click().run()
    until(app, lambda a: "Finished: 30 steps" in said(a))
    first, second = Runs.of(app.session_state["kept-visitor"]).jobs
    assert (first.config.seed, second.config.seed) == (0, 1)
    assert app.selectbox(key="chosen-run").options == ["1: seed 0", "2: seed 1"]
    app.multiselect(key="beside").set_value([0]).run()
    app.pills(key="look").set_value("ratios").run()
    assert not app.exception
    names = {str(trace.get("name")) for trace in drawn(app)["loss"]["figure"]["data"]}
    assert {name[:3] for name in names if name[1:3] == ": "} == {"1: ", "2: "}


def test_the_buttons_follow_a_run_that_ends_while_they_are_drawn(app_of, monkeypatch):
    def buttons(job):
        run_control.buttons(job)
        while job and job.state in BUSY:
            time.sleep(0.01)

    monkeypatch.setattr("dashboard.views.train.buttons", buttons)
    app = app_of(iterations=30)
    app.button(key="start").click().run()
    assert "Finished: 30 steps" in said(app)
    assert app.button(key="stop").disabled


def test_a_rate_that_is_changed_while_training_is_marked_at_its_step(app_of):
    app = app_of(iterations=100_000)
    app.button(key="start").click().run()
    until(app, lambda a: len(job_of(a).poll().history.rows) > 20)
    app.select_slider(key="set-learning_rate").set_value(0.01).run()
    until(app, lambda a: job_of(a).poll().history.changes)
    (change,) = job_of(app).poll().history.changes
    assert change.sentence == "learning rate 0.001 → 0.01"
    assert change.step > 0


def test_another_run_goes_on_from_a_moment(app_of):
    app = finished(app_of)
    scrubber(app).set_value(16).run()
    app.button(key="go-on").click().run()
    assert "Paused after 16 of 30" in said(app)
    app.button(key="resume").click().run()
    until(app, lambda a: "Finished: 30 steps" in said(a))
    first, second = (job.poll().history for job in Runs.of(app.session_state["kept-visitor"]).jobs)
    assert first.column("loss").tolist() == second.column("loss").tolist()


def test_every_way_to_look_draws_its_picture(app_of):
    app, questions = found(app_of), set()
    for look in ("panel", "ratios", "prediction", "spectrum", "half-life", "radius", "units"):
        app.pills(key="look").set_value(look).run()
        assert not app.exception
        assert list(drawn(app))[-1] == f"look-{look}"
        questions.add(drawn(app)[f"look-{look}"]["question"])
        lines = [text for text in words_of(app) if "Gradient and carried change agree" in text]
        assert ["<b>Holds.</b>" in line for line in lines] == [True] * (look == "panel")
    assert len(questions) == 7
    assert "saturated" in counted(app)


def test_the_link_carries_the_look_and_the_moment(app_of):
    app = found(app_of)
    app.pills(key="look").set_value("half-life").run()
    scrubber(app).set_value(16).run()
    assert app.query_params["look"] in ("half-life", ["half-life"])
    assert app.query_params["at"] in ("16", ["16"])
    app.button(key="latest").click().run()
    assert app.query_params["at"] in ("latest", ["latest"])


def test_the_slider_rests_while_the_page_follows_a_run(app_of):
    app = app_of(iterations=100_000, detail="everything")
    app.button(key="start").click().run()
    until(app, lambda a: len(job_of(a).poll().history.moments) > 1)
    app.run()
    key = scrubber(app).key
    seen = len(job_of(app).poll().history.moments)
    assert scrubber(app).value == "latest"
    until(app, lambda a: len(job_of(a).poll().history.moments) > seen + 1)
    assert (scrubber(app).key, scrubber(app).value) == (key, "latest")
    scrubber(app).set_value(0).run()
    assert (scrubber(app).key, view(app).at) == (key, 0)
    app.run()
    assert (scrubber(app).key, scrubber(app).value) == (key, 0)
    app.button(key="latest").click().run()
    assert scrubber(app).value == "latest"


def test_the_chance_is_drawn_where_the_answers_are_classes(app_of):
    app = finished(app_of, task="copy", loss_at="last", look="accuracy")
    lines = drawn(app)["look-accuracy"]["figure"]["data"]
    (level,) = [t for t in lines if t.get("name", "").startswith("ignoring the")]
    assert list(level["y"]) == [0.125, 0.125]


def test_of_a_cell_with_gates_the_open_ones_are_counted(app_of):
    app = finished(app_of, cell="lstm", look="units")
    assert "open" in counted(app)


def counted(app):
    """The names of the lines under the look at units."""
    return [trace.get("name") for trace in drawn(app)["look-units"]["figure"]["data"]]


def test_what_a_cell_has_no_count_of_is_not_offered(app_of):
    app = finished(app_of, cell="lru", look="units")
    assert "look-units" not in drawn(app)
    assert "look-prediction" in drawn(app)


def test_a_second_run_queues_behind_the_first_and_is_drawn_beside_it(app_of):
    app = app_of(iterations=100_000)
    app.button(key="start").click().run()
    until(app, lambda a: len(job_of(a).poll().history.rows) > 0)
    start = app.button(key="start")
    assert (start.label, start.disabled) == ("Start another", True)
    others = [open_others_place(app_of) for _ in range(PLACES.count)]
    app.selectbox(key="set-optimizer").set_value("sgd").run()
    assert not app.button(key="start").disabled
    app.button(key="start").click().run()
    first, second = Runs.of(app.session_state["kept-visitor"]).jobs
    assert first.state in ("running", "queued")
    assert (second.state, second.config.optimizer) == ("queued", "sgd")
    assert "Waiting for a free place" in said(app)
    assert list(drawn(app)) == ["loss", "gradient-norm"]
    assert app.multiselect(key="beside").value == [0]
    assert app.button(key="start").disabled
    for other in others:
        other.button(key="stop").click().run()
    first.stop()
    until(app, lambda a: list(drawn(a)) == PICTURES)
    names = {str(trace.get("name")) for trace in drawn(app)["loss"]["figure"]["data"]}
    assert {name[:3] for name in names if name[1:3] == ": "} == {"1: ", "2: "}


def open_others_place(app_of):
    """Another visitor who trains, or waits to."""
    other = app_of(iterations=100_000)
    other.button(key="start").click().run()
    return other
