"""Sweeps: a grid becomes a table, the same one whatever computes it."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import rnnviz as rv
from rnnviz.cli import main
from rnnviz.sweep.chunks import Chunk, chunks_of
from rnnviz.sweep.compute import in_order, run_chunk
from rnnviz.sweep.stack import part_of
from rnnviz.sweep.store import Store

SMALL = {"hidden_size": 7, "batch_size": 3, "lag": 2}


def grid(**changes) -> rv.SweepConfig:
    """Four gains at three lengths, with two seeds."""
    base = rv.TrainConfig(task="delayed_recall", **SMALL, **changes)
    knobs = [rv.Knob.linear("gain", 0.5, 2, 4), rv.Knob.of("steps", [5, 33, 70])]
    measures = ["factor", "half_life", "reach", "loss"]
    return rv.SweepConfig(base=base, knobs=knobs, seeds=[3, 1], measures=measures)


def same(one: pd.DataFrame, other: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(one, other, check_exact=True)


@pytest.mark.parametrize("cell", ["tanh", "relu", "lstm", "gru", "leaky"])
@pytest.mark.parametrize("task", ["delayed_recall", "adding"])
def test_each_row_says_what_explore_says_of_its_run(cell, task):
    config = grid(cell=cell)
    config = config.model_copy(update={"base": config.base.replace(task=task, layers=2)})
    table = rv.sweep(config)
    assert tuple(table.columns) == config.columns
    for (values, seed), row in zip(config.points, table.itertuples(), strict=True):
        assert (row.gain, row.steps, row.seed, row.error) == (*values, seed, "")
        record = rv.run(config.at(values, seed).run)
        verdict = rv.diagnostics.verdict(record)
        assert row.loss == pytest.approx(record.loss, rel=1e-12)
        assert row.factor == pytest.approx(verdict.factor, rel=1e-9, nan_ok=True)
        told = [np.nan if n is None else n for n in (verdict.half_life, verdict.reach)]
        if verdict.kind != "overflowed":
            np.testing.assert_allclose([row.half_life, row.reach], told, rtol=1e-9)


@pytest.mark.parametrize("cell", ["tanh", "lstm", "gru", "sigmoid"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_row_does_not_depend_on_its_company(cell, dtype):
    config = grid(cell=cell, dtype=dtype, loss_at="task")
    whole = in_order(config.columns, [run_chunk(chunk) for chunk in chunks_of(config)])
    rng = np.random.default_rng(0)
    for count in (1, 1, 2, 5, 9):
        rows = tuple(int(row) for row in rng.permutation(config.runs)[:count])
        some = run_chunk(Chunk(config, 0, rows, chunks_of(config)[0].cost))
        same(some.reset_index(drop=True), whole.loc[list(rows)].reset_index(drop=True))


def test_a_shorter_sequence_that_begins_a_longer_one_is_not_run_twice(monkeypatch):
    taken = []

    def counted(tape, steps):
        taken.append(steps)
        return part_of(tape, steps)

    monkeypatch.setattr(sys.modules[part_of.__module__], "part_of", counted)
    rv.sweep(grid())
    assert len(chunks_of(grid())) == 1
    assert [(part.start, part.stop) for part in taken] == [(33, 70), (5, 33), (0, 5)]


@pytest.mark.parametrize("name", rv.TASKS)
def test_a_task_that_says_so_draws_what_a_longer_draw_begins_with(name):
    long, short = (
        rv.draw(rv.RunConfig(task=name, steps=steps, batch_size=3, lag=5)).x for steps in (60, 37)
    )
    assert rv.TASKS[name].continues == np.array_equal(long[:37], short)


def test_a_point_that_is_not_allowed_keeps_its_sentence_and_spoils_no_other():
    base = rv.TrainConfig(task="delayed_recall", **SMALL)
    config = rv.SweepConfig(base=base, knobs=[rv.Knob.of("steps", [1, 2, 9])], seeds=[0])
    table = rv.sweep(config)
    assert table.error.tolist()[2] == ""
    assert "lag must be" in table.error[0]
    assert np.isnan(table.factor[0])
    assert table.factor[2] > 0


def test_training_measures_are_those_of_training():
    base = rv.TrainConfig(task="sine", hidden_size=5, steps=12, batch_size=3, iterations=25)
    knob = rv.Knob.of("learning_rate", [0.0, 0.02])
    measures = ["trained_loss", "success", "exponent"]
    config = rv.SweepConfig(base=base, knobs=[knob], seeds=[2], measures=measures, solved=0.9)
    table = rv.sweep(config)
    for rate, row in zip(knob.values, table.itertuples(), strict=True):
        run = config.at([rate], 2)
        held_out = rv.History.collect(rv.train(run)).column("validation_loss")
        assert row.trained_loss == held_out[-1]
        goal = 0.9 * rv.TASKS["sine"].baseline(12, 10, "last")
        assert row.success == (np.nanmin(held_out) < goal)
        exponent = rv.diagnostics.lyapunov(rv.run(run.run), count=1).largest
        assert row.exponent == exponent


def test_a_sweep_that_was_stopped_goes_on_where_it_was(tmp_path):
    config = many()
    whole, seen = rv.sweep(config), []
    part = rv.sweep(config, tmp_path, watch=lambda done, *_: seen.append(done) or len(seen) < 2)
    assert 0 < len(part) < config.runs
    assert seen[-1] == len(part)
    first = {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("*.parquet")}
    same(rv.sweep(config, tmp_path), whole)
    after = {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("*.parquet")}
    assert first.items() <= after.items()


def many() -> rv.SweepConfig:
    """A grid that takes several chunks."""
    base = rv.TrainConfig(task="adding", hidden_size=6, batch_size=3, steps=9)
    knobs = [rv.Knob.of("hidden_size", range(3, 12)), rv.Knob.of("cell", ["tanh", "gru"])]
    return rv.SweepConfig(base=base, knobs=knobs, seeds=[0])


def test_a_torn_chunk_is_computed_again_and_another_sweeps_is_refused(tmp_path):
    config = many()
    whole = rv.sweep(config, tmp_path)
    torn = sorted(tmp_path.glob("*.parquet"))[2]
    torn.write_bytes(torn.read_bytes()[:100])
    same(rv.sweep(config, tmp_path), whole)
    other = config.model_copy(update={"seeds": (5,)})
    with pytest.raises(ValueError, match="must be of this sweep"):
        rv.sweep(other, tmp_path)


def test_each_chunk_is_one_row_group(tmp_path):
    import pyarrow.parquet as pq

    rv.sweep(many(), tmp_path)
    files = list(tmp_path.glob("*.parquet"))
    assert len(files) == len(chunks_of(many()))
    assert {pq.ParquetFile(file).num_row_groups for file in files} == {1}


SWEEP = """
import sys
import rnnviz as rv
config = rv.SweepConfig.model_validate_json(sys.stdin.read())
rv.sweep(config, sys.argv[1], workers=1)
"""


@pytest.mark.slow
def test_a_killed_sweep_loses_no_finished_chunk(tmp_path):
    base = rv.TrainConfig(task="adding", batch_size=4, steps=40, iterations=20)
    knob = rv.Knob.of("hidden_size", range(4, 14))  # each size is a chunk of its own
    config = rv.SweepConfig(base=base, knobs=[knob], seeds=[0, 1], measures=["trained_loss"])
    command = [sys.executable, "-c", SWEEP, str(tmp_path)]
    child = subprocess.Popen(command, stdin=subprocess.PIPE)
    assert child.stdin
    child.stdin.write(config.model_dump_json().encode())
    child.stdin.close()
    deadline = time.monotonic() + 60
    while len(list(tmp_path.glob("*.parquet"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    store = Store(tmp_path, config)
    kept = [store.get(chunk) for chunk in chunks_of(config)]
    there = [frame for frame in kept if frame is not None]
    assert 2 <= len(there) < len(kept)
    same(rv.sweep(config, tmp_path, workers=1), rv.sweep(config, workers=1))


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"knobs": []}, "1 to 3 knobs"),
        ({"knobs": [rv.Knob.of("gain", [1])] * 2}, "the knobs must differ"),
        ({"seeds": []}, "the seeds must differ and be at least 1"),
        ({"seeds": [1, 1]}, "the seeds must differ"),
        ({"seeds": [-1]}, r"seeds must be in \[0, 9999\]"),
        ({"measures": ["speed"]}, "measures must be of"),
        ({"solved": 0}, r"solved must be in \(0, 1\], got 0"),
        (
            {"seeds": range(9_999), "knobs": [rv.Knob.linear("gain", 0, 1, 21)]},
            "at most 200,000 runs",
        ),
    ],
)
def test_a_sweep_that_cannot_be_is_refused_in_one_sentence(settings, sentence):
    whole = {"knobs": [rv.Knob.of("gain", [1, 2])], "seeds": [0]} | settings
    with pytest.raises(ValueError, match=sentence):
        rv.SweepConfig(**whole)


@pytest.mark.parametrize(
    ("name", "values", "sentence"),
    [
        ("seed", [1], "a knob must be one of"),
        ("time_limit", [1], "a knob must be one of"),
        ("gain", [], "at least 1 value, got 0"),
        ("gain", [1, 1.0], "must differ"),
        ("gain", [11], r"gain must be in \[0, 10\], got 11"),
        ("cell", ["spiking"], "cell must be one of"),
    ],
)
def test_a_knob_that_cannot_be_is_refused_in_one_sentence(name, values, sentence):
    with pytest.raises(ValueError, match=sentence):
        rv.Knob.of(name, values)


def test_a_range_of_a_choice_or_of_logs_from_zero_is_refused():
    with pytest.raises(ValueError, match="a setting that is a number, got 'cell'"):
        rv.Knob.linear("cell", 0, 1, 2)
    with pytest.raises(ValueError, match="a log range of gain must be above 0"):
        rv.Knob.log("gain", 0, 1, 2)


def test_a_config_survives_json():
    config = grid(cell="gru")
    assert rv.SweepConfig.model_validate_json(config.model_dump_json()) == config


def test_the_command_writes_the_table(tmp_path):
    path = tmp_path / "table.parquet"
    words = ["sweep", "notebook", "--knob", "gain=0.5:1.5:3", "--knob", "steps=log:5:20:2"]
    words += ["--seeds", "2", "--set", "hidden_size=5", "--json", "-o", str(path)]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    base = rv.PRESETS["notebook"].config.replace(hidden_size=5)
    knobs = [rv.Knob.linear("gain", 0.5, 1.5, 3), rv.Knob.log("steps", 5, 20, 2)]
    table = rv.sweep(rv.SweepConfig(base=base, knobs=knobs, seeds=[0, 1]))
    same(pd.read_parquet(path), table)
    assert [row["factor"] for row in json.loads(result.stdout)] == pytest.approx(table.factor)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--knob", "gain=1:20:2"], "gain must be in [0, 10], got 20"),
        (["--knob", "gain"], "a knob must be NAME=VALUES, got 'gain'"),
        (["--knob", "gain=a,b"], "a finite number was asked for, got 'a'"),
        (["nothing", "--knob", "gain=1,2"], "the preset must be one of"),
        (["--knob", "gain=1,2", "--set", "hidden=3"], "unknown setting 'hidden'"),
    ],
)
def test_the_command_says_in_one_sentence_what_was_wrong(words, sentence):
    result = CliRunner().invoke(main, ["sweep", *words])
    assert result.exit_code == 1
    assert sentence in result.output
    assert "Traceback" not in result.output


def test_the_commands_help_shows_how_to_use_more_machines():
    told = CliRunner().invoke(main, ["sweep", "--help"]).output
    assert "dask scheduler" in told
    assert "dask worker tcp://" in told
