"""A training as TensorBoard event files, which Weights & Biases reads too."""

import math
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from rnnviz.history import History
from rnnviz.moments import MEASURED, Moment
from rnnviz.train_step import PULLS

LAGS: Final = (0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000)
"""The lags whose gradient is a curve over the training."""
FLOWS: Final = 10
"""The most moments whose whole flow is a run of its own, over the lag."""

_ALWAYS: Final = ("loss", "grad_norm", "clipped_norm")
"""Where a NaN was measured; under the other names it says that nothing was."""
_GROUPS: Final = {
    **dict.fromkeys(("loss", "validation_loss"), "loss"),
    **dict.fromkeys(("accuracy", "validation_accuracy"), "accuracy"),
    **dict.fromkeys(("grad_norm", "clipped_norm", "threshold"), "gradient"),
    **dict.fromkeys(MEASURED, "moment"),
    **dict.fromkeys(PULLS, "pull"),
    "learning_rate": "rate",
}
"""What TensorBoard shows together."""

Scalar = tuple[str, int, float]
"""A tag, a step and a value."""


def write_events(history: History, folder: str | Path) -> tuple[Path, ...]:
    """The event files of a training, written into a folder that TensorBoard is pointed at.

    The folder itself holds a curve over the training for each of the history's columns, and for
    the gradient at each of ``LAGS``: ``flow/lag 10`` is log10 of its norm ten steps before the
    loss. Below it ``flow/step 40`` holds the whole flow at the moment before that step, with the
    lag in the place of the step, for at most ``FLOWS`` moments. TensorBoard keeps float32: a
    number is rounded to it, and one that is too large for it is infinite there.

    Parameters
    ----------
    history : History
    folder : made if it is not there; it must hold no events yet, or TensorBoard would join them

    Raises
    ------
    ValueError
        If the history has no steps, or the folder holds events.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> import rnnviz as rv
    >>> config = rv.TrainConfig(hidden_size=4, steps=5, batch_size=2, iterations=2)
    >>> history = rv.History.collect(rv.train(config))
    >>> with TemporaryDirectory() as folder:
    ...     [str(path.parent.relative_to(folder)) for path in write_events(history, folder)]
    ['.', 'flow/step 0', 'flow/step 1']
    """
    folder = Path(folder).resolve()
    if not len(history.rows):
        raise ValueError("a history must have at least 1 step to be written, got 0")
    check_empty(folder)
    runs = {folder: [*_curves(history), *_lags(history.moments)]}
    for moment in _picked(history.moments):
        runs[folder / "flow" / f"step {moment.step}"] = list(_flow(moment))
    return tuple(_write(where, scalars) for where, scalars in runs.items())


def check_empty(folder: Path) -> None:
    """Refuse a folder that holds events, before there is a training to be written into it.

    Raises
    ------
    ValueError
    """
    if folder.exists() and any(folder.rglob("*.tfevents.*")):
        name = folder.resolve().name
        raise ValueError(f"{name} must hold no events yet, got a folder with some in it")


def _curves(history: History) -> Iterator[Scalar]:
    steps = history.column("step").astype(int).tolist()
    for name in history.columns[1:]:
        for step, value in zip(steps, history.column(name).tolist(), strict=True):
            if name in _ALWAYS or not math.isnan(value):
                yield _tag(name), step, value


def _tag(column: str) -> str:
    group, _, name = column.partition(".")
    return f"ratio/{name}" if group == "ratio" else f"{_GROUPS[column]}/{column}"


def _lags(moments: Iterable[Moment]) -> Iterator[Scalar]:
    for moment in moments:
        for lag, value in zip(moment.lag.tolist(), moment.log10_norm.tolist(), strict=True):
            if lag in LAGS:
                yield f"flow/lag {lag}", moment.step, value


def _picked(moments: tuple[Moment, ...]) -> list[Moment]:
    """Evenly spaced ones, the first and the last among them."""
    spaced = np.linspace(0, len(moments) - 1, min(FLOWS, len(moments)))
    return [moments[n] for n in np.rint(spaced).astype(int)]


def _flow(moment: Moment) -> Iterator[Scalar]:
    for lag, value in zip(moment.lag.tolist(), moment.log10_norm.tolist(), strict=True):
        yield "flow/log10 norm by lag", lag, value


def _write(folder: Path, scalars: Iterable[Scalar]) -> Path:
    """One event file; without a thread, and without the machine's name in the file's."""
    from tensorboardX.record_writer import RecordWriter  # a second, for few who ask for it

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"events.out.tfevents.{int(time.time())}.rnnviz"
    writer = RecordWriter(str(path))
    for event in _events(scalars):
        writer.write(event.SerializeToString())
    writer.flush()
    writer.close()
    return path


def _events(scalars: Iterable[Scalar]) -> Iterator[Any]:
    from tensorboardX.proto.event_pb2 import Event
    from tensorboardX.proto.summary_pb2 import Summary

    now = time.time()
    yield Event(wall_time=now, file_version="brain.Event:2")
    for tag, step, value in scalars:
        with np.errstate(over="ignore"):
            single = float(np.float32(value))
        told = Summary(value=[Summary.Value(tag=tag, simple_value=single)])
        yield Event(wall_time=now, step=step, summary=told)
