"""Pictures that follow a slider: made as at a rerun, and sent without one.

The browser asks with where the slider stands, and gets every word and picture of the page for it.
Nothing is kept of it: on release the page itself is run.
"""

from asyncio import Semaphore
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Final

import plotly.graph_objects as go
from cachetools import LRUCache
from pydantic import BaseModel, Field, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from dashboard.chart import Follow, message, words_of
from dashboard.chart.wire import addressed, bundle
from dashboard.guard.turns import turn

ADDRESS: Final = "rnnviz/follow"
MOST_BYTES: Final = 32 << 10
"""A request with more is not one of ours."""
PAGES: Final = 1000
"""Pages whose last request is known."""
OVERTAKEN: Final = 204
"""The answer to a request that a newer one of the same page has overtaken."""


class Asked(BaseModel, frozen=True, extra="forbid"):
    """Where a slider of a page stands."""

    token: str = Field(pattern=r"^[\w-]{1,64}$")
    """The page's."""
    at: int = Field(ge=0)
    """Which of the slider's places."""
    turn: int = Field(ge=0)
    """Of two requests of a page the newer has the higher."""
    seen: frozenset[str] | None = Field(None, max_length=64)
    """The pictures that are in view, by their keys; all of them if left out."""

    def sees(self, key: str) -> bool:
        """Whether a picture is in view, or any whose key begins so, where it ends in a dash."""
        if self.seen is None or key in self.seen:
            return True
        return key.endswith("-") and any(seen.startswith(key) for seen in self.seen)

    def parts(self) -> Iterator[bytes]:
        """Every word and every picture in view with the slider there, behind its place.

        Raises
        ------
        ValueError
            If nothing can be drawn there.
        """
        raise NotImplementedError


_newest: LRUCache[str, int] = LRUCache(PAGES)
_one_at_a_time = Semaphore(1)
"""Pictures are drawn by one thread: more of them would only take each other's time."""


def route(name: str, kind: type[Asked]) -> Route:
    """What ``st.App(routes=...)`` must offer for pictures to follow a kind of slider."""
    return Route(f"/{ADDRESS}/{name}", _served(kind), methods=["POST"])


def follow(name: str, sliders: str, **send: Any) -> Follow:
    """What a page's first picture says: who answers, for which sliders, and what to send along.

    Parameters
    ----------
    name : the route's
    sliders : how their keys begin
    send : the fields of ``Asked`` but for ``at`` and ``turn``
    """
    return {"to": name, "sliders": sliders, "send": send}


def part(key: str, figure: go.Figure, token: str, **more: Any) -> bytes:
    """A picture behind its place, to the byte what a rerun sends of it but for its turn.

    ``more`` are what the page hands to ``message`` beside the words.
    """
    said = message(figure, key=key, **words_of(figure), lane=token, **more)
    return addressed(key, said)


def _served(kind: type[Asked]) -> Callable[[Request], Awaitable[Response]]:
    async def serve(request: Request) -> Response:
        # Of this type a browser sends nothing for another site without asking here first.
        if request.headers.get("content-type") != "application/json":
            return PlainTextResponse("The request must be JSON.", 415)
        if int(request.headers.get("content-length", MOST_BYTES + 1)) > MOST_BYTES:
            return PlainTextResponse(f"The request must have at most {MOST_BYTES:,} bytes.", 413)
        try:
            asked = kind.model_validate_json(await request.body())
        except ValidationError as error:
            return PlainTextResponse(f"The request is not one: {error.errors()[0]['msg']}.", 400)
        return await _answer(asked)

    return serve


async def _answer(asked: Asked) -> Response:
    _newest[asked.token] = max(asked.turn, _newest.get(asked.token, 0))
    async with _one_at_a_time:
        if asked.turn < _newest.get(asked.token, 0):
            return Response(status_code=OVERTAKEN)
        try:
            answer = await run_in_threadpool(turn()(lambda: bundle(asked.parts())))
        except ValueError as error:
            return PlainTextResponse(f"Nothing was drawn: {error}.", 422)
    return Response(answer, media_type="application/octet-stream")
