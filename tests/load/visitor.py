"""One visitor: the socket that a browser opens, and what it sends over it."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect

from dashboard.chart.server import ADDRESS
from dashboard.chart.wire import TURN_BYTES, decode
from rnnviz import TrainConfig
from rnnviz.fields import stops

from .page import Page, fingerprint, pressed

PATIENCE: Final = 60.0
"""Seconds after which an answer is said to be missing."""
SOCKET: Final[dict[str, Any]] = {
    "compression": None,
    "ping_interval": None,
    "max_size": None,
    "max_queue": None,  # or one that is left in the middle of an answer is closed only after 10 s
}


class RefusedError(Exception):
    """The server did not let a visitor in; says how it put that."""


@dataclass(frozen=True)
class Answer:
    """What came back of one request, and when."""

    config: TrainConfig
    """What was asked for."""
    seconds: float
    charts: Mapping[str, bytes]
    """Each chart's fingerprint, by its key."""


@dataclass
class Visitor:
    """A page that is open, with the settings that it was brought to."""

    address: str
    cookie: dict[str, str]
    socket: ClientConnection
    config: TrainConfig
    name: str
    page: Page = field(default_factory=Page)
    fragments: dict[str, float] = field(default_factory=dict)
    """Parts of the page that the clock draws again, with the seconds between."""
    ahead: dict[tuple[str, bytes], bytes] = field(default_factory=dict)
    """What came by the fast lane: fingerprints by key and turn."""
    drawn: dict[tuple[str, bytes], bytes] = field(default_factory=dict)
    """What came with the page, in the same way."""

    async def load(self) -> Answer:
        """Ask for the page as it is first opened."""
        return await self._ask()

    async def move(self, name: str, place: int) -> Answer:
        """Move a setting's slider to one of its stops, counted around."""
        slider = self.page.widget(f"set-{name}")
        text = slider.options[place % len(slider.options)]
        known = {f"{stop:,.6g}": stop for stop in stops(TrainConfig.model_fields[name])}
        value = known.get(text, float(text.replace(",", "")))  # an end may lie beside its stops
        self.config = self.config.replace(**{name: value})
        state = WidgetState(id=slider.id)
        state.string_array_value.data.append(text)
        self.page.values[slider.id] = state
        return await self._ask()

    async def press(self, key: str) -> Answer:
        """Press a button."""
        return await self._ask(pressed(self.page.widget(key)))

    async def watch(self, until: asyncio.Event) -> None:
        """Have the clock draw its parts of the page again, as an open page does."""
        while not until.is_set():
            part, every = next(iter(self.fragments.items()), ("", 0.25))
            with suppress(TimeoutError):
                await asyncio.wait_for(until.wait(), every)
            if part and not until.is_set():
                await self._ask(part=part)

    @asynccontextmanager
    async def fast_lane(self) -> AsyncIterator[None]:
        """Listen to the pictures that come ahead of the page, as the page's script does."""
        token = decode(next(iter(self.page.charts().values())))["lane"]
        address = f"{self.address.replace('http', 'ws')}/{ADDRESS}/lane/{token}"
        async with connect(address, additional_headers=self.cookie, **SOCKET) as lane:
            listening = asyncio.create_task(self._listen(lane))
            yield
            with suppress(TimeoutError):
                await asyncio.wait_for(self._caught_up(), 5)
            await lane.close()
            await listening

    async def _listen(self, lane: ClientConnection) -> None:
        async for picture in lane:
            assert isinstance(picture, bytes)
            end = 1 + picture[0]
            self._keep(self.ahead, picture[1:end].decode(), picture[end:])

    async def _caught_up(self) -> None:
        while not all((key, turn) in self.ahead for key, turn in list(self.drawn)[-1:]):
            await asyncio.sleep(0.01)

    def _keep(self, where: dict[tuple[str, bytes], bytes], key: str, payload: bytes) -> bytes:
        seal = where[key, payload[:TURN_BYTES]] = fingerprint(payload)
        return seal

    async def _ask(self, *said: WidgetState, part: str = "") -> Answer:
        asked = BackMsg()
        run = asked.rerun_script
        run.query_string, run.page_name = self.page.query, self.name
        run.widget_states.CopyFrom(self.page.states(*said))
        run.cached_message_hashes.extend(self.page.known)
        run.context_info.color_scheme = "light"
        run.fragment_id, run.is_auto_rerun = part, bool(part)
        start = time.perf_counter()
        await self.socket.send(asked.SerializeToString())
        await asyncio.wait_for(self._answer(), PATIENCE)
        seconds = time.perf_counter() - start
        charts = {k: self._keep(self.drawn, k, sent) for k, sent in self.page.charts().items()}
        return Answer(self.config, seconds, charts)

    async def _answer(self) -> None:
        """Read until a run has gone to its end; one that was cut short is followed by another."""
        self.page.begin()
        while True:
            message = ForwardMsg.FromString(await self.socket.recv())
            match message.WhichOneof("type"):
                case "new_session":
                    self.page.begin()
                case "auto_rerun":
                    self.fragments = {message.auto_rerun.fragment_id: message.auto_rerun.interval}
                case "stop_auto_rerun":
                    self.fragments.pop(message.stop_auto_rerun.fragment_id, None)
                case "script_finished":
                    how = message.script_finished
                    if how != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                        self.page.end(whole=how == ForwardMsg.FINISHED_SUCCESSFULLY)
                        return
                case _:
                    self.page.hear(message)


@asynccontextmanager
async def visiting(address: str, name: str = "", **settings: object) -> AsyncIterator[Visitor]:
    """A page on whose socket nothing has been asked yet, of a link with some settings."""
    cookie = await asyncio.to_thread(_knock, urlsplit(address).netloc)
    stream = f"{address.replace('http', 'ws')}/_stcore/stream"
    async with connect(
        stream, subprotocols=["streamlit"], additional_headers=cookie, **SOCKET
    ) as socket:
        visitor = Visitor(address, cookie, socket, TrainConfig(**settings), name)
        visitor.page.query = urlencode(settings)
        yield visitor


def _knock(host: str) -> dict[str, str]:
    """Open the page itself, as a browser does first; what it is to be known by."""
    connection = HTTPConnection(host, timeout=PATIENCE)
    try:
        connection.request("GET", "/", headers={"accept": "text/html"})
        answer = connection.getresponse()
        body = answer.read().decode()
    finally:
        connection.close()
    if answer.status != 200:
        raise RefusedError(f"{answer.status}: {body}")
    return {"cookie": (answer.headers["set-cookie"] or "").partition(";")[0]}
