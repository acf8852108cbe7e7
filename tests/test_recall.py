"""Recall: right answers at the lag that was asked for, and by chance elsewhere."""

import numpy as np
import pytest

import rnnviz as rv
from rnnviz.diagnostics import recall
from rnnviz.tasks.copy import SYMBOLS


def batch_of(task: str, **changes):
    sizes = {"steps": 31, "batch_size": 200, "lag": 6}
    return rv.draw(rv.RunConfig(task=task, loss_at="task", **{**sizes, **changes}))


def test_what_was_read_at_the_lag_is_recalled_whole_and_at_others_hardly() -> None:
    batch = batch_of("delayed_recall")
    found = recall(batch.target, batch)
    assert found.score[6] == pytest.approx(1)
    assert np.delete(found.score, 6)[:20].max() < 0.05
    assert not found.symbols


def test_a_blend_of_two_lags_shares_what_is_recalled() -> None:
    batch = batch_of("delayed_recall", batch_size=512)
    y = np.zeros_like(batch.x)
    y[6:] += 0.6 * batch.x[:-6]
    y[2:] += 0.8 * batch.x[:-2]
    found = recall(y, batch).score
    assert found[6] == pytest.approx(0.36, abs=0.02)
    assert found[2] == pytest.approx(0.64, abs=0.02)


def test_copied_symbols_are_right_at_the_distance_of_the_copy() -> None:
    batch = batch_of("copy")
    right = np.eye(SYMBOLS + 1)[batch.target]
    assert recall(right, batch).score[21] == 1
    assert recall(-right, batch).score[21] == 0
    assert recall(right, batch).symbols


def test_a_silent_network_has_no_correlation() -> None:
    batch = batch_of("delayed_recall")
    assert np.isnan(recall(np.zeros_like(batch.x), batch).score).all()


def test_the_frame_names_what_was_scored() -> None:
    for task, name in (("delayed_recall", "r2"), ("copy", "accuracy")):
        batch = batch_of(task)
        y = np.eye(SYMBOLS + 1)[batch.target] if task == "copy" else batch.target
        assert list(recall(y, batch).to_frame()) == ["lag", name]
