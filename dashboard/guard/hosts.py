"""Which names the server answers to, and from which pages.

A page of another site can have its own name lead to this machine and then read what is served
here as its own. What gives it away is the name: it asks for itself. An address in numbers cannot
be led anywhere else.
"""

from collections.abc import Collection
from fnmatch import fnmatchcase
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from dashboard.guard.settings import HOSTS

READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class Hosts:
    """Refuses (403) what was sent to another name, or by a page of another site."""

    def __init__(self, app: ASGIApp, names: Collection[str] = ()) -> None:
        self.app, self._names = app, names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what was sent here from here."""
        if scope["type"] in {"http", "websocket"} and (refused := self._refusal(scope)):
            await PlainTextResponse(refused, 403)(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    def _refusal(self, scope: Scope) -> str | None:
        headers = Headers(scope=scope)
        host, origin = headers.get("host", ""), headers.get("origin")
        if not is_here(host, self._names):
            return (
                f"This server answers to localhost, to addresses in numbers and to the names in "
                f"{HOSTS}, not to {host[:60]!r}."
            )
        acts = scope["type"] == "websocket" or scope["method"] not in READS
        if acts and origin is not None and not is_own(origin, host, self._names):
            return f"Only pages of this server may do this, not those of {origin[:60]!r}."
        return None


def is_here(host: str, names: Collection[str]) -> bool:
    """Whether a ``Host`` is this server's.

    Examples
    --------
    >>> [is_here(host, ()) for host in ("localhost:8501", "[::1]:8501", "attacker.example")]
    [True, True, False]
    >>> is_here("rnn.example.org", ("*.example.org",))
    True
    """
    name = _name(f"//{host}")
    if name is None:
        return False
    return name == "localhost" or _is_address(name) or _is_one_of(name, names)


def is_own(origin: str, host: str, names: Collection[str]) -> bool:
    """Whether a page's ``Origin`` is the host it asks, or a name that the server is reached by."""
    name = _name(origin)
    if name is None:
        return False
    return urlsplit(origin).netloc.lower() == host.lower() or _is_one_of(name, names)


def _name(address: str) -> str | None:
    """The host of an address without its port; None where it says more than a host and a port."""
    try:
        parts = urlsplit(address)
        name, _ = parts.hostname, parts.port
    except ValueError:
        return None
    more = parts.path or parts.query or parts.fragment or "@" in parts.netloc
    return None if more or not name else name.rstrip(".")


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _is_one_of(name: str, names: Collection[str]) -> bool:
    return any(fnmatchcase(name, allowed) for allowed in names)
