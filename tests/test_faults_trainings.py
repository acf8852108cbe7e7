"""Trainings that were kept: to the bit, or a sentence; each visitor's own, in order and bounded."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from training_jobs import ENDLESS, begun, config, same_history, state_is, until, whole

from dashboard import jobs, kept
from dashboard.frames import Frame, packed
from dashboard.jobs import TrainJob
from dashboard.kept import Kept, Shelf
from dashboard.places import PATIENCE, Places, Watch
from dashboard.runs import Runs, Store
from dashboard.seen import Seen
from rnnviz.train import History, Moment, train

ADA = "ada" * 7 + "A"
Open = Callable[..., Store]


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An own folder of trainings."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return kept.root()


@pytest.fixture
def serve() -> Iterator[Open]:
    """Servers, one after the other or beside each other, on that folder."""
    stores = []

    def make(**bounds: object) -> Store:
        stores.append(Store(Places(1), shelf_of=Shelf.of, **bounds))  # type: ignore[arg-type]
        return stores[-1]

    yield make
    for store in stores:
        for runs in list(store._runs.values()):
            for job in runs.jobs:
                job.stop()


def put(runs: Runs, **changes: object) -> TrainJob:
    """A run that has not begun: it costs no process."""
    job = jobs.prepare(config(**changes), None, runs._places, runs.watch)
    runs._add(job, "paused")
    return job


def bits(arrays: Frame) -> bytes:
    """All of it but a step's row, which stands in the history with what its moment measured."""
    return packed({name: array for name, array in arrays.items() if not name.endswith("row")})


def seen_of(count: int, **changes: object) -> Seen:
    settings = config(**changes)
    steps = [*islice(train(settings), count)]
    return Seen(settings, History.collect(steps), steps[-1])


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"clip_by": "percentile", "detail": "everything"},
        {"optimizer": "sgd", "cell": "lstm", "layers": 2},
        {"init": "orthogonal", "noise": 0.1, "omega": 0.01},
        {"dtype": "float32", "directions": "both"},
    ],
)
def test_what_is_kept_comes_back_to_the_bit_and_goes_on_to_the_bit(
    changes: dict[str, object], tmp_path: Path
) -> None:
    settings, path = config(**changes), tmp_path / "a.training"
    seen = seen_of(17, **changes)
    kept.write(path, Kept(seen, settings, "interrupted", "why"))
    found = kept.read(path)
    assert (found.wanted, found.state, found.sentence) == (settings, "interrupted", "why")
    assert bits(found.seen.arrays()) == bits(seen.arrays())
    assert found.seen.last
    step, expected = next(train(settings, found.seen.last)), next(train(settings, seen.last))
    assert packed(step.arrays()) == packed(expected.arrays())
    begins = zip(found.seen.history.moments, seen.history.moments, strict=True)
    moment, expected_moment = next(begins)  # drawn, and may lie column by column
    again, expected = next(train(settings, moment)), next(train(settings, expected_moment))
    assert packed(again.arrays()) == packed(expected.arrays())


def test_a_damaged_training_is_a_sentence_and_never_other_numbers(tmp_path: Path) -> None:
    path = tmp_path / "a.training"
    kept.write(path, Kept(seen_of(3), config(), "paused"))
    good, rng = path.read_bytes(), np.random.default_rng(0)
    bad = [good[:end] for end in np.linspace(0, len(good) - 1, 64).astype(int)]
    for place, bit in zip(rng.integers(0, len(good), 200), rng.integers(0, 8, 200), strict=True):
        flipped = bytearray(good)
        flipped[place] ^= 1 << bit
        bad.append(bytes(flipped))
    bad += [good.replace(b"training 1", b"training 2", 1), b"PK\3\4" + good, b"\x80\4K\1."]
    for data in bad:
        path.write_bytes(data)
        with pytest.raises(ValueError, match=r"^a\.training (is|does) [^\n]+$"):
            kept.read(path)


def test_another_server_finds_every_run_as_it_was_and_goes_on(serve: Open) -> None:
    runs = serve().of(ADA)
    paused = runs.start(config(seed=1, optimizer="sgd"), steps=5)
    state_is(paused, "paused")
    running = runs.start(config(iterations=ENDLESS))
    moment = runs.start_from(running, until_some(running)[0])
    waiting = runs.start(config(seed=3))
    until(lambda: kept.read(Shelf.of(ADA).paths()[1]).seen.next_step > 0)

    found = serve().of(ADA).jobs
    assert [job.state for job in found] == ["paused", "interrupted", "paused", "interrupted"]
    pairs = zip(found, (paused, running, moment, waiting), strict=True)
    assert all(job.config == before.config for job, before in pairs)
    assert same_history(found[0].poll().history, whole(5, seed=1, optimizer="sgd"))
    for job in (waiting, running):
        job.stop()
    taken = len(found[1].poll().history.rows)
    found[1].take(20)
    shown = state_is(found[1], "paused")
    assert same_history(shown.history, whole(taken + 20, iterations=ENDLESS))


def until_some(job: TrainJob) -> tuple[Moment, ...]:
    until(lambda: job.poll().history.moments)
    return job.poll().history.moments


def test_the_visitors_secret_is_not_on_the_disk_and_nobody_else_finds_the_runs(
    serve: Open, state: Path
) -> None:
    put(serve().of(ADA))
    (path,) = state.rglob("*.training")
    assert ADA not in str(path)
    assert ADA.encode() not in path.read_bytes()
    assert path.parent.stat().st_mode & 0o77 == 0 or os.name == "nt"
    assert serve().of("../" + ADA).jobs == ()
    assert serve().of(ADA[:-1] + "B").jobs == ()
    assert len(serve().of(ADA).jobs) == 1


