"""Frames: what server and child say to each other comes over as it was."""

import io

import numpy as np
import pytest
from training_jobs import config, same_weights

from dashboard.frames import Frame, named, receive, send, under
from dashboard.seen import Rows
from rnnviz.run import untrained
from rnnviz.train import Moment, TrainStep, train


def over(frame: Frame) -> Frame:
    """What arrives of a frame."""
    stream = io.BytesIO()
    send(stream, frame)
    stream.seek(0)
    arrived = receive(stream)
    assert arrived
    return arrived


def test_a_step_comes_back_from_a_frame_as_it_was() -> None:
    step = next(train(config()))
    back = TrainStep.from_arrays(
        under("step", over(named("step", step.arrays()))), untrained(config())
    )
    assert np.array_equal(back.row[:9], step.row[:9], equal_nan=True)
    assert back.fault is None
    assert same_weights(back, step)
    assert [array.tolist() for array in back.memory] == [array.tolist() for array in step.memory]


def test_a_moment_comes_back_from_a_frame_as_it_was() -> None:
    moment = next(train(config())).moment
    assert moment
    frame = over(named("moment0", moment.arrays()) | {"rows": np.zeros((4, 5))})
    back = Moment.from_arrays(under("moment0", frame), untrained(config()))
    for name, array in moment.arrays().items():
        assert np.array_equal(array, back.arrays()[name], equal_nan=True), name


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6.0).reshape(2, 3).T,
        np.zeros((0, 5)),
        np.array("words"),
        np.array(["a", "", "ccc"]),
        np.array([1j, -0.0]),
        np.array(True),
        np.arange(24).reshape(2, 3, 4)[:, ::2],
        np.float32(np.nan),
    ],
    ids=lambda array: str(array.dtype),
)
def test_an_array_comes_over_to_the_bit_and_in_its_order(array: np.ndarray) -> None:
    back = over({"one": array, "two": array})["two"]
    assert (back.dtype, back.shape) == (array.dtype, array.shape)
    assert back.tobytes() == array.tobytes()
    assert back.flags.c_contiguous or back.flags.f_contiguous == array.flags.f_contiguous


@pytest.mark.parametrize("kept", [0, 3, 8, 50])
def test_a_stream_that_ends_inside_a_frame_ends_there(kept: int) -> None:
    stream = io.BytesIO()
    send(stream, {"rows": np.zeros((4, 5))})
    assert receive(io.BytesIO(stream.getvalue()[:kept])) is None


def test_no_object_is_ever_unpickled() -> None:
    stream = io.BytesIO()
    with pytest.raises(ValueError, match="rows must be of numbers or text, got object"):
        send(stream, {"rows": np.array([{}], object)})


def test_rows_that_were_looked_at_stay_as_they_were() -> None:
    rows = Rows(np.empty((0, 3)))
    numbers = np.arange(300.0).reshape(100, 3)
    views = []
    for start in range(0, 100, 7):
        rows.extend(numbers[start : start + 7])
        views.append(rows.view())
    assert all(np.array_equal(view, numbers[: len(view)]) for view in views)
    assert not any(view.flags.writeable for view in views)


def test_looking_at_rows_copies_none() -> None:
    rows = Rows(np.empty((0, 3)))
    rows.extend(np.ones((5, 3)))
    assert np.shares_memory(rows.view(), rows.view())


def test_adding_rows_copies_the_others_only_now_and_then() -> None:
    rows = Rows(np.empty((0, 3)))
    buffers = set()
    for _ in range(1_000):
        rows.extend(np.ones((1, 3)))
        buffers.add(rows.view().__array_interface__["data"][0])
    assert len(buffers) < 12
