"""What a child gathers of its training, and when it sends that."""

import json
import time
from collections.abc import Callable
from typing import IO, Final

import numpy as np

from dashboard.frames import Frame, named, send
from rnnviz.arrays import Array
from rnnviz.config import TrainConfig
from rnnviz.train import COLUMNS, TrainStep

NUMBERS_EVERY: Final = 0.1
WEIGHTS_EVERY: Final = 0.25
"""Seconds; and large weights wait longer, so that sending them takes a tenth of the time."""


class Outbox:
    """Gathers steps, and sends what is new of them when it is due."""

    def __init__(
        self, stream: IO[bytes], trained: float = 0.0, hear: Callable[[Frame], None] | None = None
    ) -> None:
        self.trained = trained
        """Seconds in which steps of this training were taken, here and before."""
        self._stream, self._hear = stream, hear
        self._rows: list[tuple[float, ...]] = []
        self._moments: list[dict[str, Array]] = []
        self._changes: list[tuple[int, str]] = []
        self._step: TrainStep | None = None
        self._numbers_due = self._weights_due = self._rate = 0.0
        self.restart()

    def restart(self) -> None:
        """Count the speed anew, without the pause before."""
        self._taken, self._before = 0, self.trained
        self._last = time.monotonic()

    def add(self, step: TrainStep) -> None:
        """Take a step, and send what is due."""
        self._rows.append(step.row)
        if step.moment:
            self._moments.append(step.moment.arrays())
        self._step = step
        self._taken += 1
        now = time.monotonic()
        self.trained += now - self._last
        self._last = now
        self._rate = self._taken / max(self.trained - self._before, 1e-9)
        if now >= self._numbers_due:
            self.post(weights=now >= self._weights_due)

    def change(self, step: int, config: TrainConfig) -> None:
        """Tell, with the next frame, that this step was the first under another config."""
        self._changes.append((step, config.model_dump_json()))

    def post(self, *, weights: bool, **words: object) -> None:
        """Send everything since the last frame, with the weights if asked.

        What hears it here does so though nobody may be left at the other end.
        """
        begin = time.monotonic()
        columns = self._step.columns if self._step else COLUMNS
        frame = {
            "columns": np.array(columns),
            "rows": np.array(self._rows, float).reshape(-1, len(columns)),
            "changes": np.array(json.dumps(self._changes)),
            "steps_per_second": np.array(self._rate),
            "trained": np.array(self.trained),
        }
        for number, moment in enumerate(self._moments):
            frame |= named(f"moment{number}", moment)
        if weights and self._step:
            frame |= named("step", self._step.arrays())
        for sent in (self._rows, self._moments, self._changes):
            sent.clear()
        if self._hear:
            self._hear(frame)
        send(self._stream, {**frame, **words})
        now = time.monotonic()
        self._numbers_due = begin + NUMBERS_EVERY
        if weights:
            self._weights_due = begin + max(WEIGHTS_EVERY, 10 * (now - begin))
