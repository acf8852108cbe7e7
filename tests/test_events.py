"""TensorBoard's event files, read back by the reader's own protocol, sum by sum."""

import math
import struct
from collections import defaultdict

import numpy as np
import pytest
from tensorboardX.crc32c import crc32c
from tensorboardX.proto.event_pb2 import Event

import rnnviz as rv
from rnnviz.events import FLOWS, write_events


def events(path):
    """Every event of a file, each checked by its two sums."""
    data, found = path.read_bytes(), []
    while data:
        (size,) = struct.unpack("<Q", data[:8])
        body = data[12 : 12 + size]
        sums = struct.unpack("<I", data[8:12]) + struct.unpack("<I", data[12 + size : 16 + size])
        assert sums == (masked(data[:8]), masked(body))
        found.append(Event.FromString(body))
        data = data[16 + size :]
    return found


def masked(data):
    """The sum as TensorFlow's records keep it."""
    total = crc32c(data) & 0xFFFFFFFF
    return (((total >> 15) | (total << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def curves(path):
    """Tag -> step -> value."""
    found = defaultdict(dict)
    for event in events(path)[1:]:
        (value,) = event.summary.value
        found[value.tag][event.step] = value.simple_value
    return found


@pytest.fixture(scope="module")
def history():
    config = rv.TrainConfig(hidden_size=4, steps=12, batch_size=2, iterations=23, floss=0.1)
    return rv.History.collect(rv.train(config))


@pytest.fixture(scope="module")
def written(history, tmp_path_factory):
    folder = tmp_path_factory.mktemp("events")
    return folder, write_events(history, folder)


def test_each_column_is_a_curve_of_what_was_measured_rounded_to_float32(history, written):
    told = curves(written[1][0])
    frame = history.to_frame().set_index("step")
    named = {tag.split("/", 1)[1]: values for tag, values in told.items() if "flow/" not in tag}
    assert {name.removeprefix("ratio.") for name in frame.dropna(axis=1, how="all")} == {*named}
    for column in frame:
        kept = frame[column].dropna()
        values = named.get(column.removeprefix("ratio."), {})
        assert [*values] == kept.index.tolist()
        np.testing.assert_array_equal([*values.values()], kept.to_numpy(np.float32))


def test_the_gradient_at_a_lag_is_a_curve_over_the_training(history, written):
    told = curves(written[1][0])
    assert {tag for tag in told if tag.startswith("flow/")} == {
        f"flow/lag {lag}" for lag in (0, 1, 2, 5, 10)
    }
    moment = history.moments[3]
    assert told["flow/lag 5"][moment.step] == np.float32(moment.log10_norm[5])


def test_evenly_spaced_moments_have_their_whole_flow_over_the_lag(history, written):
    folder, (_, *flows) = written
    steps = [int(path.parent.name.removeprefix("step ")) for path in flows]
    assert len(steps) == FLOWS
    assert (steps[0], steps[-1]) == (0, 22)
    assert all(path.parent.parent == folder / "flow" for path in flows)
    (told,) = curves(flows[-1]).values()
    np.testing.assert_array_equal([*told], history.moments[-1].lag)
    np.testing.assert_array_equal(
        [*told.values()], history.moments[-1].log10_norm.astype(np.float32)
    )


def test_a_file_begins_with_the_version_and_is_named_after_no_machine(written):
    first = events(written[1][0])[0]
    assert first.file_version == "brain.Event:2"
    assert written[1][0].name.split(".")[-1] == "rnnviz"


def test_infinities_and_what_training_ended_at_are_kept(history, tmp_path):
    rows = np.array(history.rows[:3])
    rows[1, history.columns.index("loss")] = 1e300
    rows[2, history.columns.index("grad_norm")] = math.nan
    told = curves(write_events(rv.History(history.columns, rows), tmp_path)[0])
    assert told["loss/loss"][1] == math.inf
    assert math.isnan(told["gradient/grad_norm"][2])


def test_no_steps_and_a_folder_that_has_events_are_refused(history, written):
    with pytest.raises(ValueError, match="must have at least 1 step to be written, got 0"):
        write_events(rv.History.collect([]), written[0] / "none")
    assert not (written[0] / "none").exists()
    with pytest.raises(ValueError, match="must hold no events yet"):
        write_events(history, written[0])
