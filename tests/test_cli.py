"""The command: the numbers of the app from a shell, files that open again, and exit codes."""

import json
import resource
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import rnnviz as rv
from rnnviz.cli import main
from rnnviz.cli.app import app_script, serving
from rnnviz.cli.presets import as_toml
from rnnviz.cli.train import _watched
from rnnviz.config.file import parse_config
from rnnviz.interop import probe

SMALL = ["--set", "hidden_size=5", "--set", "steps=12", "--set", "batch_size=3"]
CONFIG = {"hidden_size": 5, "steps": 12, "batch_size": 3}


def call(*words, code=0):
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exit_code == code, result.output
    return result


def test_a_run_of_a_preset_is_saved_whole_and_its_numbers_are_printed(tmp_path):
    path = tmp_path / "out.safetensors"
    result = call("run", "lstm-pytorch", *SMALL, "-o", path, "--json")
    config = rv.PRESETS["pytorch-lstm"].config.replace(**CONFIG).run
    record, saved = rv.run(config), rv.load_run(path)
    assert saved.config == config
    np.testing.assert_array_equal(saved.record.ds, record.ds)
    told, verdict = json.loads(result.stdout), rv.diagnostics.verdict(record, config=config)
    assert rv.RunConfig(**told["config"]) == config
    assert told["verdict"]["sentence"] == verdict.sentence
    assert told["numbers"]["loss"] == record.loss
    assert told["numbers"]["factor"] == verdict.factor
    assert told["numbers"]["spectral_radius"] == pytest.approx(
        rv.diagnostics.eigenvalues(record.network).spectral_radius
    )


def test_a_run_is_told_in_words_and_its_arrays_go_to_npz_and_csv(tmp_path):
    record = rv.run(rv.RunConfig(**CONFIG))
    told = call("run", *SMALL, "-o", tmp_path / "run.npz").stdout
    assert told.startswith(rv.diagnostics.verdict(record).sentence)
    assert ["loss", f"{record.loss:.4g}"] in [line.split() for line in told.splitlines()]
    with np.load(tmp_path / "run.npz") as file:
        np.testing.assert_array_equal(file["l0.dh"], record.dh)
    call("run", *SMALL, "-o", tmp_path / "run.csv")
    table = pd.read_csv(tmp_path / "run.csv")
    np.testing.assert_array_equal(table["dh"], record.dh.ravel())


def test_what_overflows_is_printed_as_json_that_any_reader_takes():
    words = ["--set", "cell=linear", "--set", "gain=10", "--set", "steps=900"]
    words += ["--set", "task=sine", "--json"]
    told = json.loads(call("run", *words).stdout, parse_constant=pytest.fail)
    assert told["numbers"]["loss"] in ("NaN", "Infinity")


