"""The tasks: what is read, what is asked, and that the named answer scores the baseline."""

import csv
from collections import Counter
from collections.abc import Callable
from importlib.resources import files
from itertools import pairwise

import numpy as np
import pytest

from rnnviz.arrays import Array
from rnnviz.losses import CrossEntropy
from rnnviz.tasks import LOSS_AT, TASKS, Batch, Task
from rnnviz.tasks.characters import Characters
from rnnviz.tasks.copy import BLANK, DELIMITER, SYMBOLS
from rnnviz.tasks.series import Series

MANY = 20_000
REAL = [name for name, task in TASKS.items() if task.real and isinstance(task, Series)]
COMPUTED = [name for name, task in TASKS.items() if not task.real and task.max_steps() is None]
LAGS = {"delayed_recall": 3}


def sample(
    name: str, steps: int, batch_size: int, *, lag: int | None = None, seed: int = 0, **kw
) -> Batch:
    lag = min(LAGS.get(name, 0), steps - 1) if lag is None else lag
    return TASKS[name].sample(np.random.default_rng(seed), steps, batch_size, lag, **kw)


def series(name: str) -> Series:
    task = TASKS[name]
    assert isinstance(task, Series)
    return task


def raw(name: str) -> tuple[list[str], Array]:
    """The file itself, read the plainest way; NaN where it is empty."""
    with (files("rnnviz") / "data" / f"{name}.csv").open(encoding="utf-8") as file:
        dates, values = zip(*list(csv.reader(file))[1:], strict=True)
    return list(dates), np.array([float(value) if value else np.nan for value in values])


def standardised(name: str) -> Array:
    """The file's values, filled along their dates, by the years before the held-out ones."""
    dates, values = raw(name)
    day = np.array(
        [date if len(date) == 4 else f"{date[:4]}-{date[4:6]}-{date[6:]}" for date in dates]
    )
    day = day.astype("datetime64[D]").astype(float)
    known = np.isfinite(values)
    filled = np.interp(day, day[known], values[known])
    training = filled[np.array(dates) < {"sunspots": "1950", "co2": "1992"}[name]]
    return (filled - training.mean()) / training.std()


def counting(name: str) -> Series:
    """The task with every value replaced by its row, so that a window tells where it was cut."""
    kind = type(series(name))
    rows = np.arange(len(series(name).z), dtype=float)
    return type(kind.__name__, (kind,), {"z": rows})()


def scored(batch: Batch, y: Array, at: str) -> float:
    return float(batch.loss(at).value_and_grad(y)[0].sum())


def always(answer: float) -> Callable[[Batch], Array]:
    return lambda batch: np.full(batch.target.shape, answer)


def guess_symbols(batch: Batch) -> Array:
    """Logits: surely blank until the delimiter, then any symbol alike."""
    steps, batch_size, _ = batch.x.shape
    logits = np.zeros((steps, batch_size, SYMBOLS + 1))
    after = np.cumsum(batch.x[..., DELIMITER], axis=0) - batch.x[..., DELIMITER] > 0
    logits[..., :BLANK] = np.where(after, 0, -1e3)[..., None]
    logits[..., BLANK] = np.where(after, -1e3, 0)
    return logits


def scaled_sine(batch: Batch) -> Array:
    w = np.linspace(np.pi / 10, np.pi / 2, 100_001)
    return batch.x * np.cos(w).mean()


def alike(batch: Batch) -> Array:
    """Logits: every class alike, as many as there are."""
    return np.zeros((*batch.target.shape, 1 + batch.target.max()))


def first_bit(batch: Batch) -> Array:
    """Logits: the first parity is the first bit, and of the others nothing is known."""
    logits = np.zeros((*batch.target.shape, 2))
    logits[0] = 1e3 * np.eye(2)[batch.x[0, :, 0].astype(int)]
    return logits


def mean_product(batch: Batch) -> Array:
    return np.full(batch.target.shape, 1 / 3 if len(batch.x) == 1 else 1 / 4)


