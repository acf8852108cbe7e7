"""The Train page, driven without a browser: start, stop, divergence, and what stays."""

import time

import pytest
from drawn import drawn
from streamlit.testing.v1 import AppTest

import rnnviz as rv

SMALL = {"hidden_size": 8, "steps": 12, "batch_size": 3, "task": "sine", "loss_at": "all"}


def train_page():
    from dashboard import session
    from dashboard.views import train

    session.start()
    train.render()


def opened(**settings):
    """The page under a link of these settings."""
    app = AppTest.from_function(train_page, default_timeout=30)
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


def job_of(app):
    return app.session_state["kept-job"]


@pytest.fixture
def app_of():
    """Opens pages, and ends what they started."""
    pages = []

    def open_one(**settings):
        pages.append(opened(**settings))
        return pages[-1]

    yield open_one
    for page in pages:
        if "kept-job" in page.session_state:
            job_of(page).stop()


def test_before_start_the_page_says_what_start_does(app_of):
    app = app_of()
    assert "Start trains the network" in app.info[0].value
    assert not app.button(key="start").disabled
    assert app.button(key="stop").disabled


def test_a_run_finishes_with_its_three_pictures_and_the_baseline(app_of):
    app = app_of(iterations=30)
    app.button(key="start").click().run()
    until(app, lambda a: "Finished: 30 steps" in said(a))
    assert list(drawn(app)) == ["loss", "gradient-norm", "prediction"]
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
    assert list(drawn(app)) == ["loss", "gradient-norm", "prediction"]
    assert app.button(key="stop").disabled


def test_a_run_that_diverges_says_at_which_step_and_why(app_of):
    app = app_of(cell="relu", gain=5.0, optimizer="sgd", learning_rate=10.0, clip=0.0, steps=60)
    app.button(key="start").click().run()
    until(app, lambda a: "diverged at step" in said(a))
    assert "not finite" in said(app)
    assert "loss" in drawn(app)


def test_what_cannot_be_trained_is_said_in_one_sentence(app_of):
    app = app_of(steps=10_000, batch_size=512)
    app.button(key="start").click().run()
    until(app, lambda a: "must be at most 128 MB" in said(a))


def test_settings_changed_after_the_start_are_pointed_out(app_of):
    app = app_of(iterations=20)
    app.button(key="start").click().run()
    until(app, lambda a: "Finished" in said(a))
    app.select_slider(key="set-learning_rate").set_value(0.1).run()
    assert "settings have changed" in app.caption[0].value


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "rmsprop", "adam"])
def test_momentum_is_asked_for_where_it_is_used(optimizer, app_of):
    app = app_of(optimizer=optimizer)
    keys = [slider.key for slider in app.select_slider]
    assert ("set-momentum" in keys) == (optimizer == "momentum")
