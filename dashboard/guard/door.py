"""The door: a page has a seat, says what it may, and comes back to no session but its own."""

import asyncio
from dataclasses import dataclass, field
from textwrap import fill
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard import visitor
from dashboard.guard import widgets
from dashboard.guard.frames import heard, session_of
from dashboard.guard.hosts import READS
from dashboard.guard.seats import Seat, Seats
from dashboard.limits import FRAME_BYTES

CORE: Final = "/_stcore/"
STREAM: Final = f"{CORE}stream"
HEALTH: Final = f"{CORE}health"
PROTOCOL: Final = "sec-websocket-protocol"
"""Streamlit's own, the proof that a page asks, and the session that is come back to."""
TOO_MUCH, WRONG, ELSEWHERE = 1009, 1002, 4001
"""Codes a socket is closed with: too large a frame, no frame, and a newer page of the visitor."""

DIALOG: Final = 46
"""Characters in a line of what a page that is not let in shows."""
FULL: Final = """<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><meta http-equiv="refresh" content="20">
<title>rnnviz is full</title><style>:root {{ color-scheme: light dark; }}
main {{ max-width: 34rem; margin: 20vh auto; padding: 0 1.5rem; line-height: 1.6;
font-family: system-ui, sans-serif; }}</style></head><body><main><h1>rnnviz is full</h1>
<p>{said}</p></main></body></html>"""


class Door:
    """Lets pages in while there are seats, and stands between each and its session."""

    def __init__(self, app: ASGIApp, seats: Seats) -> None:
        self.app, self._seats = app, seats
        self._sockets: dict[Seat, Socket] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what is no page and no socket of one."""
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send)
        elif scope["type"] == "http" and (refusal := self._refusal(scope)):
            await refusal(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    def _refusal(self, scope: Scope) -> Response | None:
        who = visitor.of(scope)
        if visitor.opens_page(scope) and not self._seats.hold(who):
            page = FULL.format(said=self._said())
            return HTMLResponse(page, 503, {"retry-after": "20", "cache-control": "no-store"})
        # A page that lost its seat asks for this before it tries again, and shows the answer.
        asks = who and scope["path"].endswith(HEALTH)
        if asks and self._seats.is_refused(who):
            return JSONResponse(fill(self._said(), DIALOG), 503)  # it reads nothing else
        # What our own pages ask for beside Streamlit's is computed for an open page alone.
        if scope["method"] not in READS and CORE not in scope["path"] and not self._is_seated(who):
            return PlainTextResponse("Only an open page may do this.", 403)
        return None

    def _is_seated(self, who: str) -> bool:
        return self._seats.quietest(who) is not None

    def _said(self) -> str:
        return (
            f"All {self._seats.limit} places are taken. This page tries again by itself, and opens "
            f"as soon as somebody closes theirs."
        )

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        who = visitor.of(scope)
        if not scope["path"].endswith(STREAM):  # a chart's
            refused = PlainTextResponse("Only an open page may do this.", 403)
            await (self.app if self._is_seated(who) else refused)(scope, receive, send)
            return
        session = _come_back_to(scope, self._seats, who)
        older = self._seats.of(session) if session else None
        if older is None and not self._seats.has_room(who):
            older = self._seats.quietest(who) if self._seats.is_held(who) else None
            if older is None:
                self._seats.refuse(who)
                await PlainTextResponse(self._said(), 503)(scope, receive, send)
                return
        seat = self._seats.sit(who, session)
        socket = self._sockets[seat] = Socket(seat, self._seats, receive, send)
        try:
            if older is not None:
                await self._sockets[older].leave()
            await socket.run(self.app, scope)
        finally:
            del self._sockets[seat]
            self._seats.rise(seat)
            socket.left.set()


@dataclass(eq=False)
class Socket:
    """One page's socket, as its session sees it."""

    seat: Seat
    seats: Seats
    receive_raw: Receive
    send_raw: Send
    left: asyncio.Event = field(default_factory=asyncio.Event)
    _running: asyncio.Task[None] | None = None
    _is_closed: bool = False
    _is_named: bool = False

    async def run(self, app: ASGIApp, scope: Scope) -> None:
        """Have a page and its session talk until one of them, or a newer page, ends it."""
        self._running = asyncio.create_task(self._talk(app, scope))
        try:
            await self._running
        except asyncio.CancelledError:
            if not self._is_closed:
                raise

    async def _talk(self, app: ASGIApp, scope: Scope) -> None:
        if not self._is_closed:
            await app(scope, self.receive, self.send)

    async def leave(self) -> None:
        """Close, because the same visitor has a newer page, and wait until the session is free."""
        await self._close(ELSEWHERE)
        if self._running is not None:
            self._running.cancel()
        await self.left.wait()

    async def receive(self) -> Message:
        """The next thing that the page may say."""
        while True:
            message = await self.receive_raw()
            if message["type"] != "websocket.receive":
                return message
            self.seat.heard = self.seats.clock()
            frame, code = self._heard(message.get("bytes"))
            if code is not None:
                await self._close(code)
                return {"type": "websocket.disconnect", "code": code}
            if frame is not None:
                return {"type": "websocket.receive", "bytes": frame}

    def _heard(self, frame: bytes | None) -> tuple[bytes | None, int | None]:
        """What goes on of a frame, or the code to close with."""
        if frame is None:
            return None, WRONG
        if len(frame) > FRAME_BYTES:
            return None, TOO_MUCH
        try:
            return heard(frame, widgets.of(self.seat.session)), None
        except ValueError:
            return None, WRONG

    async def send(self, message: Message) -> None:
        """Tell the page something, and note which session it is that speaks."""
        if self._is_closed:
            return
        if message["type"] == "websocket.send" and not self._is_named:
            session = session_of(message["bytes"])
            if session is not None:
                self.seats.name(self.seat, session)
                self._is_named = True
        await self.send_raw(message)

    async def _close(self, code: int) -> None:
        if not self._is_closed:
            self._is_closed = True
            await self.send_raw({"type": "websocket.close", "code": code, "reason": ""})


def _come_back_to(scope: Scope, seats: Seats, who: str) -> str | None:
    """The session that a page asks for, if it is its own; another's is taken out of the request."""
    headers = MutableHeaders(scope=scope)
    said = [part.strip() for part in headers.get(PROTOCOL, "").split(",")]
    session = said[2] if len(said) > 2 else ""
    if session and who and seats.owner(session) == who:
        return session
    if len(said) > 2:
        headers[PROTOCOL] = ", ".join(said[:2])
    return None