def likely_followers(batch: Batch) -> Array:
    """Counts as logits: how often each character follows this one, by reading the text."""
    task = TASKS["characters"]
    assert isinstance(task, Characters)
    text = task.text[: task.split]
    found = Counter(pairwise(text))
    followers = [[found[a, b] for b in task.alphabet] for a in task.alphabet]
    return batch.x @ np.array(followers, float)


NAMED = {
    "multiplication": mean_product,
    "temporal_order": alike,
    "temporal_order_3": alike,
    "parity": first_bit,
    "adding": always(1),
    "copy": guess_symbols,
    "delayed_recall": always(0),
    "sine": scaled_sine,
    "constant": always(0.7),
    "influence": always(0),
}
"""The answer that each baseline names."""
WITHOUT_PAST = {
    **{name: NAMED[name] for name, task in TASKS.items() if task.classes and name in NAMED},
    **{name: NAMED[name] for name in ("adding", "multiplication")},
    "digits": alike,
    "characters": likely_followers,
}
"""The answers of which some are right and others wrong."""
LENGTHS = [(name, steps) for name in NAMED for steps in (1, 2, 3, 12, 24)]
LENGTHS.remove(("delayed_recall", 1))  # only lag 0 fits, which has a test of its own


def test_the_sizes_of_a_batch_are_those_the_task_states() -> None:
    for name, task in TASKS.items():
        batch = sample(name, 7, 5)
        labels = isinstance(batch.loss("all"), CrossEntropy)
        assert batch.x.shape == (7, 5, task.input_size)
        assert batch.target.shape == ((7, 5) if labels else (7, 5, task.output_size))
        assert batch.asked.shape == (7, 5)
        assert batch.x.dtype == np.float64


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("held_out", [False, True])
@pytest.mark.parametrize("at", LOSS_AT)
@pytest.mark.parametrize("steps", [1, 2, 21])
def test_every_task_gives_a_finite_loss_at_every_length(name, held_out, at, steps) -> None:
    batch = sample(name, steps, 3, held_out=held_out)
    y = np.zeros((steps, 3, TASKS[name].output_size))
    assert np.isfinite(scored(batch, y, at))
    assert TASKS[name].baseline(steps, min(LAGS.get(name, 0), steps - 1), at) >= 0


@pytest.mark.parametrize("name", TASKS)
def test_equal_seeds_give_equal_batches_and_others_do_not(name) -> None:
    one, again, other = (sample(name, 30, 4, seed=seed) for seed in (1, 1, 2))
    for field in ("x", "target", "asked"):
        np.testing.assert_array_equal(getattr(one, field), getattr(again, field))
    assert np.array_equal(one.x, other.x) == (name in ("constant", "influence"))


@pytest.mark.parametrize("name", TASKS)
def test_a_task_says_what_it_is_and_where_it_is_from(name) -> None:
    task = TASKS[name]
    assert isinstance(task, Task)
    assert task.title
    assert task.note.endswith(".")
    assert any(f"({year})" in task.paper for year in range(1900, 2030))


@pytest.mark.parametrize(("name", "steps"), LENGTHS)
@pytest.mark.parametrize("at", LOSS_AT)
def test_the_named_answer_scores_the_baseline(name, steps, at) -> None:
    lag = min(LAGS.get(name, 0), steps - 1)
    batch = sample(name, steps, MANY)
    y = np.asarray(NAMED[name](batch), float)
    assert scored(batch, y, at) == pytest.approx(TASKS[name].baseline(steps, lag, at), rel=0.03)


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("steps", [1, 2, 9, 33])
@pytest.mark.parametrize("at", LOSS_AT)
def test_the_chance_is_what_the_named_answer_gets_right(name, steps, at) -> None:
    count = 4_000
    batch = sample(name, steps, count)
    chance = TASKS[name].chance(steps, LAGS.get(name, 0), at)
    if name not in WITHOUT_PAST:
        assert chance is None
        return
    y = np.asarray(WITHOUT_PAST[name](batch), float)
    near = 4 * np.sqrt(chance * (1 - chance) / count) + 1e-12
    assert batch.accuracy(y, at) == pytest.approx(chance, abs=near)


