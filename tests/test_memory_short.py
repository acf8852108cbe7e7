"""Where memory is short: one sentence, what was computed is kept, and the next run works."""

import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from training_jobs import ENDLESS, Start, begun, ended, start_at_once

import rnnviz as rv
from dashboard.away import Away
from dashboard.modest import SHORT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="bounds of other processes")
start = pytest.fixture(start_at_once)


def leave(pid: int | None, nbytes: int) -> None:
    """Let a process take so many bytes of addresses more than it has."""
    assert pid
    taken = int(Path(f"/proc/{pid}/statm").read_text().split()[0]) * resource.getpagesize()
    _, most = resource.prlimit(pid, resource.RLIMIT_AS)
    resource.prlimit(pid, resource.RLIMIT_AS, (taken + nbytes, most))


@pytest.fixture
def away() -> Iterator[Away]:
    found = Away(1)
    yield found
    found.rest()


def test_a_run_without_room_is_one_sentence_and_its_process_goes_on(away: Away) -> None:
    small = rv.RunConfig(steps=11, hidden_size=7, batch_size=3, task="sine")
    away.run(small, lambda _: None)
    before = away._idle[0]._process.pid
    leave(before, 20 << 20)
    with pytest.raises(ValueError, match=f"^{SHORT}$"):
        away.run(small.replace(steps=500, hidden_size=200, batch_size=32), lambda _: None)
    assert away.run(small, lambda _: None).steps == 11
    assert away._idle[0]._process.pid == before


def test_a_training_without_room_fails_in_one_sentence_and_keeps_its_steps(start: Start) -> None:
    job = start(iterations=ENDLESS, hidden_size=128, steps=20, detail="everything")
    begun(job)
    leave(job.pid, 0)
    shown = ended(job)
    assert (shown.state, shown.sentence) == ("failed", SHORT)
    assert len(shown.history.rows) > 0


GRID = """
import resource, sys
import rnnviz as rv
from dashboard.limits import CHILD_BYTES
from dashboard.modest import modest
def table(*sizes):
    base = rv.TrainConfig(task="sine", batch_size=32, steps=500)
    knob = rv.Knob.of("hidden_size", sizes)
    return rv.sweep(rv.SweepConfig(base=base, knobs=[knob], seeds=[0, 1]), workers=1)
table(3, 4)  # BLAS takes its own share once
with open("/proc/self/statm") as file:
    taken = int(file.read().split()[0]) * resource.getpagesize()
bound = taken + (8 << 20)
assert bound < CHILD_BYTES + taken
resource.setrlimit(resource.RLIMIT_AS, (bound, bound))
modest()
assert resource.getrlimit(resource.RLIMIT_AS) == (bound, bound)
print(table(3, 200)[["hidden_size", "error"]].to_csv(index=False))
"""


def test_a_point_without_room_has_that_in_its_row_and_a_stricter_bound_stays() -> None:
    done = subprocess.run([sys.executable, "-c", GRID], capture_output=True, text=True, check=False)
    assert done.stdout.split("\n")[1:5] == [
        "3,",
        "3,",
        "200,there is not enough memory for it",
        "200,there is not enough memory for it",
    ], done.stderr
