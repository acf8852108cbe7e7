"""What has come of a training so far: its numbers in a buffer that grows, and its moments."""

import json
from collections import defaultdict

import numpy as np

from dashboard.frames import Frame, named, under
from rnnviz.arrays import Array, frozen
from rnnviz.config import TrainConfig
from rnnviz.network import Network
from rnnviz.run import untrained
from rnnviz.train import COLUMNS, Change, History, Moment, TrainStep, changes_between


class Rows:
    """Rows of numbers; what was once looked at never changes, and looking copies nothing."""

    def __init__(self, rows: Array) -> None:
        self._buffer, self._count = rows, len(rows)

    @property
    def nbytes(self) -> int:
        """What they take."""
        return self._buffer.nbytes

    def extend(self, new: Array) -> None:
        """Put rows behind the others: a copy of all only when the buffer is full."""
        end = self._count + len(new)
        if end > len(self._buffer):
            larger = np.empty((max(2 * len(self._buffer), end, 64), new.shape[1]))
            larger[: self._count] = self._buffer[: self._count]
            self._buffer = larger
        self._buffer[self._count : end] = new
        self._count = end

    def view(self) -> Array:
        """All rows there are by now, read-only."""
        view = self._buffer[: self._count]
        view.flags.writeable = False
        return view


class Seen:
    """All that a training has sent, and from where it can go on."""

    _columns: tuple[str, ...]
    _rows: Rows
    _moments: tuple[Moment, ...]
    _changes: tuple[Change, ...]
    _moment_bytes: int

    def __init__(
        self,
        config: TrainConfig,
        history: History | None = None,
        last: TrainStep | Moment | None = None,
    ) -> None:
        self._take_over(history or History(COLUMNS, np.empty((0, len(COLUMNS)))))
        self.last = last
        """The latest step whose network has come, or the moment it began at."""
        self.configs = [(self.next_step, config)]
        """The settings in force, and the first step that each was in force at."""
        self.trained = 0.0
        """Seconds in which steps were taken."""
        self._like: Network | None = last.network if last else None  # what networks are built as

    @property
    def step(self) -> TrainStep | None:
        """The latest step whose network has come."""
        return self.last if isinstance(self.last, TrainStep) else None

    @property
    def next_step(self) -> int:
        """The step that comes after the network that has come."""
        if isinstance(self.last, Moment):
            return self.last.step
        return self.last.number + 1 if self.last else 0

    @property
    def history(self) -> History:
        """All numbers, moments and changes by now; no number is copied."""
        return History(self._columns, self._rows.view(), self._moments, self._changes)

    @property
    def nbytes(self) -> int:
        """What all of it takes in memory."""
        return self._rows.nbytes + self._moment_bytes + (_bytes(self.last) if self.last else 0)

    def hear(self, frame: Frame) -> None:
        """Add what a frame brings."""
        if len(frame["rows"]):
            self._extend(tuple(frame["columns"].tolist()), frame["rows"])
        for step, config in json.loads(str(frame["changes"])):
            self._change(step, _config(config))
        for arrays in _moments(frame):
            moment = Moment.from_arrays(arrays, self._network())
            self._moments = (*self._moments, moment)
            self._moment_bytes += _bytes(moment)
        if arrays := under("step", frame):
            self.last = TrainStep.from_arrays(arrays, self._network())
        self.trained = float(frame["trained"])

    def config_at(self, step: int) -> TrainConfig:
        """The settings that this step was taken with."""
        _, first = self.configs[0]
        return [first, *(config for since, config in self.configs if since <= step)][-1]

    def back_to(self, moment: Moment) -> "Seen":
        """What had come before this moment, to go on from there."""
        back = Seen(self.config_at(moment.step), self.history.until(moment.step), moment)
        back.configs = [pair for pair in self.configs if pair[0] < moment.step] or back.configs
        return back

    def forget_beyond(self) -> None:
        """Drop numbers of steps whose network never came: they will come again."""
        if len(self._rows.view()) > self.next_step:
            self._take_over(self.history.until(self.next_step))
            known = [pair for pair in self.configs if pair[0] < self.next_step]
            self.configs = known or self.configs[:1]

    def arrays(self) -> Frame:
        """All of it: what ``from_arrays`` takes."""
        configs = [[since, config.model_dump_json()] for since, config in self.configs]
        changes = [[change.step, change.sentence] for change in self._changes]
        frame = {
            "columns": np.array(self._columns),
            "rows": self._rows.view(),
            "configs": np.array(json.dumps(configs)),
            "changes": np.array(json.dumps(changes)),
            "trained": np.array(self.trained),
        }
        for number, moment in enumerate(self._moments):
            frame |= named(f"moment{number}", moment.arrays())
        if self.last is not None:
            kind = "last_moment" if isinstance(self.last, Moment) else "step"
            frame |= named(kind, self.last.arrays())
        return frame

    @classmethod
    def from_arrays(cls, frame: Frame) -> "Seen":
        """What had come of the training whose ``arrays`` these are."""
        configs = [(n, _config(text)) for n, text in json.loads(str(frame["configs"]))]
        like = untrained(configs[0][1])
        changes = tuple(Change(*pair) for pair in json.loads(str(frame["changes"])))
        moments = tuple(Moment.from_arrays(arrays, like) for arrays in _moments(frame))
        columns = tuple(frame["columns"].tolist())
        history = History(columns, frozen(frame["rows"]), moments, changes)
        last: TrainStep | Moment | None = None
        if arrays := under("last_moment", frame):
            last = Moment.from_arrays(arrays, like)
        elif arrays := under("step", frame):
            last = TrainStep.from_arrays(arrays, like)
        found = cls(configs[-1][1], history, last)
        found.configs, found.trained = configs, float(frame["trained"])
        return found

    def _change(self, step: int, config: TrainConfig) -> None:
        _, before = self.configs[-1]
        self._changes = (*self._changes, *changes_between(before, config, step))
        self.configs.append((step, config))

    def _extend(self, columns: tuple[str, ...], rows: Array) -> None:
        if len(self._rows.view()) == 0:
            self._columns, self._rows = columns, Rows(np.empty((0, len(columns))))
        self._rows.extend(rows)

    def _take_over(self, history: History) -> None:
        self._columns, self._rows = history.columns, Rows(history.rows)
        self._moments, self._changes = history.moments, history.changes
        self._moment_bytes = sum(_bytes(moment) for moment in history.moments)

    def _network(self) -> Network:
        if self._like is None:
            self._like = untrained(self.configs[0][1])
        return self._like


def seen_until(history: History, step: TrainStep | None, config: TrainConfig) -> Seen:
    """What another training had shown, as far as its network reaches."""
    return Seen(config, history.until(step.number + 1) if step else None, step)


def _moments(frame: Frame) -> list[Frame]:
    """The arrays of each moment that a frame brings, in their order."""
    found: dict[str, Frame] = defaultdict(dict)
    for name, array in frame.items():
        whose, _, own = name.partition(".")
        if whose.startswith("moment"):
            found[whose][own] = array
    return [found[f"moment{number}"] for number in range(len(found))]


def _config(text: str) -> TrainConfig:
    return TrainConfig(**json.loads(text))


def _bytes(kept: TrainStep | Moment) -> int:
    return sum(array.nbytes for array in kept.arrays().values())
