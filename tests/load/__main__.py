"""Drive the app as a class would: ``python -m tests.load [L1 L6 ...]``; all of it by default.

Each scenario starts the app as the README does, on a free port, with a home of its own. Results
are printed as they come, and written to ``tests/load/results.md``; those of all of them to the
README too.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.browser.serving import Served, serving

from . import canary, memory, scenarios
from .table import Row, Table, machine, say

README = Path(__file__).parents[2] / "README.md"
RESULTS = Path(__file__).with_name("results.md")


async def _canary(served: Served) -> list[Row]:
    return await asyncio.to_thread(canary.seen, served)


SCENARIOS: dict[str, Callable[[Served], Awaitable[list[Row]]]] = {
    "L1": scenarios.cost,
    "L2": scenarios.a_class,
    "L3": scenarios.saturated,
    "L4": scenarios.rush,
    "L5": memory.held,
    "L7": scenarios.beside_training,
    "L8": _canary,
    "L9": memory.let_go,
    "L10": scenarios.full,
    "L6": scenarios.apart,
}
"""In the order in which they run: the last looks at what all of them were sent."""


def main(asked: list[str]) -> int:
    """Run scenarios by their names; 1 if a figure is missed."""
    if unknown := set(asked) - set(SCENARIOS):
        say(f"there is no {', '.join(sorted(unknown))}; choose from {', '.join(SCENARIOS)}")
        return 2
    table, start = Table(RESULTS), time.monotonic()
    say(machine())
    for name, measure in SCENARIOS.items():
        if not asked or name in asked:
            say(f"\n{name}, after {time.monotonic() - start:.0f} s")
            table.add(_run(name, measure))
    if not asked:
        table.put_into(README)
    say(f"\n{time.monotonic() - start:.0f} s; written to {RESULTS}")
    return 0 if all(row.holds for row in table.rows) else 1


def _run(name: str, measure: Callable[[Served], Awaitable[list[Row]]]) -> list[Row]:
    """One scenario on an app of its own; what stops it is told, and the others go on."""

    async def ask(served: Served) -> list[Row]:
        return await measure(served)

    with tempfile.TemporaryDirectory() as home, serving("dashboard/app.py", Path(home)) as served:
        try:
            return asyncio.run(ask(served))
        except Exception as error:
            said = f"{type(error).__name__}: {error}"[:200].replace("\n", " ")
            return [Row(name, "did not come to its end", "", said, holds=False)]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
