"""Sweeps on a Dask cluster: the same table, whoever computes it and whoever dies."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack

import cloudpickle
import pandas as pd
import pytest

import rnnviz as rv
from rnnviz.sweep.chunks import chunks_of
from rnnviz.sweep.cluster import on_cluster
from rnnviz.sweep.compute import in_order, run_chunk

pytestmark = pytest.mark.slow


def grid(points: int) -> rv.SweepConfig:
    base = rv.TrainConfig(task="adding", hidden_size=6, batch_size=3, steps=15, iterations=20)
    knobs = [rv.Knob.of("hidden_size", range(3, 3 + points))]
    return rv.SweepConfig(base=base, knobs=knobs, seeds=[0, 1], measures=["factor", "trained_loss"])


def started(stack: ExitStack, *words: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "dask", *words]
    process = stack.enter_context(subprocess.Popen(command, stderr=subprocess.DEVNULL))
    stack.callback(process.kill)
    return process


def address_in(folder) -> str:
    """The scheduler's, once it has written it down."""
    path, deadline = folder / "scheduler.json", time.monotonic() + 60
    while time.monotonic() < deadline:
        if path.exists() and path.stat().st_size:
            return json.loads(path.read_text())["address"]
        time.sleep(0.05)
    pytest.fail("the scheduler did not start")


PLAIN = ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1"]


def scheduler(stack: ExitStack, folder) -> str:
    """The address of one that was started."""
    begin_scheduler(stack, folder)
    return address_in(folder)


def begin_scheduler(stack: ExitStack, folder) -> subprocess.Popen[bytes]:
    words = ["--scheduler-file", str(folder / "scheduler.json"), "--host", "127.0.0.1"]
    return started(stack, "scheduler", *words, "--port", "0", "--no-dashboard")


def test_a_worker_that_dies_costs_nothing_but_time(tmp_path):
    config = grid(9)
    with ExitStack() as stack:
        address = scheduler(stack, tmp_path)
        workers = [started(stack, "worker", address, *PLAIN) for _ in range(2)]
        seen = []

        def watch(*told):
            seen.append(told[0])
            if len(seen) == 2:
                os.kill(workers[0].pid, signal.SIGKILL)

        table = rv.sweep(config, scheduler=address, watch=watch)
        assert workers[0].wait(10) == -signal.SIGKILL
        assert workers[1].poll() is None
    assert seen[-1] == config.runs
    pd.testing.assert_frame_equal(table, rv.sweep(config, workers=1), check_exact=True)


def deadly(chunk):
    """Kills its worker at one point of the grid."""
    if any(chunk.config.at(*list(chunk.config.points)[row]).hidden_size == 5 for row in chunk.rows):
        os.kill(os.getpid(), signal.SIGKILL)
    return run_chunk(chunk)


def test_a_point_that_workers_die_of_has_that_in_its_row(monkeypatch):
    monkeypatch.setattr(sys.modules[on_cluster.__module__], "RETRIES", 0)
    config = grid(3).model_copy(update={"seeds": (0,)})
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    try:
        frames = [frame for _, frame in on_cluster(chunks_of(config), None, 2, deadly)]
    finally:
        cloudpickle.unregister_pickle_by_value(sys.modules[__name__])
    table = in_order(config.columns, frames)
    died = table.error != ""
    assert table.error[died].str.contains("died|no worker was left").all()
    assert table.hidden_size[died].unique().tolist() == [5]
    well = rv.sweep(config, workers=1)
    pd.testing.assert_frame_equal(table[~died], well[~died], check_exact=True)


def test_what_no_worker_is_left_for_has_that_in_its_rows(tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules[on_cluster.__module__], "PATIENCE", 4.0)
    config = grid(4)
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    try:
        with ExitStack() as stack:
            address = scheduler(stack, tmp_path)
            started(stack, "worker", address, *PLAIN)
            frames = [frame for _, frame in on_cluster(chunks_of(config), address, 1, deadly)]
    finally:
        cloudpickle.unregister_pickle_by_value(sys.modules[__name__])
    table = in_order(config.columns, frames)
    assert len(table) == config.runs
    assert set(table.error[table.hidden_size >= 5]) == {"no worker was left to run it"}


def test_what_a_scheduler_leaves_that_dies_is_computed_on_this_machine(tmp_path):
    config = grid(6)
    with ExitStack() as stack:
        process = begin_scheduler(stack, tmp_path)
        address = address_in(tmp_path)
        started(stack, "worker", address, *PLAIN)
        killed, came = [], []

        def watch(*told):
            came.append(told[-1])
            if not killed:
                killed.append(time.monotonic())
                process.kill()

        with pytest.warns(UserWarning, match=f"the scheduler {address} is gone: what is left, "):
            table = rv.sweep(config, scheduler=address, watch=watch)
        assert time.monotonic() - killed[0] < 15
    assert len(pd.concat(came)) == len(table) == config.runs
    pd.testing.assert_frame_equal(table, rv.sweep(config, workers=1), check_exact=True)


def test_a_local_cluster_gives_the_same_table():
    config = grid(3)
    one, two = (rv.sweep(config, workers=count) for count in (1, 2))
    pd.testing.assert_frame_equal(one, two, check_exact=True)


def test_a_scheduler_out_of_reach_is_said_in_a_sentence(monkeypatch):
    cluster = sys.modules[on_cluster.__module__]
    monkeypatch.setattr(cluster, "PATIENCE", 1.0)
    with pytest.raises(ValueError, match="scheduler must be the address of a Dask scheduler"):
        rv.sweep(grid(2), scheduler="tcp://127.0.0.1:9")
