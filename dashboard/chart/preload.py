"""What draws charts starts loading with the page, a third of a second before its first rerun."""

from collections.abc import MutableMapping
from typing import Any, Final

from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard.chart.server import ADDRESS, PLOTLY, version

KINDS: Final = {
    PLOTLY: "rel=preload; as=script",
    "chart.css": "rel=preload; as=style",
    "chart.js": "rel=modulepreload",
    "film.js": "rel=modulepreload",
    "follow.js": "rel=modulepreload",
    "frame.js": "rel=modulepreload",
    "heat.js": "rel=modulepreload",
    "lane.js": "rel=modulepreload",
    "marks.js": "rel=modulepreload",
    "plotly.js": "rel=modulepreload",
    "wire.js": "rel=modulepreload",
}


def middleware() -> list[Middleware]:
    """What ``st.App(middleware=...)`` takes to show the first picture sooner."""
    return [Middleware(Preload)]


class Preload:
    """Names the charts' files in the header of each page, relative to it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.link = ", ".join(
            f"<{ADDRESS}/{version()}/{name}>; {kind}" for name, kind in KINDS.items()
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything through, with a ``Link`` on what is a page."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_link(message: Message) -> None:
            if _starts_a_page(message):
                MutableHeaders(scope=message).append("link", self.link)
            await send(message)

        await self.app(scope, receive, send_with_link)


def _starts_a_page(message: MutableMapping[str, Any]) -> bool:
    if message["type"] != "http.response.start":
        return False
    return MutableHeaders(scope=message).get("content-type", "").startswith("text/html")
