"""A page taken away as Python gives the numbers that were on it, to the bit."""

import json
import runpy
from itertools import islice

import nbformat
import numpy as np
import pytest

import rnnviz as rv
from dashboard.compared import seeds_spread
from dashboard.records import explore
from rnnviz.takeaway import Comparison, Training, as_notebook, as_python
from rnnviz.takeaway.drawn import OF_RUN, OF_SWEEP, OF_TRAINING

TRAINED = [name for name, preset in rv.PRESETS.items() if "iterations" in preset.settings]
SMALL = {"hidden_size": 6, "steps": 14, "batch_size": 3}


@pytest.fixture
def ran(tmp_path, monkeypatch):
    """Runs a script in an empty folder, and gives what it has by then.

    Without ``draw`` it writes no pictures, which takes longer than to compute what is in them.
    """
    monkeypatch.chdir(tmp_path)

    def run(script, *, draw=False):
        lines = [line for line in script.splitlines() if draw or ".write_html(" not in line]
        (tmp_path / "script.py").write_text("\n".join(lines), "utf-8")
        return runpy.run_path("script.py", run_name="__main__")

    return run


def same(one, other):
    return repr(one) == repr(other)


@pytest.mark.parametrize("name", rv.PRESETS)
def test_the_script_of_a_preset_gives_the_numbers_on_screen_to_the_bit(name, ran):
    config = rv.PRESETS[name].config.run
    found, shown = ran(as_python(config)), explore(config)
    numbers, verdict = found["numbers"], shown.verdict
    assert found["config"] == config
    assert same(numbers["loss"], shown.record.loss)
    assert same(numbers["factor per step"], verdict.factor)
    assert numbers["half-life, steps"] == verdict.half_life
    assert numbers["doubling time, steps"] == verdict.doubling_time
    assert numbers["reach, steps"] == verdict.reach
    assert same(numbers["spectral radius"], shown.eigenvalues.spectral_radius)
    assert same(numbers["largest Lyapunov exponent, nats per step"], shown.lyapunov.largest)
    assert found["verdict"].sentence == verdict.sentence
    np.testing.assert_array_equal(found["record"].dh, shown.record.dh)


@pytest.mark.parametrize("name", TRAINED)
def test_the_script_of_a_training_preset_takes_the_same_first_steps(name, ran):
    config = rv.PRESETS[name].config
    found = ran(as_python(Training(((0, config),), steps=3)))
    history = rv.History.collect(islice(rv.train(config), 3))
    np.testing.assert_array_equal(found["history"].rows, history.rows)
    assert found["history"].columns == history.columns


def test_the_script_of_a_training_that_was_changed_on_the_way_changes_it_there(ran):
    config = rv.TrainConfig(**SMALL, iterations=9, time_limit=60.0)
    stages = ((0, config), (4, config.replace(learning_rate=0.1)))
    found = ran(as_python(Training(stages, steps=7)))
    before = [*islice(rv.train(config), 4)]
    steps = [*before, *islice(rv.train(stages[1][1], before[-1]), 3)]
    np.testing.assert_array_equal(found["history"].rows, [step.row for step in steps])


def test_the_script_of_a_whole_training_ends_where_its_stop_rule_ends_it(ran):
    config = rv.TrainConfig(**SMALL, iterations=5, target_loss=1000.0)
    found = ran(as_python(config))
    assert len(found["history"].rows) == len(list(rv.train(config))) < 5


def test_the_script_of_a_comparison_runs_each_with_all_seeds(ran):
    base = rv.RunConfig(**SMALL, seed=9_999)
    other = base.replace(cell="gru", gain=0.7)
    found = ran(as_python(Comparison({"settings": base, 'a "b"': other}, seeds=2)))
    assert found["configs"] == {"settings": base, 'a "b"': other}
    for (name, config), number in zip(found["configs"].items(), range(2), strict=True):
        verdict = explore(config).verdict
        assert found["numbers"][name]["factor per step"] == verdict.factor
        at, spread = found["spreads"][name]
        assert at == number
        np.testing.assert_array_equal(spread.median, seeds_spread(config, 2).median)


def test_the_script_of_a_sweep_gives_its_table(ran):
    base = rv.TrainConfig(**SMALL, cell="linear", init="orthogonal")
    knobs = [rv.Knob.linear("gain", 0.5, 1.5, 3), rv.Knob.of("cell", ["tanh", "linear"])]
    config = rv.SweepConfig(base=base, knobs=knobs, seeds=[2, 0], measures=["factor", "reach"])
    found = ran(as_python(config, {"phase-map": "Where does it hold?"}))
    assert found["config"] == config
    assert found["frame"].equals(rv.sweep(config))


@pytest.mark.parametrize("cell", ["gru", "tanh"])
def test_every_picture_of_a_run_can_be_drawn_by_the_script(cell, ran, tmp_path):
    config = rv.RunConfig(**SMALL, cell=cell, loss_at="all")
    ungated = {"saturation", "mean-field"}
    names = ungated if cell == "tanh" else {*OF_RUN} - ungated
    ran(as_python(config, dict.fromkeys(sorted(names), "?")), draw=True)
    files = {path.name for path in tmp_path.glob("*.html")}
    assert files == {f"rnnviz-{name}.html" for name in [*names, "gradient-over-time"]}


def test_every_picture_of_a_training_can_be_drawn_by_the_script(ran, tmp_path):
    config = rv.TrainConfig(**SMALL, task="copy", loss_at="task", iterations=3)
    ran(as_python(config, dict.fromkeys(OF_TRAINING, "?")), draw=True)
    assert len([*tmp_path.glob("*.html")]) == len(OF_TRAINING)


def test_a_picture_that_is_not_known_is_left_out():
    script = as_python(rv.RunConfig(), {"not-a-picture": "?", **dict.fromkeys(OF_SWEEP, "?")})
    assert script.count("rv.figures.") == 1


def test_a_notebook_has_the_same_lines_and_is_the_same_every_time():
    config = rv.RunConfig(**SMALL)
    text = as_notebook(config, {"eigenvalues": "How [large]?"}, "Title #1", "In *words*.")
    assert text == as_notebook(config, {"eigenvalues": "How [large]?"}, "Title #1", "In *words*.")
    notebook = nbformat.reads(text, as_version=4)
    nbformat.validate(notebook)
    assert notebook.cells[0].source == "# Title \\#1\n\nIn \\*words\\*."
    assert notebook.cells[-2].source == "How \\[large\\]?"
    found = {}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            exec(cell.source, found)
    assert found["record"].loss == rv.run(config).loss
    assert found["config"] == config


def test_what_a_script_is_called_cannot_end_its_docstring(ran):
    hostile = '"""\nraise SystemExit\n"""' + "\\" + " é" * 60
    assert ran(as_python(rv.RunConfig(**SMALL), title=hostile))["record"].steps == 14


def test_settings_that_do_not_matter_and_are_not_default_are_written(ran):
    config = rv.RunConfig(**SMALL, lag=3, forget_bias=2.5)
    assert not config.matters("lag")
    assert ran(as_python(config))["config"] == config


def test_a_notebook_names_its_kernel():
    notebook = json.loads(as_notebook(rv.RunConfig()))
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
