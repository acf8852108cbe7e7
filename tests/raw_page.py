"""A page without a browser: its socket and its requests, byte by byte."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPResponse
from typing import Any
from urllib.parse import urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

STREAM = "/_stcore/stream"
PAGE = {"Accept": "text/html"}


@dataclass(frozen=True)
class Answer:
    """What came back of a request."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")


def ask(address: str, path: str, method: str = "GET", body: bytes = b"", **headers: str) -> Answer:
    """One request, whose path goes out as it is; header names have `_` for `-`."""
    parts = urlsplit(address)
    connection = HTTPConnection(str(parts.hostname), parts.port, timeout=20)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.putrequest(method, path, skip_host="Host" in named, skip_accept_encoding=True)
    for name, value in named.items():
        connection.putheader(name, value)
    if body or method in {"PUT", "POST"}:
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body or None)
    answer: HTTPResponse = connection.getresponse()
    found = Answer(
        answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    )
    connection.close()
    return found


@dataclass
class RawPage:
    """An open page: what it heard last, by kind."""

    socket: ClientConnection
    cookie: str
    heard: list[ForwardMsg] = field(default_factory=list)

    @property
    def session(self) -> str:
        told = [m for m in self.heard if m.WhichOneof("type") == "new_session"]
        return str(told[-1].new_session.initialize.session_id)

    def run(self, *states: WidgetState, query: str = "", **more: Any) -> list[Any]:
        """Have the page drawn with these values; the elements that came, until it was done."""
        said = ClientState(
            query_string=query, widget_states=WidgetStates(widgets=list(states)), **more
        )
        self.socket.send(BackMsg(rerun_script=said).SerializeToString())
        return self.wait()

    def wait(self) -> list[Any]:
        """The elements that come until a run ends."""
        come: list[Any] = []
        is_drawn = False
        while True:
            message = ForwardMsg.FromString(self.socket.recv(timeout=30))  # type: ignore[arg-type]
            kind = message.WhichOneof("type")
            self.heard.append(message)
            if kind == "delta" and message.delta.WhichOneof("type") == "new_element":
                element = message.delta.new_element
                come.append(getattr(element, str(element.WhichOneof("type"))))
            is_drawn |= kind == "script_finished"
            if is_drawn and kind == "session_status_changed":
                return come

    def say(self, **said: Any) -> None:
        """Send one frame."""
        self.socket.send(BackMsg(**said).SerializeToString())

    def next_kind(self) -> str:
        """The kind of the next message."""
        message = ForwardMsg.FromString(self.socket.recv(timeout=20))  # type: ignore[arg-type]
        return str(message.WhichOneof("type"))

    def closed_with(self) -> int | None:
        """The code that the server closes with."""
        with suppress(ConnectionClosed):
            while True:
                self.socket.recv(timeout=20)
        return self.socket.protocol.close_code


def cookies(address: str) -> str:
    """What a browser that opens a page sends from then on."""
    answer = ask(address, "/", **PAGE)
    assert answer.status == 200, answer.text
    return answer.headers["set-cookie"].split(";")[0]


@contextmanager
def raw_page(
    address: str, cookie: str = "", session: str = "", path: str = STREAM, **options: Any
) -> Iterator[RawPage]:
    """A page's socket, of a visitor with this cookie, which may come back to a session."""
    asked = ["streamlit", "none", session] if session else ["streamlit"]
    with connect(
        address.replace("http", "ws") + path,
        subprotocols=[Subprotocol(name) for name in asked],
        additional_headers={"Cookie": cookie} if cookie else {},
        compression=None,
        max_size=None,
        ping_interval=None,
        **options,
    ) as opened:
        yield RawPage(opened, cookie)


def form(name: str, data: bytes = b"a,b\n1,2\n3,4\n") -> tuple[bytes, str]:
    """A file as a browser uploads it: the body, and its type."""
    mark = uuid.uuid4().hex
    head = (
        f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        f"Content-Type: application/octet-stream\r\n\r\n"
    )
    return (
        head.encode() + data + f"\r\n--{mark}--\r\n".encode(),
        f"multipart/form-data; boundary={mark}",
    )
