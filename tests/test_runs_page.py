"""Runs, driven without a browser: a file and a folder are shown, and what is no run is named."""

import os
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

import rnnviz as rv
from dashboard import gallery
from dashboard.explored import Explored
from dashboard.views import runs
from rnnviz.runfile.limits import FOLDER
from rnnviz.takeaway import as_python, questions


def runs_page():
    import streamlit as st

    from dashboard import session
    from dashboard.views import explore, runs

    session.start()
    session.keep("explore-page", st.Page(explore.render, url_path="explore"))
    runs.render()


@pytest.fixture(scope="module")
def trained():
    """A training of seven steps, with its moments, as ``rnnviz train -o`` writes one."""
    config = rv.TrainConfig(cell="gru", hidden_size=4, steps=6, batch_size=3, iterations=7)
    history = rv.History.collect(rv.train(config))
    record = rv.run(config.run)
    return SimpleNamespace(
        config=config,
        record=record,
        data=rv.run_bytes(record, config=config, history=history, name="my `first` run"),
    )


@pytest.fixture
def page(monkeypatch):
    """An empty page."""
    monkeypatch.delenv(FOLDER, raising=False)
    return AppTest.from_function(runs_page, default_timeout=60).run()


def said(app):
    shown = [str(one.value) for one in (*app.markdown, *app.error, *app.info)]
    return " ".join([*shown, *(one.proto.body for one in app.get("html"))])


def tables(app):
    return "".join(one.proto.body for one in app.get("html"))


def put(app, data, name):
    app.file_uploader[0].set_value((name, data, "application/octet-stream"))
    app.run()
    assert not app.exception
    return app


def test_a_file_is_shown_with_its_training_and_a_way_to_its_settings(page, trained):
    app = put(page, trained.data, "a.safetensors")
    assert "my \\`first\\` run" in said(app)
    told = said(app).replace("\\", "")
    assert "**a.safetensors**  \n:small[:gray[6 steps of 3 sequences]]" in told
    assert f"loss {trained.record.loss:.3g} ·" in told
    charts = [one.proto.id for one in app.get("bidi_component")]
    assert len(charts) >= 4
    (link,) = app.get("page_link")
    assert "cell=gru" in link.proto.query_string
    assert "hidden_size=4" in link.proto.query_string
    app.button(key="run-close").click().run()
    assert len(app.file_uploader) == 1


def test_a_torn_file_is_named_and_the_page_stays(page, trained):
    app = put(page, trained.data[:-1], "torn.safetensors")
    assert "torn\\.safetensors is torn" in said(app)
    assert "verdict" not in said(app)


def test_a_folder_is_followed_and_what_is_no_run_is_named(monkeypatch, tmp_path, trained):
    monkeypatch.setenv(FOLDER, str(tmp_path))
    app = AppTest.from_function(runs_page, default_timeout=60).run()
    assert "There is no run in it yet" in said(app)
    rv.save_run(tmp_path / "one.safetensors", trained.record, name="the first")
    os.utime(tmp_path / "one.safetensors", (1, 1))
    (tmp_path / "no.safetensors").write_bytes(b"nothing of ours")
    os.utime(tmp_path / "no.safetensors", (0, 0))
    app.run()
    assert "**the first**" in said(app)
    assert "no\\.safetensors is" in said(app)
    assert [one.label for one in app.expander] == ["One file is no run"]
    rv.save_run(tmp_path / "two.safetensors", trained.record, name="the second")
    app.run()
    assert "**the second**" in said(app)
    app.toggle(key="follow-newest").set_value(False).run()
    assert app.button(key="run-Newer").disabled
    app.button(key="run-Older").click().run()
    assert "**the first**" in said(app)
    assert "→\N{NO-BREAK SPACE}the first · one.safetensors" in tables(app)
    assert f"<td>{trained.record.loss:.3g}</td>" in tables(app)
    app.selectbox(key="run-choice").set_value("two.safetensors").run()
    assert "**the second**" in said(app)
    assert not app.exception


def test_a_run_that_is_shown_can_be_taken_away_as_it_came(trained):
    saved = rv.load_run(trained.data)
    opened = gallery.Opened("a", saved, Explored(saved.record, saved.loss, told="told"))
    taken = runs._taken(opened, [])
    again = rv.load_run(taken.files[0].make())
    assert (again.config, again.name) == (trained.config, "my `first` run")
    assert len(again.history.moments) == 7
    assert again.provenance == saved.provenance
    named = questions(runs._training(opened, "dark"))
    assert list(named) == ["loss", "gradient-map"]
    assert "load_run" in as_python(taken.page, named)
