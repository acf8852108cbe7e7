"""What every answer tells the browser: take nothing from elsewhere, and be shown nowhere else."""

import re
from typing import Final

from starlette.datastructures import Headers as Received
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SAID: Final = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "SAMEORIGIN",
    # A link carries the settings: another site that a page leads to need not know them.
    "referrer-policy": "same-origin",
}
# Streamlit and Plotly write styles into the page, and a component's script comes from a blob.
POLICY: Final = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
    "connect-src 'self'{sockets}; worker-src 'self' blob:; object-src 'none'; base-uri 'self'; "
    "form-action 'self'; frame-ancestors 'self'"
)
ANSWERS: Final = frozenset({"http.response.start", "websocket.http.response.start"})
_PLAIN: Final = re.compile(r"[\w.-]+(:\d+)?|\[[0-9A-Fa-f:.]+\](:\d+)?", re.ASCII)


class Headers:
    """Writes them into each answer, whoever gives it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything through, with the headers on what is an answer."""
        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        said = SAID | {"content-security-policy": policy(Received(scope=scope).get("host", ""))}

        async def send_with_headers(message: Message) -> None:
            if message["type"] in ANSWERS:
                MutableHeaders(scope=message).update(said)
            await send(message)

        await self.app(scope, receive, send_with_headers)


def policy(host: str) -> str:
    """Where a page may take what from; ``'self'`` means its sockets too, but not to every browser.

    Examples
    --------
    >>> "connect-src 'self' ws://localhost:8501 wss://localhost:8501;" in policy("localhost:8501")
    True
    """
    sockets = f" ws://{host} wss://{host}" if _PLAIN.fullmatch(host) else ""
    return POLICY.format(sockets=sockets)
