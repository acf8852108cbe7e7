"""What nobody comes back for is let go, though nobody else comes either.

Streamlit frees a closed page's memory when the next one closes; and a file that no page read, when
its session ends.
"""

import asyncio
import gc
import signal
import time
from collections.abc import AsyncIterator, Callable, MutableMapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any

from streamlit.runtime import Runtime, get_instance

from dashboard.aside import give_back
from dashboard.child import end_all
from dashboard.guard.files import uploaded
from dashboard.guard.seats import Seats
from dashboard.kept import sweep_up
from dashboard.limits import LEFT_SECONDS, UPKEEP_SECONDS, UPLOAD_SECONDS

Lifespan = Callable[[Any], AbstractAsyncContextManager[None]]
Arrived = MutableMapping[tuple[str, str], float]
"""When each file came, by its session and its own name."""


def upkeep(seats: Seats, arrived: Arrived, forget: Callable[[], None]) -> Lifespan:
    """Look after it every few seconds for as long as the server lives; its children end first."""

    @asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[None]:
        sweep_up()
        looking = asyncio.create_task(_look_after(seats, arrived, forget))
        try:
            yield
        finally:
            end_all()  # every page is gone: nobody waits for this thread
            looking.cancel()
            with suppress(asyncio.CancelledError):
                await looking
            _end_well()

    return lifespan


def _end_well() -> None:
    """Have the process end with 0: uvicorn, when all is done, sends itself the signal once more."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})


async def _look_after(seats: Seats, arrived: Arrived, forget: Callable[[], None]) -> None:
    while True:
        await asyncio.sleep(UPKEEP_SECONDS)
        if let_go(seats, arrived, get_instance()):
            if not seats.taken:
                forget()
            gc.collect()
            give_back()


def let_go(seats: Seats, arrived: Arrived, runtime: Runtime) -> bool:
    """Close the sessions that were left too long ago, and drop the files that nothing read.

    Tells whether there were such sessions.
    """
    before = time.monotonic() - UPLOAD_SECONDS
    for session, file in [at for at, when in arrived.items() if when <= before]:
        del arrived[session, file]
        uploaded(runtime).remove_file(session, file)
    left = seats.forget(LEFT_SECONDS)
    for session in left:
        runtime.close_session(session)
    return bool(left)
