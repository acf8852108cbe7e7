"""A visitor's fast lane: pictures reach the browser as they are computed, ahead of their page.

Streamlit hands a rerun to React when most of its messages are there, and React renders the whole
page before the first picture is redrawn. Through its own socket a picture comes earlier; when the
page then brings the same picture there is nothing left to do. Without the socket nothing is lost.
"""

import asyncio
from contextlib import suppress
from typing import Final, NamedTuple

from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from dashboard.chart.server import ADDRESS
from dashboard.chart.wire import addressed

WAITING: Final = 32
"""Pictures that may wait for a slow connection; later ones come with the page alone."""


class Lane(NamedTuple):
    """Where an open socket waits for pictures."""

    loop: asyncio.AbstractEventLoop
    pictures: asyncio.Queue[bytes]


_lanes: dict[str, Lane] = {}


def lanes() -> list[WebSocketRoute]:
    """The sockets' address: who knows a visitor's token sees that visitor's pictures."""
    return [WebSocketRoute(f"/{ADDRESS}/lane/{{token}}", _serve)]


def send(token: str, key: str, payload: bytes) -> None:
    """Put a picture on a visitor's lane, if one is open; called from any thread."""
    if lane := _lanes.get(token):
        with suppress(RuntimeError):  # the server has stopped
            lane.loop.call_soon_threadsafe(_put, lane, addressed(key, payload))


def _put(lane: Lane, picture: bytes) -> None:
    with suppress(asyncio.QueueFull):
        lane.pictures.put_nowait(picture)


async def _serve(socket: WebSocket) -> None:
    token = socket.path_params["token"]
    await socket.accept()
    lane = _lanes[token] = Lane(asyncio.get_running_loop(), asyncio.Queue(WAITING))
    sending = asyncio.create_task(_send(socket, lane))
    try:
        while (await socket.receive())["type"] != "websocket.disconnect":
            pass  # a page has nothing to say here
    finally:
        sending.cancel()
        if _lanes.get(token) is lane:
            del _lanes[token]


async def _send(socket: WebSocket, lane: Lane) -> None:
    while True:
        await socket.send_bytes(await lane.pictures.get())