@pytest.mark.parametrize("name", COMPUTED)
def test_every_computed_task_names_an_answer(name) -> None:
    assert name in NAMED


@pytest.mark.parametrize("name", COMPUTED)
def test_any_length_can_be_made(name) -> None:
    assert TASKS[name].max_steps() is None


@pytest.mark.parametrize("name", COMPUTED)
def test_the_loss_at_every_step_keeps_every_step(name) -> None:
    assert sample(name, 9, 4).loss("all").mask is None


def test_the_loss_at_the_last_step_keeps_the_last_step_only() -> None:
    mask = sample("sine", 4, 3).loss("last").mask
    assert mask.sum(axis=1).tolist() == [0, 0, 0, 3]


@pytest.mark.parametrize(("steps", "half"), [(2, 1), (3, 1), (10, 5), (11, 5)])
def test_adding_marks_one_step_in_each_half_and_sums_the_two(steps, half) -> None:
    batch = sample("adding", steps, 500)
    value, marker = batch.x[..., 0], batch.x[..., 1]
    assert np.all(marker[:half].sum(axis=0) == 1)
    assert np.all(marker[half:].sum(axis=0) == 1)
    assert np.all(marker.any(axis=1))
    assert value.min() >= 0
    assert value.max() < 1
    for step in range(steps):
        np.testing.assert_allclose(batch.target[step, :, 0], (value * marker).sum(axis=0))


def test_adding_asks_at_the_last_step() -> None:
    assert sample("adding", 5, 3).asked.sum(axis=1).tolist() == [0, 0, 0, 0, 3]


def test_adding_over_one_step_counts_its_value_twice() -> None:
    batch = sample("adding", 1, 6)
    assert np.all(batch.x[..., 1] == 1)
    np.testing.assert_array_equal(batch.target[..., 0], 2 * batch.x[..., 0])


@pytest.mark.parametrize(
    ("steps", "K"), [(50, 10), (21, 10), (20, 9), (5, 2), (3, 1), (2, 0), (1, 0)]
)
def test_copy_shows_symbols_blanks_a_delimiter_and_blanks(steps, K) -> None:
    batch = sample("copy", steps, 40)
    shown, wait = batch.x.argmax(axis=-1), steps - 2 * K - 1
    assert np.all(batch.x.sum(axis=-1) == 1)
    assert np.all(shown[:K] < SYMBOLS)
    assert np.all(shown[K : K + wait] == BLANK)
    assert np.all(shown[K + wait] == DELIMITER)
    assert np.all(shown[K + wait + 1 :] == BLANK)
    assert np.all(batch.target[: steps - K] == BLANK)
    np.testing.assert_array_equal(batch.target[steps - K :], shown[:K])
    assert batch.asked.all()


def test_copy_scores_ten_ln_8_over_the_delay_plus_20() -> None:
    delay = 100
    assert TASKS["copy"].baseline(delay + 20, 0, "all") == pytest.approx(10 * np.log(8) / 120)


def test_copy_draws_each_of_eight_symbols_alike() -> None:
    symbols = sample("copy", 30, MANY).target[-10:]
    np.testing.assert_allclose(np.bincount(symbols.ravel()) / symbols.size, 1 / 8, rtol=0.03)


@pytest.mark.parametrize("lag", [0, 1, 4, 8])
def test_recall_is_the_shifted_input(lag) -> None:
    batch = sample("delayed_recall", 9, 4, lag=lag)
    np.testing.assert_array_equal(batch.target[lag:], batch.x[: 9 - lag])
    assert not batch.target[:lag].any()
    assert batch.asked[lag:].all()
    assert not batch.asked[:lag].any()