def test_a_file_of_settings_comes_before_single_ones_and_names_its_preset(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('preset = "irnn"\nhidden_size = 7\nsteps = 12\nhiden = 3\n')
    result = call("run", "-c", path, "--set", "steps=9", "--json")
    told = rv.RunConfig(**json.loads(result.stdout)["config"])
    assert told == rv.PRESETS["irnn"].config.replace(hidden_size=7, steps=9).run
    assert "unknown setting 'hiden' is left out; did you mean hidden_size?" in result.stderr


def test_a_preset_is_listed_and_written_as_a_file_of_settings():
    listed = call("presets").stdout
    assert all(name in listed for name in rv.PRESETS)
    told = json.loads(call("presets", "--json").stdout)
    assert [preset["name"] for preset in told] == [*rv.PRESETS]
    assert call("presets", "cliff-plain").stdout == as_toml(rv.PRESETS["cliff-plain"])
    for preset in rv.PRESETS.values():
        assert parse_config(as_toml(preset).encode(), "mine.toml").settings == preset.settings


def test_training_is_saved_with_its_history_and_its_events(tmp_path):
    path, events = tmp_path / "trained.safetensors", tmp_path / "events"
    words = [*SMALL, "--set", "iterations=4", "-o", path, "--events", events, "--json"]
    told = json.loads(call("train", *words).stdout)
    config = rv.TrainConfig(**CONFIG, iterations=4)
    history = rv.History.collect(rv.train(config))
    assert told["history"]["loss"] == history.column("loss").tolist()
    assert told["fault"] is None
    saved = rv.load_run(path)
    assert saved.config == config
    np.testing.assert_array_equal(saved.history.rows, history.rows)
    batch = rv.draw(config, "validation")
    np.testing.assert_array_equal(saved.record.x, batch.x)
    assert len([*events.rglob("*.tfevents.*")]) == 5


def test_training_that_is_interrupted_keeps_what_there_is_by_then():
    def interrupted():
        steps = rv.train(rv.TrainConfig(**CONFIG, iterations=9))
        yield next(steps)
        yield next(steps)
        raise KeyboardInterrupt

    seen, told = [], []
    history = rv.History.collect(_watched(interrupted(), seen, lambda n, _: told.append(n)))
    assert history.column("step").tolist() == [0, 1]
    assert seen[0].number == 1
    assert told == [1, 1]
    with pytest.raises(KeyboardInterrupt):
        next(_watched((_ for _ in interrupted() if False), [], print))


def test_training_is_told_in_rows_and_goes_to_csv(tmp_path):
    path = tmp_path / "steps.csv"
    words = [*SMALL, "--set", "iterations=2", "-o", path]
    told = call("train", *words).stdout
    history = rv.History.collect(rv.train(rv.TrainConfig(**CONFIG, iterations=2)))
    assert f"loss before the last step  {history.column('loss')[-1]:.4g}\n" in told
    assert pd.read_csv(path)["loss"].tolist() == pytest.approx(history.column("loss"))


def test_a_report_of_a_preset_a_training_and_a_run_file_is_a_page(tmp_path):
    run, page = tmp_path / "run.safetensors", tmp_path / "page.html"
    call("train", *SMALL, "--set", "iterations=3", "--set", "cell=lstm", "-o", run)
    call("report", *SMALL, "--set", "directions=both", "-o", page)
    assert '"name":"itemized"' not in page.read_text("utf-8")  # losses travel forward together
    call("report", "irnn", *SMALL, "-o", page, "--dark")
    text = page.read_text("utf-8")
    assert "rv.run(config)" in text
    assert '"name":"itemized"' in text
    call("report", run, "-o", page)
    text = page.read_text("utf-8")
    assert "rv.load_run(&quot;run.safetensors&quot;)" in text
    assert "<th>hidden_size</th><td>5</td>" in text
    assert "It is trained for 3 steps" in text
    assert '"name":"gates"' in text
    assert '"name":"gradient-map"' in text
    call("report", *SMALL, "--set", "iterations=3", "--train", "-o", page)
    assert "rv.train(config)" in page.read_text("utf-8")


@pytest.fixture
def weights(tmp_path):
    network = rv.build(rv.RunConfig(cell="relu", hidden_size=5, layers=2), 2, 3)
    path = tmp_path / "weights.npz"
    np.savez(path, **network.params)
    return path, network


def test_weights_are_recognised_compared_corrected_and_run(weights, tmp_path):
    path, network = weights
    probed, y, run = (tmp_path / name for name in ("probe.npz", "y.npz", "run.safetensors"))
    said = call("import", path, "--probe", probed).stdout
    assert "hidden units" in said
    assert "--as cell= could be: 'tanh', 'relu'" in said
    with np.load(probed) as file:
        np.testing.assert_array_equal(file["x"], probe(network))
        np.savez(y, y=rv.predict(network, file["x"]))
    assert "With --as cell='relu' the outputs agree" in call("import", path, "--outputs", y).stdout
    words = ["--as", "cell=relu", "--outputs", y, "-o", run, "--json"]
    told = json.loads(call("import", path, *words).stdout)
    assert told["recognised"]["hidden units"] == "5"
    assert told["parity"]["largest"] == 0
    saved = rv.load_run(run)
    assert saved.config is None
    assert saved.name == "weights.npz"
    assert saved.record.loss == told["numbers"]["loss"]
    assert not saved.record.dy[:-1].any()


SAID = {
    "preset": (["run", "lstm"], "the preset must be one of"),
    "setting": (
        ["run", "--set", "hidden=3"],
        "unknown setting 'hidden'; did you mean hidden_size?",
    ),
    "pair": (["train", "--set", "gain"], "--set must be NAME=VALUE, got 'gain'"),
    "value": (["run", "--set", "hidden_size=0"], "hidden_size must be in [1, 1024], got 0"),
    "memory": (["run", *["--set", "steps=10000", "--set", "batch_size=512"]], "at most 1,024 MB"),
    "ending": (["run", "-o", "run.pkl"], "must end in .safetensors or .npz or .csv, got 'run.pkl'"),
    "folder": (["run", "-o", "no/where/run.npz"], "folder must be there, got 'no/where'"),
    "run-file": (["report", "none.safetensors", "-o", "a.html"], "none.safetensors"),
    "weights": (["import", __file__], "test_cli.py"),
}


@pytest.mark.parametrize("case", SAID)
def test_what_went_wrong_is_one_sentence_and_exit_code_1(case, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words, sentence = SAID[case]
    result = call(*words, code=1)
    assert sentence in result.stderr
    assert result.stderr.startswith("Error: ")
    assert "Traceback" not in result.output
    assert [*tmp_path.iterdir()] == []


def test_a_sweeps_failed_runs_are_told_and_one_without_any_other_is_exit_code_1(tmp_path):
    path = tmp_path / "table.csv"
    words = ["sweep", *SMALL[:2], "--set", "task=sunspots", "--seeds", "1", "-o", path]
    told = call(*words, "--knob", "steps=9,300").stderr
    sentence = "runs failed, the first with: steps must be in [1, 249] for sunspots, got 300\n"
    assert told.endswith(f"Warning: 1 of 2 {sentence}")
    told = call(*words, "--knob", "steps=300,301", code=1).stderr
    assert told.endswith(f"Error: 2 of 2 {sentence}")
    assert len(pd.read_csv(path)) == 2


def test_a_folder_that_holds_events_is_refused_before_the_training(tmp_path):
    (tmp_path / "old.tfevents.1").touch()
    told = call("train", *SMALL, "--set", "iterations=1", "--events", tmp_path, code=1).stderr
    assert told == f"Error: {tmp_path.name} must hold no events yet, got a folder with some in it\n"


@pytest.fixture
def small_disk():
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4 << 10, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.usefixtures("small_disk")
@pytest.mark.parametrize("ending", [".npz", ".csv", ".safetensors"])
def test_a_file_stays_as_it_was_if_there_is_no_room_for_the_new_one(ending, tmp_path):
    path = tmp_path / f"run{ending}"
    path.write_text("old")
    told = call("run", *SMALL, "-o", path, code=1)
    assert (told.stdout, told.stderr[:15]) == ("", f"Error: {path}"[:15])
    assert "File too large" in told.stderr
    assert told.stderr.count("\n") == 1
    assert [*tmp_path.iterdir()] == [path]
    assert path.read_text() == "old"


def test_a_preset_that_is_named_twice_and_a_bad_file_are_said(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('preset = "irnn"')
    assert "got 'lru' and 'irnn' in the file" in call("run", "lru", "-c", path, code=1).stderr
    path.write_text("gain = -1")
    told = call("run", "-c", path, code=1).stderr
    assert told == "Error: the config file 'mine.toml': gain must be in [0, 10], got -1\n"


@pytest.mark.parametrize(
    "words",
    [
        ["nothing"],
        ["run", "--nothing"],
        ["run", "-c", "none.toml"],
        ["report"],
        ["report", "a.safetensors", "--train", "-o", "a.html"],
        ["app", "--port", "70000"],
        ["app", "--runs", "none"],
    ],
)
def test_what_is_not_used_as_the_help_says_is_exit_code_2(words):
    assert "Usage: " in call(*words, code=2).stderr


def test_every_command_has_help():
    for name in main.commands:
        told = call(name, "--help").stdout
        assert "Usage: " in told
    assert {*main.commands} == {"app", "run", "train", "sweep", "report", "import", "presets"}
    assert "Exit codes" in call("--help").stdout


def test_the_app_is_served_by_this_python_from_the_file_of_the_dashboard():
    script = app_script()
    assert script == Path(__file__).parents[1] / "dashboard" / "app.py"
    words = serving(script, 8123, "127.0.0.1", no_browser=True)
    assert words[:4] == [sys.executable, "-m", "streamlit", "run"]
    assert {*words[5:]} == {
        "--server.port=8123",
        "--server.address=127.0.0.1",
        "--server.headless=true",
    }
