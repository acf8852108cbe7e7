"""How long visitors wait, and whether what they see is theirs: L1 to L4, L6, L7 and L10."""

import asyncio
import time
from contextlib import AsyncExitStack
from statistics import median
from typing import Final, Protocol

import numpy as np

from rnnviz.arrays import Array

from .crowd import Crowd
from .peer import plain
from .process import cpu_seconds
from .table import Row, at_least, at_most
from .truth import faults
from .visitor import Answer, RefusedError, Visitor, visiting

CLASS: Final = 30
SEATS: Final = 40
THINK: Final = 4.0
LONG: Final = {"hidden_size": 32, "steps": 60, "task": "adding", "iterations": 100_000}
"""A training that takes longer than anybody measures here."""


class Server(Protocol):
    """A running app."""

    @property
    def address(self) -> str: ...

    @property
    def pid(self) -> int: ...


ledger: list[Answer] = []
"""Every answer so far: L6 looks whether each was right."""


async def cost(served: Server, moves: int = 60) -> list[Row]:
    """L1: what one move of the gain costs the server, and a plain app like it, by turns.

    Where a plain app took 85 to 109 ms, 45 were asked of ours: half.
    """
    async with visiting(served.address, seed=1) as first:
        await first.load()
        for place in range(10):
            await first.move("gain", 7 * place)
    with plain() as peer:
        async with visiting(served.address) as visitor, visiting(peer.address) as other:
            await visitor.load()
            await other.load()
            async with visitor.fast_lane():
                before = _cpu_ms(served, peer)
                for place in range(3, moves + 3):
                    ledger.append(await visitor.move("gain", 7 * place + 3))
                    await other.move("gain", 7 * place + 3)
                ours, its = (_cpu_ms(served, peer) - before) / moves
    figure = f"CPU of the server a rerun, mean of {moves} moves of the gain, each computed"
    return [
        at_most("L1", figure, ours, 45, "ms", 1),
        at_most("L1", f"the same, of the {its:.0f} ms of a plain app", ours / its, 0.5, ""),
    ]


def _cpu_ms(*servers: Server) -> Array:
    return 1000 * np.array([cpu_seconds(server.pid) for server in servers])


async def a_class(served: Server, moves: int = 10, runs: int = 3) -> list[Row]:
    """L2: thirty visitors who think."""
    found, errors = [], 0
    for run in range(runs):
        async with await Crowd.arrive(served.address, CLASS, 100 * run) as crowd:
            await crowd.move(moves, THINK)
            found.append([crowd.waited(share) for share in (0.5, 0.95, 0.99)])
            errors += len(crowd.errors)
            ledger.extend(crowd.answers)
    half, most, worst = (median(times) for times in zip(*found, strict=True))
    who = f"{CLASS} visitors, thinking {THINK:g} s, {moves} moves each, median of {runs} runs"
    return [
        at_most("L2", f"{who}: half of the answers within", half, 0.5, "s"),
        at_most("L2", f"{who}: 95 % within", most, 0.5, "s"),
        at_most("L2", f"{who}: 99 % within", worst, 1.0, "s"),
        at_most("L2", f"{who}: errors", errors, 0, "", 0),
    ]


async def saturated(served: Server, seconds: float = 30) -> list[Row]:
    """L3: thirty visitors who never think.

    Where a plain app made 12 reruns a second, 20 were asked of ours: five thirds of it.
    """
    crowd, rate = await _without_pause(served, seconds)
    ledger.extend(crowd.answers)
    with plain() as peer:
        _, its = await _without_pause(peer, seconds / 2)
    figure = f"{CLASS} visitors without a pause: reruns"
    return [
        at_least("L3", figure, rate, 20, "a second"),
        at_least(
            "L3", f"the same, of the {its:.1f} a second of a plain app", rate / its, 1.67, "", 2
        ),
        at_most("L3", "the same: errors", len(crowd.errors), 0, "", 0),
    ]


async def _without_pause(served: Server, seconds: float) -> tuple[Crowd, float]:
    """A crowd that moved for so long, and how many reruns a second there were."""
    async with await Crowd.arrive(served.address, CLASS) as crowd:
        start = time.monotonic()
        await crowd.keep_moving(lambda: asyncio.sleep(seconds), 0)
        return crowd, len(crowd.answers) / (time.monotonic() - start)


async def rush(served: Server, runs: int = 3) -> list[Row]:
    """L4: thirty pages opened at the same moment."""
    took = []
    async with visiting(served.address) as first:
        await first.load()
    for run in range(runs):
        start = time.perf_counter()
        async with await Crowd.arrive(served.address, CLASS, 100 * run) as crowd:
            took.append(time.perf_counter() - start)
            ledger.extend(crowd.opened)
    figure = f"{CLASS} pages opened at once, each with its own seed: the last is drawn within"
    return [at_most("L4", f"{figure}, median of {runs}", median(took), 3, "s")]


