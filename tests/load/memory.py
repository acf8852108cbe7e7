"""How much the server keeps: L5 and L9."""

import asyncio
import random
import time

from dashboard.limits import LEFT_SECONDS

from .crowd import Crowd
from .process import megabytes
from .scenarios import CLASS, Server, ledger
from .table import Row, at_most
from .visitor import visiting

BACK_TO = 60.0
"""Megabytes above an idle server that closed pages may leave."""
BUDGET = 60.0
"""Seconds that random sizes are tried for."""


async def held(served: Server, reruns: int = 500, visits: int = 200) -> list[Row]:
    """L5: memory of pages that are open, of reruns, and of pages that were closed."""
    await _visit(served, 0)
    alone = megabytes(served.pid)
    async with await Crowd.arrive(served.address, CLASS, 0, alike=True):
        idle = (megabytes(served.pid) - alone) / CLASS
    async with await Crowd.arrive(served.address, CLASS) as crowd:
        await crowd.move(3, 0)
        whole = megabytes(served.pid)
        ledger.extend(crowd.answers)
    return [
        at_most("L5", "memory of an idle page, where all show the same run", idle, 1.5, "MB"),
        at_most(
            "L5",
            f"the whole server at {CLASS} pages, each with runs of its own",
            whole,
            450,
            "MB",
            0,
        ),
        await _opened(served, visits),
        await _again(served, reruns),
        await _sizes(served, reruns),
    ]


async def _visit(served: Server, seed: int) -> None:
    async with visiting(served.address, seed=seed) as visitor:
        ledger.append(await visitor.load())


async def _opened(served: Server, visits: int) -> Row:
    await _visit(served, 0)
    before = megabytes(served.pid)
    for _ in range(visits):
        await _visit(served, 0)
    return at_most("L5", f"{visits} visits add", megabytes(served.pid) - before, 5, "MB", 1)


async def _again(served: Server, reruns: int) -> Row:
    async with visiting(served.address, seed=500) as visitor:
        await visitor.load()
        for rerun in range(reruns):
            if rerun == 20:
                before = megabytes(served.pid)
            ledger.append(await visitor.move("gain", 7 * rerun))
        added = megabytes(served.pid) - before
    return at_most("L5", f"reruns 20 to {reruns} of one page add", added, 15, "MB", 1)


async def _sizes(served: Server, reruns: int) -> Row:
    """Random sizes, as many as the time allows."""
    drawn, end, done = random.Random(0), time.monotonic() + BUDGET, 0
    before = most = megabytes(served.pid)
    async with visiting(served.address, seed=501) as visitor:
        await visitor.load()
        while done < reruns and time.monotonic() < end:
            name = drawn.choice(("hidden_size", "steps"))
            await visitor.move(name, drawn.randrange(1000))
            most = max(most, megabytes(served.pid))
            done += 1
    return at_most("L5", f"{done} reruns of random sizes add", most - before, 150, "MB", 0)


async def let_go(served: Server) -> list[Row]:
    """L9: what thirty pages with results leave, when nobody comes after them."""
    await _visit(served, 0)
    idle = megabytes(served.pid)
    async with await Crowd.arrive(served.address, CLASS) as crowd:
        await crowd.move(10, 0)
    end = time.monotonic() + LEFT_SECONDS + 30
    while (left := megabytes(served.pid) - idle) > BACK_TO and time.monotonic() < end:
        await asyncio.sleep(1)
    within = f"within {LEFT_SECONDS + 30:g} s"
    return [at_most("L9", f"{CLASS} closed pages leave, {within}", left, BACK_TO, "MB", 0)]
