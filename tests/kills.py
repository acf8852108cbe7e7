"""Servers that are killed while they train and save, again and again: nothing kept is lost.

``python -m tests.kills 60`` does sixty; the suite does a few. A server here is a process that holds
a visitor's runs, without pages: what is killed, and what is left behind, is the same.
"""

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np

from dashboard import kept
from dashboard.frames import packed
from rnnviz.config import TrainConfig
from rnnviz.runfile import load_run
from rnnviz.train import train

ROOT = Path(__file__).parents[1]
TOKEN = "A" * 22
CONFIG = TrainConfig(task="adding", steps=11, batch_size=3, hidden_size=7, iterations=100_000)
LOST_SECONDS = 5.0
ORPHAN_SECONDS = 3.0

TRAINS = f"""
import json, time
from dashboard import kept
from dashboard.runs import Runs
from rnnviz.config import TrainConfig
kept.sweep_up()
runs = Runs.of("{TOKEN}")
found = [(len(job.poll().history.rows), job.state) for job in runs.jobs]
config = TrainConfig(**json.loads('{CONFIG.model_dump_json()}'))
job = runs.jobs[0] if runs.jobs else runs.start(config)
job.resume()
print(json.dumps({{"found": found, "unread": runs.unread}}), flush=True)
while True:
    shown = job.poll()
    told = {{"steps": shown.step.number + 1 if shown.step else 0, "pid": job.pid}}
    print(json.dumps(told | {{"state": shown.state}}), flush=True)
    time.sleep(0.02)
"""

SAVES = """
import itertools, os, sys, rnnviz as rv
record = rv.run(rv.RunConfig(steps=60, hidden_size=32))
for n in itertools.count():
    rv.save_run(os.path.join(sys.argv[1], "a.safetensors"), record, name=str(n))
    print(n, flush=True)
"""


@dataclass
class Killer:
    """Kills what it starts, and holds what is found against what had been told by then."""

    home: Path
    draw: random.Random = field(default_factory=lambda: random.Random(0))
    steps: int = 0
    """Of the training, as far as any server told of it."""

    def train(self, seconds: float, *, child_first: bool = False) -> None:
        """Train on where the last server left, and kill that after so long.

        With ``child_first`` the training process is killed before it, as a machine without power
        does: only what had been written by then is left.
        """
        with self._started(TRAINS) as server:
            assert server.stdout
            opened = json.loads(server.stdout.readline())
            assert opened["unread"] == []
            assert [state for _, state in opened["found"]] in ([], ["interrupted"])
            assert all(steps >= self.steps for steps, _ in opened["found"])
            assert not [*kept.root().glob("*/.*")], "something half is left"
            told: list[tuple[float, int]] = []
            begun, pid = None, None
            for line in server.stdout:
                now, said = time.monotonic(), json.loads(line)
                assert said["state"] in ("queued", "running"), said
                if said["steps"] > self.steps:
                    begun, pid = begun or now, said["pid"]
                told.append((now, said["steps"]))
                if begun and now - begun > seconds:
                    break
            assert pid
            if child_first:
                os.kill(pid, signal.SIGKILL)
            server.kill()
            killed = time.monotonic()
        while _is_alive(pid):
            assert time.monotonic() - killed < ORPHAN_SECONDS, "a child outlived its server"
            time.sleep(0.01)
        had_to_be_there = killed - LOST_SECONDS if child_first else killed
        self._check(max((n for at, n in told if at <= had_to_be_there), default=self.steps))

    def _check(self, least: int) -> None:
        """What is on the disk is whole, and no step that had to be there is missing."""
        (path,) = kept.Shelf.of(TOKEN).paths()
        found = kept.read(path)
        assert found.state == "interrupted"
        assert found.seen.next_step == len(found.seen.history.rows) >= max(least, self.steps)
        self.steps = found.seen.next_step

    def same_as_never_killed(self) -> None:
        """All that is kept is, to the bit, that of a training which nothing interrupted."""
        (path,) = kept.Shelf.of(TOKEN).paths()
        found = kept.read(path).seen
        *_, last = rows = [*islice(train(CONFIG), self.steps)]
        expected = np.array([step.row for step in rows])
        assert np.array_equal(found.history.rows, expected, equal_nan=True)
        assert found.step
        ours, theirs = (step.arrays() | {"row": np.zeros(0)} for step in (found.step, last))
        assert packed(ours) == packed(theirs)

    def save(self, seconds: float) -> None:
        """Save again and again, and kill that after so long."""
        with self._started(SAVES, self.home) as saving:
            assert saving.stdout
            last, began = int(saving.stdout.readline()), time.monotonic()
            while time.monotonic() - began < seconds:
                last = int(saving.stdout.readline())
            saving.kill()
        assert int(load_run(self.home / "a.safetensors").name) >= last

    def some(self, training: int, saving: int, longest: float = 1.0) -> None:
        """So many kills of each, after random times; one in four takes the child first."""
        for n in range(training):
            child_first = n % 4 == 1
            least = LOST_SECONDS + 0.5 if child_first else 0.0
            self.train(least + self.draw.uniform(0, longest), child_first=child_first)
        for _ in range(saving):
            self.save(self.draw.uniform(0, longest))
        self.same_as_never_killed()

    def _started(self, script: str, *words: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", script, *map(str, words)]
        return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def main() -> None:
    """As many kills as asked: half of them while training."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    with tempfile.TemporaryDirectory() as home:
        os.environ["XDG_STATE_HOME"] = home
        killer = Killer(Path(home))
        killer.some(count - count // 2, count // 2, longest=3.0)
        sys.stdout.write(f"{count} kills, {killer.steps:,} steps: nothing that was kept is lost\n")


if __name__ == "__main__":
    main()
