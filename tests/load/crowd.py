"""Many visitors at once, each with a seed of its own."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import numpy as np

from .visitor import Answer, Visitor, visiting


@dataclass
class Crowd:
    """Visitors whose pages are open."""

    visitors: list[Visitor]
    opened: list[Answer]
    answers: list[Answer] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def __aenter__(self) -> "Crowd":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    @classmethod
    async def arrive(
        cls, address: str, size: int, first_seed: int = 100, *, alike: bool = False
    ) -> "Crowd":
        """All of them at the same moment; ``alike`` with the same seed."""
        stack = AsyncExitStack()

        async def one(seed: int) -> tuple[Visitor, Answer]:
            visitor = await stack.enter_async_context(visiting(address, seed=seed))
            return visitor, await visitor.load()

        try:
            seeds = [first_seed + (0 if alike else number) for number in range(size)]
            came = await asyncio.gather(*map(one, seeds))
        except BaseException:
            await stack.aclose()
            raise
        return cls([c[0] for c in came], [c[1] for c in came], _stack=stack)

    async def move(self, times: int, think: float) -> None:
        """Each moves the gain so often, with a pause before that is ``think`` s in the mean."""
        await asyncio.gather(*(self._moves(visitor, times, think) for visitor in self.visitors))

    async def keep_moving(self, until: Callable[[], Awaitable[object]], think: float) -> None:
        """The same for as long as something else takes."""
        moving = [asyncio.create_task(self._moves(v, 10**9, think)) for v in self.visitors]
        try:
            await until()
        finally:
            for task in moving:
                task.cancel()
            await asyncio.gather(*moving, return_exceptions=True)

    async def _moves(self, visitor: Visitor, times: int, think: float) -> None:
        drawn = random.Random(visitor.config.seed)
        place = drawn.randrange(73)
        for _ in range(times):
            if think:
                await asyncio.sleep(drawn.expovariate(1 / think))
            place += drawn.randrange(1, 60)
            try:
                self.answers.append(await visitor.move("gain", place))
            except Exception as error:  # what a visitor would see: counted, and told
                self.errors.append(f"{type(error).__name__}: {error}")
                return

    def waited(self, share: float, since: int = 0) -> float:
        """Seconds within which this share of the answers came."""
        return float(np.quantile([answer.seconds for answer in self.answers[since:]], share))
