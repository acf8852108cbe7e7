"""A visitor's series, text and arrays as tasks: true windows, true splits, and honest refusals."""

import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import rnnviz as rv
from rnnviz.interop import read_table, read_text, sequences, series, text
from rnnviz.tasks.series import filled_in

N, STEPS, MANY = 50, 6, 400
RNG = np.random.default_rng(0)
VALUES = np.cumsum(RNG.normal(size=(N, 3)), axis=0)
GAPS = (11, 12, 30)


def table_of(values=VALUES, names="abc"):
    rows = [",".join("" if np.isnan(v) else repr(float(v)) for v in row) for row in values]
    return read_table("\n".join([",".join(names), *rows]).encode(), "t.csv")


def with_gaps():
    values = VALUES.copy()
    values[list(GAPS), 1] = np.nan
    return values


def sample(task, steps=STEPS, count=MANY, **kw):
    return task.sample(np.random.default_rng(1), steps, count, 0, **kw)


def test_a_table_has_the_numbers_of_its_text_to_the_bit():
    np.testing.assert_array_equal(table_of().values, VALUES)


def test_parquet_csv_and_npz_give_the_same_table():
    body, archive = io.BytesIO(), io.BytesIO()
    columns = dict(zip("abc", with_gaps().T, strict=True))
    pq.write_table(pa.table({**columns, "note": ["x"] * N}), body)
    np.savez(archive, **columns)
    own = table_of(with_gaps())
    for table in (
        read_table(body.getvalue(), "t.parquet"),
        read_table(archive.getvalue(), "t.npz"),
    ):
        assert table.columns == own.columns
        np.testing.assert_array_equal(table.values, own.values)
        assert table.missing == own.missing == {"b": 3}


def test_parquet_dates_and_integers_are_read():
    body = io.BytesIO()
    days = np.arange("2020-01-01", "2020-01-05", dtype="datetime64[D]")
    pq.write_table(pa.table({"day": days, "n": np.array([1, 2, 3, 4])}), body)
    table = read_table(body.getvalue(), "t.parquet")
    np.testing.assert_array_equal(table.dates, days.astype("datetime64[s]"))
    np.testing.assert_array_equal(table.values, [[1], [2], [3], [4]])
    assert table.notes == ("column day has the dates",)


def test_what_is_missing_is_counted_with_its_first_lines():
    table = table_of(with_gaps())
    assert table.missing == {"b": 3}
    assert table.lacking("b") == [13, 14, 32]  # the first row is line 2
    assert table.to_frame()["missing"].tolist() == [0, 3, 0]


def test_windows_are_neighbours_standardised_by_the_training_part_alone():
    task = series(table_of(), ["a", "c"], split=0.6, answered=["b"])
    assert (task.split, task.input_size, task.output_size) == (30, 2, 1)
    z = (VALUES - VALUES[:30].mean(axis=0)) / VALUES[:30].std(axis=0)
    batch = sample(task)
    assert (batch.x.shape, batch.target.shape) == ((STEPS, MANY, 2), (STEPS, MANY, 1))
    first = np.abs(z[:, 0][:, None] - batch.x[0, :, 0]).argmin(axis=0)
    for t in range(STEPS):
        np.testing.assert_allclose(batch.x[t], z[first + t][:, [0, 2]], atol=1e-12)
        np.testing.assert_allclose(batch.target[t], z[first + t + 1][:, [1]], atol=1e-12)
    assert (first.min(), first.max() + STEPS) == (0, 29)


def test_a_held_out_window_ends_in_the_held_out_part_and_is_scored_there_alone():
    task = series(table_of(np.arange(3.0 * N).reshape(N, 3)), ["a"], standardise=False, split=0.6)
    batch = sample(task, held_out=True)
    row = batch.target[..., 0] / 3
    np.testing.assert_array_equal(batch.mask("all"), row >= 30)
    assert (row[-1].min(), row[-1].max()) == (30, N - 1)


