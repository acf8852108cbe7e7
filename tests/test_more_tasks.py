"""The newer tasks: each label against a slow count, held-out parts, lengths and accuracy."""

import gzip
from importlib.resources import files

import numpy as np
import pytest

import rnnviz as rv
from rnnviz.tasks import TASKS, Batch
from rnnviz.tasks.mackey_glass import SETTLING

B = 5


def sample(name: str, steps: int, batch_size: int = B, **kw) -> Batch:
    return TASKS[name].sample(np.random.default_rng(3), steps, batch_size, 0, **kw)


@pytest.mark.parametrize(("name", "count"), [("temporal_order", 2), ("temporal_order_3", 3)])
def test_the_order_asked_for_is_that_of_the_signals_shown(name: str, count: int) -> None:
    batch = sample(name, 37, 400)
    shown = batch.x.argmax(axis=2)
    for sequence, label in zip(shown.T, batch.target[-1], strict=True):
        signals = [int(symbol) for symbol in sequence if symbol < 2]
        assert len(signals) == count
        assert label == int("".join(map(str, signals)), 2)
    assert set(batch.target[-1].tolist()) == set(range(2**count))


def test_parity_is_that_of_the_ones_so_far() -> None:
    batch = sample("parity", 9)
    for t in range(9):
        for b in range(B):
            assert batch.target[t, b] == int(batch.x[: t + 1, b, 0].sum()) % 2


def test_the_product_is_that_of_the_two_marked_values() -> None:
    batch = sample("multiplication", 11)
    for b in range(B):
        marked = batch.x[batch.x[:, b, 1] == 1, b, 0]
        assert batch.target[-1, b, 0] == marked[0] * marked[1]


def test_mackey_glass_is_what_a_finer_and_simpler_integration_gives() -> None:
    parts, units = 100, SETTLING + 50
    x = [1.2] * (17 * parts + 1)
    for n in range(units * parts):
        x.append(x[-1] + (0.2 * x[n] / (1 + x[n] ** 10) - 0.1 * x[-1]) / parts)
    slow = np.array(x[17 * parts + SETTLING * parts :: parts])
    found = TASKS["mackey_glass"].recorded[:50]
    assert min(np.abs(found - slow[k : k + 50]).max() for k in (0, 1)) < 0.02


def test_digits_are_the_files_pixels_in_order() -> None:
    packed = (files("rnnviz") / "data" / "digits.csv.gz").read_bytes()
    rows = [line.split(",") for line in gzip.decompress(packed).decode().split()]
    known = {tuple(float(p) / 16 for p in row[:64]): int(row[64]) for row in rows}
    batch = sample("digits", 64)
    for b in range(B):
        assert known[tuple(batch.x[:, b, 0])] == batch.target[-1, b]


def test_held_out_digits_are_never_trained_on() -> None:
    seen, held_out = (
        {tuple(x) for x in sample("digits", 64, 3_000, held_out=held).x[..., 0].T}
        for held in (False, True)
    )
    assert not seen & held_out


def test_the_next_character_is_the_texts() -> None:
    text = (files("rnnviz") / "data" / "genesis.txt").read_text(encoding="utf-8")
    alphabet = sorted(set(text))
    batch = sample("characters", 23)
    for b in range(B):
        read = "".join(alphabet[k] for k in batch.x[:, b].argmax(axis=1))
        asked = "".join(alphabet[k] for k in batch.target[:, b])
        assert read[1:] == asked[:-1]
        assert read + asked[-1] in text[: round(0.9 * len(text))]


@pytest.mark.parametrize("name", [name for name, t in TASKS.items() if t.classes])
def test_right_answers_have_no_loss_where_that_is_the_optimum_and_are_all_counted(name) -> None:
    batch = sample(name, 24)
    y = 1e3 * np.eye(TASKS[name].output_size)[batch.target]
    assert batch.accuracy(y, "task") == 1
    assert batch.accuracy(-y, "task") == 0
    if TASKS[name].optimum(24, 0, "task") is not None:
        assert batch.loss("task").value_and_grad(y)[0].sum() == TASKS[name].optimum(24, 0, "task")


@pytest.mark.parametrize("name", ["adding", "multiplication"])
def test_a_sum_counts_as_right_when_it_is_near(name: str) -> None:
    batch = sample(name, 8)
    assert batch.accuracy(batch.target + 0.03, "last") == 1
    assert batch.accuracy(batch.target + 0.05, "last") == 0


def test_a_series_has_no_accuracy() -> None:
    batch = sample("sine", 8)
    assert batch.accuracy(batch.target, "all") is None


@pytest.mark.parametrize("task", ["adding", "copy", "sine", "delayed_recall", "characters"])
@pytest.mark.parametrize("at", ["last", "all", "task"])
def test_sequences_of_their_own_lengths_score_as_each_does_alone(task: str, at: str) -> None:
    config = rv.RunConfig(
        task=task, steps=29, batch_size=B, shortest=0.4, lag=3, hidden_size=7, loss_at=at
    )
    batch, record = rv.draw(config), rv.run(config)
    assert batch.lengths is not None
    assert len(set(batch.lengths.tolist())) > 1
    assert 12 <= batch.lengths.min() <= batch.lengths.max() <= 29
    total, count = 0.0, 0
    for b, n in enumerate(batch.lengths):
        one = slice(b, b + 1)
        scored = None if batch.scored is None else batch.scored[:n, one]
        alone = Batch(batch.x[:n, one], batch.target[:n, one], batch.asked[:n, one], scored)
        loss, mask = alone.loss(at), alone.mask(at)
        kept = n if mask is None else int(mask.sum())
        total += kept * rv.bptt(record.network, alone.x, loss).loss
        count += kept
    assert record.loss == pytest.approx(total / count, rel=1e-12)


def test_nothing_flows_behind_the_end_of_a_sequence() -> None:
    config = rv.RunConfig(task="adding", steps=29, batch_size=B, shortest=0.2, hidden_size=7)
    batch, record = rv.draw(config), rv.run(config)
    assert batch.lengths is not None
    for b, n in enumerate(batch.lengths):
        assert not record.dh[n + 1 :, b].any()
        assert record.dh[n, b].any()
