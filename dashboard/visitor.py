"""Who a visitor is: a secret that the browser keeps, so that a page loaded again is known.

Streamlit makes a new session at every reload. What survives one is a cookie: the page sets it,
and it comes back with the socket that the page opens. It is not in the link, no script can read
it, and it goes when the browser is closed. Two tabs of one browser are one visitor.
"""

import re
import secrets
from typing import Final

import streamlit as st
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard import session

COOKIE: Final = "rnnviz_visitor"
TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{22}")
"""128 random bits."""
# A Strict cookie is not sent when a page is opened from another site's link: it would be set anew
# then, and the visitor's runs be lost. A Lax one is, and is sent with no other request from there.
ATTRIBUTES: Final = "Path=/; HttpOnly; SameSite=Lax"


def token() -> str:
    """What only this visitor's browser knows; where it refuses cookies, only this session."""
    found: str | None = session.kept("visitor")
    if found is None:
        found = str(st.context.cookies.get(COOKIE, ""))
        if not TOKEN.fullmatch(found):
            found = secrets.token_urlsafe(16)
        session.keep("visitor", found)
    return found


def of(scope: Scope) -> str:
    """The token of whoever asks, be it as new as the answer; nothing where there is none."""
    return str(scope.get(COOKIE, ""))


def opens_page(scope: Scope) -> bool:
    """Whether somebody opens a page; an unchanged page's answer names no type."""
    if scope["type"] != "http" or scope["method"] != "GET":
        return False
    return "text/html" in Request(scope).headers.get("accept", "")


def middleware() -> list[Middleware]:
    """What ``st.App(middleware=...)`` takes so that visitors are known."""
    return [Middleware(Visitors)]


class Visitors:
    """Gives a browser that opens a page its token, unless it has one."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything through, with a ``Set-Cookie`` on what is a new visitor's page."""
        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        known = HTTPConnection(scope).cookies.get(COOKIE, "")
        if TOKEN.fullmatch(known):
            await self.app({**scope, COOKIE: known}, receive, send)
        elif opens_page(scope):
            await self._welcome(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _welcome(self, scope: Scope, receive: Receive, send: Send) -> None:
        secure = "; Secure" if scope.get("scheme") == "https" else ""
        new = secrets.token_urlsafe(16)

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                cookie = f"{COOKIE}={new}; {ATTRIBUTES}{secure}"
                MutableHeaders(scope=message).append("set-cookie", cookie)
            await send(message)

        await self.app({**scope, COOKIE: new}, receive, send_with_cookie)