@pytest.mark.parametrize("held_out", [False, True])
def test_no_window_holds_a_row_that_lacks_a_value(held_out):
    task = series(table_of(with_gaps()), ["a", "b"], missing="drop")
    batch = sample(task, held_out=held_out)
    assert np.isfinite(batch.x).all()
    assert np.isfinite(batch.target).all()
    assert task.max_steps() == 30 - 13 - 1  # rows 13 to 29 lack nothing


def test_a_column_that_lacks_values_does_not_matter_where_it_is_not_used():
    assert series(table_of(with_gaps()), ["a", "c"]).max_steps() == 39


def test_interpolated_values_lie_on_the_line_between_their_neighbours():
    task = series(table_of(with_gaps()), ["b"], missing="interpolate", standardise=False)
    b = VALUES[:, 1]
    np.testing.assert_allclose(
        task.rows[[11, 12], 0], b[10] + (b[13] - b[10]) * np.array([1, 2]) / 3
    )
    np.testing.assert_allclose(task.rows[30, 0], (b[29] + b[31]) / 2)
    assert task.max_steps() == 39


def test_a_constant_column_is_named_and_not_divided_by_zero():
    task = series(table_of(np.c_[VALUES[:, :2], np.full(N, 0.1)]), ["a", "c"])
    assert task.still == ("c",)
    np.testing.assert_array_equal(task.rows[:, 1], 0)
    assert np.isfinite(task.baseline(STEPS, 0, "all"))


def test_the_baseline_of_a_line_is_zero_and_that_of_a_walk_its_step():
    line = series(table_of(np.arange(3.0 * N).reshape(N, 3)), ["a"])
    assert line.baseline(STEPS, 0, "all") == pytest.approx(0, abs=1e-20)
    walk = np.cumsum(RNG.normal(size=(5000, 3)), axis=0)
    found = series(table_of(walk), ["a"], standardise=False).baseline(STEPS, 0, "all")
    assert found == pytest.approx(1, rel=0.1)


def test_our_own_series_are_the_tables_of_their_files():
    from importlib.resources import files

    data = (files("rnnviz") / "data" / "co2.csv").read_bytes()
    table = read_table(data, "co2.csv")
    assert table.missing == {"co2": 59}
    known = rv.TASKS["co2"]
    own = series(table, ["co2"], missing="interpolate", split=known.split / len(table.values))
    np.testing.assert_allclose(own.rows, known.rows, atol=1e-12)


@pytest.mark.parametrize(
    ("columns", "settings", "cause"),
    [
        (["x"], {}, "columns must be among a, b, c, got x"),
        ([], {}, "got none"),
        (["a"], {"split": 1.0}, "split must be between 0 and 1"),
        (["a"], {"split": 0.01}, "two neighbouring rows"),
    ],
)
def test_a_series_that_cannot_be_is_refused_in_a_sentence(columns, settings, cause):
    with pytest.raises(ValueError, match=cause):
        series(table_of(), columns, **settings)


def test_a_filled_series_keeps_what_it_has():
    values = with_gaps()[:, 1]
    known = np.isfinite(values)
    np.testing.assert_array_equal(filled_in(values)[known], values[known])


def test_a_text_is_read_one_hot_with_the_next_character_as_label():
    task = text("the quick brown fox jumps over the lazy dog. " * 3, name="fox.txt")
    batch = sample(task, steps=5, count=7)
    codes = batch.x.argmax(axis=2)
    assert batch.x.shape == (5, 7, len(task.alphabet))
    np.testing.assert_array_equal(codes[1:], batch.target[:-1])
    for column in codes.T:
        assert "".join(task.alphabet[code] for code in column) in task.text


def test_a_text_keeps_to_the_alphabet_of_a_model():
    task = text("abracadabra abracadabra", alphabet="dcba r!")
    assert task.input_size == 7
    np.testing.assert_array_equal(task.codes[:4], [3, 2, 5, 3])
    with pytest.raises(ValueError, match="'d' at 6"):
        text("abracadabra abracadabra", alphabet="abcr ")