def test_a_damaged_run_is_named_and_the_others_are_there(serve: Open) -> None:
    runs = serve().of(ADA)
    for seed in range(3):
        put(runs, seed=seed)
    damaged = Shelf.of(ADA).paths()[1]
    damaged.write_bytes(damaged.read_bytes()[:-9])
    found = serve().of(ADA)
    assert [job.config.seed for job in found.jobs] == [0, 2]
    assert found.unread == (f"{damaged.name} is damaged: it is not what was written",)


def test_what_cannot_be_kept_is_said_and_trains_all_the_same(serve: Open, state: Path) -> None:
    job = serve().of(ADA).start(config(iterations=ENDLESS))
    begun(job)
    assert job.poll().unkept == ""
    shutil.rmtree(state)
    until(lambda: job.poll().unkept, seconds=15)
    assert job.poll().unkept == "its file in the folder of trainings is gone"
    taken = len(job.poll().history.rows)
    until(lambda: len(job.poll().history.rows) > taken)
    job.stop()
    state.write_text("where a folder should be")
    other = put(serve().of("b" * 22))
    assert other.poll().unkept.startswith("there can be no folder for it: ")


def test_a_run_without_room_on_the_disk_is_told_of_without_a_path(
    serve: Open, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = Shelf.of(ADA)
    monkeypatch.setattr(Shelf, "new", lambda _: shelf.folder / "gone" / "a.training")
    said = put(serve().of(ADA)).poll().unkept
    assert said.startswith("the folder of trainings takes no file of ")
    assert str(state) not in said


def test_a_dropped_run_is_gone_from_the_disk_and_stays_so(serve: Open) -> None:
    runs = serve().of(ADA)
    job = runs.start(config(iterations=ENDLESS))
    begun(job)
    runs.drop(job)
    until(lambda: job.state == "stopped" and not job.has_process)
    assert Shelf.of(ADA).paths() == []
    assert serve().of(ADA).jobs == ()


def test_a_visitor_who_is_forgotten_finds_the_runs_on_the_disk(serve: Open) -> None:
    store = serve(visitors=1)
    state_is(store.of(ADA).start(config(), steps=4), "paused")
    store.of("b" * 22)
    assert len(store) == 1
    (job,) = store.of(ADA).jobs
    assert len(job.poll().history.rows) == 4


def test_the_folder_is_bounded_in_files_and_bytes_and_the_oldest_go(state: Path) -> None:
    for number in range(9):
        folder = state / f"{number % 4}"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{number:06d}-{'0' * 16}.training"
        path.write_bytes(bytes(1000))
        os.utime(path, (number, number))
    kept.make_room(most_files=6)
    left = lambda: sorted(int(path.name[:6]) for path in state.rglob("*.training"))  # noqa: E731
    assert left() == [3, 4, 5, 6, 7, 8]
    kept.make_room(most_bytes=2500)
    assert left() == [7, 8]
    assert sorted(path.name for path in state.iterdir()) == ["0", "3"]


def test_what_a_killed_server_was_writing_is_removed_at_the_next_start() -> None:
    folder = Shelf.of(ADA).folder
    folder.mkdir(parents=True)
    kept.write(Shelf.of(ADA).new(), Kept(seen_of(2), config(), "paused"))
    (folder / ".0123456789abcdef.part").write_bytes(b"half")
    kept.sweep_up()
    assert [path.suffix for path in folder.iterdir()] == [".training"]


def test_clocks_that_jump_change_no_order_no_name_and_no_patience(
    serve: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, jumps = time.time, iter((0, -3600, 86_400, -7200, 3600))
    runs, watch = serve().of(ADA), Watch()
    for seed, jump in enumerate(jumps):
        monkeypatch.setattr(time, "time", lambda jump=jump: real() + jump)
        put(runs, seed=seed)
        os.utime(Shelf.of(ADA).paths()[-1], (real() + jump,) * 2)
        assert 0 <= watch.away < PATIENCE
        assert 0 <= runs.watch.away < PATIENCE
    names = [path.name for path in Shelf.of(ADA).paths()]
    assert len({*names}) == 5
    assert [job.config.seed for job in serve().of(ADA).jobs] == [0, 1, 2, 3, 4]


def test_two_servers_beside_each_other_keep_every_run_of_one_visitor(state: Path) -> None:
    shelf, seen = Shelf.of(ADA), seen_of(1)
    for _ in range(2):
        for _ in range(100):
            kept.write(shelf.new(), Kept(seen, config(), "paused"))
    assert len(shelf.paths()) == 200
    assert len([*state.rglob("*")]) == 201


def test_of_one_visitor_one_run_trains_and_the_others_have_a_place_in_the_queue() -> None:
    places = Places(2)
    runs, other = (Runs(Store(places), places) for _ in range(2))
    mine = [runs.start(config(seed=seed, iterations=ENDLESS)) for seed in range(3)]
    theirs = other.start(config(iterations=ENDLESS))
    shown = [job.poll() for job in (*mine, theirs)]
    stands = [("running", 0), ("queued", 1), ("queued", 2), ("running", 0)]
    assert [(one.state, one.position) for one in shown] == stands
    mine[0].stop()
    until(lambda: mine[1].poll().state == "running")
    assert mine[2].poll().position == 1
    for job in (*reversed(mine), theirs):
        job.stop()
