"""What a page offers to take away is what is on it."""

import io
import zipfile

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

import dashboard.taken
import rnnviz as rv
from dashboard.records import explore
from dashboard.taken import File, of_comparison, of_run, of_sweep, of_training
from rnnviz.figures.theme import PALETTES
from rnnviz.takeaway import Comparison, Saved, Training, as_python

SMALL = {"hidden_size": 5, "steps": 11, "batch_size": 3}


@pytest.fixture(scope="module")
def app():
    """Explore with its menu open."""
    opened = AppTest.from_file("../dashboard/app.py", default_timeout=60)
    for name, value in SMALL.items():
        opened.query_params[name] = str(value)
    opened.session_state["take-away"] = True
    opened.run()
    assert not opened.exception, [error.value for error in opened.exception]
    return opened


def made(files, name):
    (found,) = [file for file in files if file.name == name]
    assert isinstance(found, File)
    return found.make()


def test_the_page_offers_its_own_settings_as_python(app):
    (code,) = app.code
    assert code.language == "python"
    config = rv.RunConfig(**SMALL)
    assert as_python(config).partition("import rnnviz")[2][:600] in code.value
    assert "rv.figures.eigenvalues(spectrum)" in code.value


def test_the_page_draws_the_picture_that_is_asked_for_in_the_theme_that_is_asked_for(app):
    app.selectbox(key="take-name").set_value("eigenvalues")
    app.selectbox(key="take-form").set_value("html")
    app.selectbox(key="take-theme").set_value("dark")
    app.button(key="take-draw").click().run()
    assert not app.exception
    asked, data = app.session_state["kept-taken-picture"]
    assert (asked.name, asked.form, asked.theme) == ("eigenvalues", "html", "dark")
    assert f"background: {PALETTES['dark'].paper}" in data.decode()
    assert next(b.label for b in app.get("download_button")) == "Save rnnviz-eigenvalues.html"


def test_a_picture_that_cannot_be_drawn_is_said_in_a_sentence(app, monkeypatch):
    monkeypatch.setenv("BROWSER_PATH", "/nowhere/chromium")
    app.run()
    assert [*app.selectbox(key="take-form").options] == ["HTML", "CSV"]
    assert any("none was found" in caption.value for caption in app.caption)


def test_a_run_has_its_record():
    explored = explore(rv.RunConfig(**SMALL))
    taken = of_run(explored, [], lambda _: [])
    with np.load(io.BytesIO(made(taken.files, "rnnviz-record.npz"))) as arrays:
        np.testing.assert_array_equal(arrays["l0.dh"], explored.record.dh)
    assert made(taken.files, "rnnviz-record.csv").count("\n") == 1 + 12 * 3 * 5
    assert taken.page == explored.config
    assert taken.verdict == explored.verdict.sentence


def test_a_record_too_long_for_a_table_says_so(monkeypatch):
    monkeypatch.setattr(dashboard.taken, "ROWS_LIMIT", 12)
    taken = of_run(explore(rv.RunConfig(**SMALL)), [], lambda _: [])
    assert "180 rows, too many for CSV" in taken.note
    assert [file.name for file in taken.files if file.name.endswith("csv")] == []


def test_a_run_without_settings_is_taken_from_its_file():
    from dataclasses import replace

    explored = replace(explore(rv.RunConfig(**SMALL)), config=None, told="my weights")
    taken = of_run(explored, [], lambda _: [])
    assert isinstance(taken.page, Saved)
    assert "rv.load_run" in as_python(taken.page)
    assert taken.title == "my weights"


def test_a_training_has_every_step():
    config = rv.TrainConfig(**SMALL, iterations=4)
    history = rv.History.collect(rv.train(config))
    taken = of_training(Training(((0, config),), 4), history, "", lambda _: [])
    table = made(taken.files, "rnnviz-training.csv")
    assert table.startswith("step,loss,")
    assert table.count("\n") == 5
    with zipfile.ZipFile(io.BytesIO(made(taken.files, "rnnviz-events.zip"))) as archive:
        assert any("events.out.tfevents" in name for name in archive.namelist())


def test_a_comparison_has_the_numbers_of_each_run_by_its_name():
    runs = {"a": explore(rv.RunConfig(**SMALL)), "b": explore(rv.RunConfig(**SMALL, cell="gru"))}
    taken = of_comparison(runs, 3, "", lambda _: [])
    assert taken.page == Comparison({name: one.config for name, one in runs.items()}, 3)
    first, *lines = made(taken.files, "rnnviz-comparison.csv").splitlines()
    assert first.startswith("run,kind,factor")
    assert [line[0] for line in lines if line[1] == ","] == ["a", "b"]
    assert f"b: {runs['b'].verdict.sentence}" in taken.verdict


def test_a_sweep_has_its_table():
    base = rv.TrainConfig(**SMALL, cell="linear", init="orthogonal")
    config = rv.SweepConfig(base=base, knobs=[rv.Knob.of("gain", [0.5, 1.5])], seeds=[0])
    rows = rv.sweep(config)
    taken = of_sweep(config, rows, "", lambda _: [])
    assert made(taken.files, "rnnviz-sweep.csv") == rows.to_csv(index=False)