@pytest.mark.parametrize("characters", ["", "short", "a" * 30])
def test_a_text_without_enough_in_it_is_refused(characters):
    with pytest.raises(ValueError, match="must have"):
        text(characters)


def test_a_text_file_in_any_encoding_with_any_line_ends_is_the_same_text():
    for data in ("ä\r\nb\rc\n".encode("utf-16"), "ä\nb\nc\n".encode("utf-8-sig")):
        assert read_text(data, "t.txt") == "ä\nb\nc\n"
    with pytest.raises(ValueError, match=r"t\.txt .*UTF-8"):
        read_text("ä".encode("latin-1"), "t.txt")


X = RNG.normal(size=(9, 10, 2))


def test_sequences_without_answers_are_answered_with_their_next_step():
    task = sequences({"x": X})
    assert (task.max_steps(), task.split, task.input_size, task.output_size) == (8, 8, 2, 2)
    batch = sample(task, steps=8, count=8)
    np.testing.assert_array_equal(batch.x, X[:-1, :8])
    np.testing.assert_array_equal(batch.target, X[1:, :8])
    np.testing.assert_array_equal(sample(task, steps=8, count=2, held_out=True).x, X[:-1, 8:])


def test_sequences_are_read_up_to_their_last_step():
    labels = np.arange(10) % 3
    batch = sample(sequences({"x": X, "labels": labels}), steps=4, count=8)
    np.testing.assert_array_equal(batch.x, X[-4:, :8])
    np.testing.assert_array_equal(batch.target, np.tile(labels[:8], (4, 1)))


def test_a_mask_says_where_sequences_are_scored():
    mask = RNG.random((9, 10)) < 0.5
    task = sequences({"x": X, "target": X[..., :1], "mask": mask})
    batch = sample(task, steps=9, count=8)
    np.testing.assert_array_equal(batch.mask("all"), mask[:, :8])
    np.testing.assert_array_equal(batch.mask("task"), mask[:, :8])
    kept = X[:, :8, :1][mask[:, :8]]
    assert task.baseline(9, 0, "all") == pytest.approx(kept.var())


def test_the_baseline_of_labels_is_their_entropy():
    task = sequences({"x": X, "labels": np.arange(10) % 2})
    assert task.baseline(9, 0, "all") == pytest.approx(np.log(2))


@pytest.mark.parametrize(
    ("arrays", "cause"),
    [
        ({"z": X}, r"x \(T, B, I\).*z \(9, 10, 2\)"),
        ({"x": X[0]}, r"x \(T, B, I\)"),
        ({"x": np.full((9, 10, 2), np.nan)}, r"180 numbers that are not, the first at \[0, 0, 0\]"),
        ({"x": X, "target": X[:, :3]}, "target .*as x"),
        ({"x": X, "labels": np.ones(10)}, "whole numbers"),
        ({"x": X, "labels": np.full(10, -1)}, "got -1"),
        ({"x": X, "labels": np.arange(9)}, "labels .* got int64"),
        ({"x": X, "mask": np.zeros((9, 10), bool)}, "true somewhere"),
    ],
)
def test_arrays_that_do_not_fit_are_refused_in_a_sentence(arrays, cause):
    with pytest.raises(ValueError, match=cause):
        sequences(arrays, "s.npz")


def test_every_main_diagnostic_runs_on_a_visitors_own_series():
    task = series(table_of(with_gaps()), ["a", "b"], missing="interpolate", answered=["c"])
    network = rv.build(rv.RunConfig(hidden_size=4), task.input_size, task.output_size)
    batch = sample(task, count=5)
    record = rv.bptt(network, batch.x, batch.loss("last"))
    assert rv.diagnostics.gradient_check(network, batch.x, batch.loss("last")).passed
    assert rv.diagnostics.verdict(record).sentence