async def apart(served: Server, reruns: int = 5000, size: int = CLASS) -> list[Row]:
    """L6: every chart that was ever sent is its visitor's own, to the bit."""
    places = range(3, 73, 7)
    async with visiting(served.address, seed=7) as alone:
        await alone.load()
        first = [await alone.move("gain", place) for place in places]
    async with await Crowd.arrive(served.address, size - 1) as crowd, AsyncExitStack() as lanes:
        for visitor in crowd.visitors:
            await lanes.enter_async_context(visitor.fast_lane())
        left = reruns - len(ledger) - 2 * len(first)
        while len(crowd.answers) < left and not crowd.errors:
            await crowd.move(min(20, 1 + left // size), 0)
        async with visiting(served.address, seed=7) as beside:
            await beside.load()
            again: list[Answer] = []

            async def repeat() -> None:
                again.extend([await beside.move("gain", place) for place in places])

            await crowd.keep_moving(repeat, 0)
    every = [*ledger, *first, *again, *crowd.answers]
    wrong = faults(every)
    came = [
        (v.drawn[which], seal)
        for v in crowd.visitors
        for which, seal in v.ahead.items()
        if which in v.drawn
    ]
    ahead = sum(drawn != seal for drawn, seal in came)
    differ = sum(a.charts != b.charts for a, b in zip(first, again, strict=True))
    count = f"of {len(every):,} reruns"
    return [
        at_most("L6", f"charts that are wrong or missing, {count}", wrong.total(), 0, "", 0),
        at_most("L6", f"of {len(came):,} charts of the fast lane, not the page's", ahead, 0, "", 0),
        at_most("L6", f"reruns that differ alone and beside {size - 1} busy", differ, 0, "", 0),
        at_most("L6", "errors", len(crowd.errors), 0, "", 0),
    ]


async def beside_training(served: Server, moves: int = 12, others: int = 15) -> list[Row]:
    """L7: what others wait while one trains, and while five want to."""
    within = {}
    async with await Crowd.arrive(served.address, others) as crowd:
        await crowd.move(2, 0)
        for trainers in (0, 1, 5):
            async with AsyncExitStack() as stack:
                said = await _train(served, trainers, stack)
                since = len(crowd.answers)
                await crowd.move(moves, THINK * others / CLASS)
                within[trainers] = crowd.waited(0.95, since)
        ledger.extend(crowd.answers)
    queued = sum("in the queue" in words for words in said)
    limit = min(0.5, 1.5 * within[0])
    who = f"95 % of the answers to {others} others come within"
    alone = f"{who}, {within[0]:.2f} s without training;"
    return [
        at_most("L7", f"{alone} one trains", within[1], round(limit, 3), "s"),
        at_most("L7", f"{alone} five want to", within[5], round(limit, 3), "s"),
        at_least("L7", "of five, those told their place in the queue", queued, 4, "", 0),
        at_most("L7", "errors", len(crowd.errors), 0, "", 0),
    ]


async def _train(served: Server, count: int, stack: AsyncExitStack) -> list[str]:
    """So many visitors who train, or wait for it, until the stack is left; what each is told."""
    said = []
    for seed in range(count):
        visitor = await stack.enter_async_context(
            visiting(served.address, "train", seed=seed, **LONG)
        )
        await visitor.load()
        await visitor.press("start")
        said.append(" ".join(visitor.page.words()))
        until = asyncio.Event()
        watching = asyncio.create_task(visitor.watch(until))
        stack.push_async_callback(_stop, visitor, watching, until)
    return said


async def _stop(visitor: Visitor, watching: asyncio.Task[None], until: asyncio.Event) -> None:
    until.set()
    await watching
    await visitor.press("stop")


async def full(
    served: Server, seats: int = SEATS, moves: int = 5, think: float = THINK
) -> list[Row]:
    """L10: one visitor more than there are places."""
    async with await Crowd.arrive(served.address, seats) as crowd:
        moving = asyncio.create_task(crowd.move(moves, think))
        await asyncio.sleep(think)
        start = time.perf_counter()
        refused = ""
        try:
            async with visiting(served.address):
                pass
        except RefusedError as error:
            refused = str(error)
        took = time.perf_counter() - start
        await moving
        ledger.extend(crowd.answers)
    told = "503" in refused and f"All {seats} places are taken" in refused
    return [
        Row("L10", f"visitor {seats + 1} of {seats}", "told so", "told so" if told else "in", told),
        at_most("L10", "the same: within", took, 1, "s"),
        at_most("L10", f"the {seats}: 95 % within", crowd.waited(0.95), 0.5, "s"),
        at_most("L10", "the same: errors", len(crowd.errors), 0, "", 0),
    ]
