"""Pinned runs on Train: trained with one click, drawn beside the run, and told apart in a table."""

from drawn import drawn
from test_train_page import app_of, job_of, said, until  # noqa: F401

from dashboard.runs import Runs
from rnnviz.figures.theme import RUNS

RATES = {"iterations": 12, "learning_rate": 0.01, "pins": "2:learning_rate=0.1"}


def table_of(app):
    """The table's text, cell by cell, or None."""
    found = [h.proto.body for h in app.main.get("html") if "<table>" in h.proto.body]
    return found[0] if found else None


def jobs_of(app):
    return Runs.of(app.session_state["kept-visitor"]).jobs


def pins_of(app):
    return app.session_state["state"].pins


def test_a_pinned_run_is_trained_with_a_click_drawn_told_apart_and_opened(app_of):  # noqa: F811
    app = app_of(**RATES)
    app.button(key="start").click().run()
    until(app, lambda a: "Finished: 12 steps" in said(a))
    app.button(key="train-2").click().run()
    until(app, lambda a: [job.state for job in jobs_of(a)] == ["finished"] * 2)
    assert [job.config.learning_rate for job in jobs_of(app)] == [0.01, 0.1]
    app.run()
    assert not [b for b in app.button if b.key == "train-2"]
    assert app.selectbox(key="chosen-run").value == 0
    check_drawn(app)
    check_table(app)
    app.button(key="open-2").click().run()
    assert app.session_state["state"].config.learning_rate == 0.1
    assert app.selectbox(key="chosen-run").value == 1
    assert "Finished: 12 steps" in said(app)
    assert table_of(app) is None  # the other run is not pinned


def check_drawn(app):
    pictures = drawn(app)
    names = {str(t.get("name")) for t in pictures["loss"]["figure"]["data"]}
    assert {"1: rate 0.01, training loss", "2: rate 0.1, training loss"} <= names
    maps = [t for t in pictures["gradient-map"]["figure"]["data"] if "zmin" in t]
    assert len(maps) == 2
    assert len({(t["zmin"], t["zmax"]) for t in maps}) == 1


def check_table(app):
    told = table_of(app)
    assert "Learning rate" in told
    assert "Hidden size" not in told
    assert "Steps<" not in told  # 12 of each
    for job, colour in zip(jobs_of(app), RUNS, strict=False):
        history = job.poll().history
        assert f"<td>{history.column('loss')[-1]:.3g}</td>" in told
        assert f"<td>{history.column('validation_loss')[-1]:.3g}</td>" in told
        assert f"background:{colour}" in told


def test_what_is_pinned_on_train_is_the_run_on_screen_with_its_own_settings(app_of):  # noqa: F811
    app = app_of(iterations=12)
    assert not [b for b in app.button if b.key == "pin"]
    app.button(key="one-step").click().run()
    until(app, lambda a: "Paused after 1 of 12" in said(a))
    app.button(key="pin").click().run()
    (pin,) = pins_of(app)
    assert pin.config == job_of(app).config
    assert "on screen" in [caption.value for caption in app.caption]
    app.button(key="remove-1").click().run()
    assert pins_of(app) == ()
