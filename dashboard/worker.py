"""The child process that trains: one request comes in, then orders; what training sees goes out.

``child.py`` runs it as ``python -m dashboard.worker``, a process of its own: the children of
multiprocessing would first run the Streamlit script again. The end of stdin means the end: it
comes when the server closes it, and when the server dies. What was computed by then is kept in
the training's file, if it has one.
"""

import json
import os
import queue
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain
from typing import IO, Final

from dashboard.frames import Frame, receive
from dashboard.kept import Keeper
from dashboard.limits import RUN_LIMIT
from dashboard.modest import modest, why
from dashboard.outbox import Outbox
from dashboard.places import State
from dashboard.seen import Seen
from rnnviz.config import TrainConfig
from rnnviz.train import Moment, TrainStep, train

GRACE: Final = 2.0
"""Seconds that a step may still take when nobody waits for it any more."""

Orders = queue.SimpleQueue[Frame | None]
"""What the server asks for on the way; None for the end."""


def main() -> None:
    """Train as the request and the orders ask, until it is done or stdin ends."""
    modest()
    requests, frames = streams()
    request = receive(requests)
    if request is None:
        return
    orders: Orders = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(requests, orders), daemon=True).start()
    seen = Seen.from_arrays(request)
    outbox = Outbox(frames, seen.trained, seen.hear)
    keeper = Keeper(str(request["kept"]), seen, _config(request, "wanted"))
    end, sentence = _end_of(request, orders, outbox, keeper)
    with suppress(BrokenPipeError):  # nobody is left to hear of it
        try:
            outbox.post(weights=True, end=end, sentence=sentence)
        except MemoryError:  # the weights that were sent before are what is left
            outbox.post(weights=False, end=end, sentence=sentence)
    keeper.keep(end, sentence)  # last: whoever says Stop does not wait for the disk


def _end_of(request: Frame, orders: Orders, outbox: Outbox, keeper: Keeper) -> tuple[State, str]:
    try:
        return Training(request, orders, outbox, keeper).run()
    except BrokenPipeError:
        return "interrupted", ""
    except (ValueError, MemoryError) as error:
        return "failed", why(error)


class Training:
    """Steps, taken one by one between orders."""

    def __init__(self, request: Frame, orders: Orders, outbox: Outbox, keeper: Keeper) -> None:
        self._orders, self._outbox, self._keeper = orders, outbox, keeper
        self._config = keeper.seen.configs[-1][1]
        self._left = float(request["take"])
        self._obeyed = int(request["order"])
        self._told = -1
        self._going, self._stops = True, False
        self._unkept = ""
        self._last: TrainStep | Moment | None = keeper.seen.last
        self._steps = self._train()

    def run(self) -> tuple[State, str]:
        """How training ended, and in which words."""
        server = os.getppid()
        while os.getppid() == server:
            if not self._obey():
                break
            if not self._going:
                continue
            self._apply()
            if self._keeper.is_due:
                self._outbox.post(weights=True)
                self._keep("interrupted")
            step = next(self._steps, None)
            if step is None:
                return "finished", ""
            self._last = step
            self._outbox.add(step)
            if step.fault:
                return "diverged", step.fault
            if step.reached or step.number + 1 >= self._config.iterations:
                return "finished", step.reached or ""
            self._left -= 1
            self._going = self._left > 0
        return ("stopped" if self._stops else "interrupted" if self._going else "paused"), ""

    def _obey(self) -> bool:
        """Do all orders there are, and wait for one while paused; False for the last."""
        if not self._going and self._told != self._obeyed:
            left = max(self._left, 0)
            self._outbox.post(weights=True)
            self._keep("paused")
            self._outbox.post(weights=False, paused=self._obeyed, left=left)
            self._told = self._obeyed
        try:
            order = self._orders.get(block=not self._going)
        except queue.Empty:
            return True
        if order is None:
            return False
        self._obeyed = int(order["order"])
        if "wanted" in order:
            self._keeper.wanted = _config(order, "wanted")
        if "stop" in order:
            self._stops = True
        if "pause" in order:
            self._going = False
        if "take" in order:
            self._left, self._going = float(order["take"]), True
            self._outbox.restart()
            self._keeper.begin()
        return self._obey()

    def _keep(self, state: State) -> None:
        """Have it on the disk as what is to be found there, and tell if that cannot be."""
        unkept = self._keeper.keep(state)
        if unkept != self._unkept:
            self._unkept = unkept
            self._outbox.post(weights=False, unkept=unkept)

    def _apply(self) -> None:
        """Go on with the settings that are wanted by now."""
        if self._keeper.wanted == self._config:
            return
        self._config = self._keeper.wanted
        number = 0 if self._last is None else _next(self._last)
        self._outbox.change(number, self._config)
        self._steps = self._train()

    def _train(self) -> Iterator[TrainStep]:
        clock = chain((0.0,), iter(self._spent, None)).__next__  # starts at 0, whatever was spent
        return train(self._config, self._last, RUN_LIMIT, clock)

    def _spent(self) -> float:
        return self._outbox.trained


def _next(last: TrainStep | Moment) -> int:
    return last.step if isinstance(last, Moment) else last.number + 1


def _config(frame: Frame, name: str) -> TrainConfig:
    return TrainConfig(**json.loads(str(frame[name])))


def _listen(requests: IO[bytes], orders: Orders) -> None:
    while order := receive(requests):
        orders.put(order)
    orders.put(None)
    time.sleep(GRACE)
    os._exit(1)


def streams() -> tuple[IO[bytes], IO[bytes]]:
    """Stdin, and what was stdout: whatever a library prints goes to stderr instead."""
    frames = open(os.dup(1), "wb", buffering=0)  # noqa: SIM115
    os.dup2(2, 1)
    return open(0, "rb", buffering=0, closefd=False), frames


if __name__ == "__main__":
    main()
    sys.stderr.flush()
    os._exit(0)  # a second spared: nothing here needs to be torn down