@pytest.mark.parametrize("at", LOSS_AT)
@pytest.mark.parametrize("steps", [1, 6])
def test_recall_at_lag_0_is_answered_by_what_is_read(at, steps) -> None:
    batch = sample("delayed_recall", steps, 4, lag=0)
    assert scored(batch, batch.x, at) == 0 == TASKS["delayed_recall"].baseline(steps, 0, at)


@pytest.mark.parametrize(("lag", "steps"), [(120, 100), (100, 100), (1, 1), (-1, 100)])
def test_recall_names_the_lags_that_fit(lag, steps) -> None:
    message = (
        rf"lag must be in \[0, {steps - 1}\] for delayed_recall with {steps} steps, got {lag}$"
    )
    with pytest.raises(ValueError, match=message):
        sample("delayed_recall", steps, 2, lag=lag)
    with pytest.raises(ValueError, match=message):
        TASKS["delayed_recall"].baseline(steps, lag, "all")


def test_only_recall_uses_the_lag() -> None:
    assert [name for name, task in TASKS.items() if task.uses_lag] == ["delayed_recall"]


def test_a_sine_keeps_to_one_frequency_between_a_period_of_4_and_one_of_20() -> None:
    batch = sample("sine", 40, 500)
    wave = np.concatenate([batch.x, batch.target[-1:]])[..., 0]
    np.testing.assert_array_equal(batch.target[:-1], batch.x[1:])
    middle, around = wave[1:-1], wave[2:] + wave[:-2]
    cosine = (middle * around).sum(axis=0) / (2 * middle**2).sum(axis=0)
    np.testing.assert_allclose(around, 2 * cosine * middle, atol=1e-9)  # Yule's identity
    period = 2 * np.pi / np.arccos(cosine)
    assert 4 <= period.min() < 4.5
    assert 18 < period.max() <= 20


def test_59_weeks_of_co2_are_empty_and_the_note_says_so() -> None:
    assert np.isnan(raw("co2")[1]).sum() == 59
    assert np.isnan(series("co2").recorded).sum() == 59
    assert "59 empty weeks" in series("co2").note


def test_an_empty_week_lies_on_the_line_between_its_neighbours() -> None:
    z, recorded = series("co2").z, series("co2").recorded
    assert np.isnan(recorded[6])
    assert np.isfinite(recorded[[5, 7]]).all()
    assert z[6] == pytest.approx((z[5] + z[7]) / 2)


@pytest.mark.parametrize("name", REAL)
def test_the_series_is_the_file_standardised(name) -> None:
    np.testing.assert_allclose(series(name).z, standardised(name), atol=1e-12)


def test_no_empty_week_is_filled_across_the_split() -> None:
    assert np.isfinite(series("co2").recorded[series("co2").split - 1 :]).all()


@pytest.mark.parametrize(
    ("name", "last", "first"), [("sunspots", "1949", "1950"), ("co2", "19911228", "19920104")]
)
def test_the_held_out_years_begin_where_the_note_says(name, last, first) -> None:
    task = series(name)
    assert task.dates[task.split - 1 : task.split + 1] == [last, first]
    assert f"to {last[:4]}" in task.note
    assert f"on {first[:4]} to {task.dates[-1][:4]}" in task.note
    assert f"on {task.dates[0][:4]} to" in task.note


@pytest.mark.parametrize("name", REAL)
def test_the_training_part_alone_has_mean_0_and_standard_deviation_1(name) -> None:
    task = series(name)
    training = task.z[: task.split]
    assert [training.mean(), training.std()] == pytest.approx([0, 1], abs=1e-12)
    assert abs(task.z.mean()) > 0.01


@pytest.mark.parametrize("name", REAL)
@pytest.mark.parametrize("held_out", [False, True])
def test_a_window_is_consecutive_raw_values_standardised(name, held_out) -> None:
    everywhere = np.lib.stride_tricks.sliding_window_view(standardised(name), 7)
    batch = sample(name, 6, 50, held_out=held_out)
    np.testing.assert_array_equal(batch.target[:-1], batch.x[1:])
    for window in np.concatenate([batch.x, batch.target[-1:]])[..., 0].T:
        assert np.isclose(everywhere, window, atol=1e-9).all(axis=1).any()


@pytest.mark.parametrize("name", REAL)
@pytest.mark.parametrize("steps", [1, 40, 200])
def test_training_windows_never_touch_the_held_out_years(name, steps) -> None:
    task = counting(name)
    batch = task.sample(np.random.default_rng(0), steps, MANY, 0)
    assert batch.x.min() == 0
    assert batch.target.max() == task.split - 1


@pytest.mark.parametrize("name", REAL)
@pytest.mark.parametrize("steps", [1, 40, 200])
@pytest.mark.parametrize("at", LOSS_AT)
def test_a_held_out_loss_scores_the_held_out_years_and_no_others(name, steps, at) -> None:
    task = counting(name)
    batch = task.sample(np.random.default_rng(0), steps, MANY, 0, held_out=True)
    row, mask = batch.target[..., 0], batch.loss(at).mask
    np.testing.assert_array_equal(np.unique(row[mask]), np.arange(task.split, len(task.z)))
    if at != "last":
        np.testing.assert_array_equal(mask, row >= task.split)


@pytest.mark.parametrize("name", REAL)
def test_the_longest_training_window_is_the_training_part(name) -> None:
    task = series(name)
    longest = task.max_steps()
    batch = sample(name, longest, 2)
    np.testing.assert_array_equal(batch.x[:, 0, 0], task.z[: task.split - 1])
    np.testing.assert_array_equal(batch.target[:, 1, 0], task.z[1 : task.split])
    assert sample(name, longest, 2, held_out=True).loss("all").mask.any()


@pytest.mark.parametrize("name", REAL)
@pytest.mark.parametrize("steps", [0, 2000])
def test_a_series_names_the_steps_it_allows(name, steps) -> None:
    allowed = {"sunspots": 249, "co2": 1761}[name]
    message = rf"^steps must be in \[1, {allowed}\] for {name}, got {steps}$"
    with pytest.raises(ValueError, match=message):
        sample(name, steps, 2)


@pytest.mark.parametrize("name", REAL)
@pytest.mark.parametrize("at", LOSS_AT)
def test_the_best_line_from_the_present_value_scores_the_baseline(name, at) -> None:
    task = series(name)
    batch = sample(name, 1, MANY)
    design = np.stack([batch.x.ravel(), np.ones(MANY)], axis=1)
    line = np.linalg.lstsq(design, batch.target.ravel(), rcond=None)[0]
    y = (design @ line).reshape(batch.target.shape)
    assert scored(batch, y, at) == pytest.approx(task.baseline(1, 0, at), rel=0.05)


@pytest.mark.parametrize("name", REAL)
def test_repeating_the_present_value_beats_the_mean_and_the_line_beats_both(name) -> None:
    task = series(name)
    batch = sample(name, task.max_steps(), 1)
    line, repeat = task.baseline(1, 0, "all"), scored(batch, batch.x, "all")
    assert line < repeat < 0.5 < scored(batch, np.zeros_like(batch.x), "all")


def test_sunspot_cycles_are_harder_to_predict_after_1950() -> None:
    z, split = series("sunspots").z, series("sunspots").split
    slope, intercept = np.polyfit(z[: split - 1], z[1:split], 1)
    after = np.mean((z[split:] - slope * z[split - 1 : -1] - intercept) ** 2)
    assert TASKS["sunspots"].baseline(1, 0, "all") == pytest.approx(0.33, abs=0.005)
    assert after == pytest.approx(0.79, abs=0.005)


def test_two_in_three_held_out_weeks_of_co2_lie_above_all_that_was_trained_on() -> None:
    z, split = series("co2").z, series("co2").split
    assert np.mean(z[split:] > z[:split].max()) == pytest.approx(2 / 3, abs=0.02)
