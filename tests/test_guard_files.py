"""Uploads: few at once, of kinds that are read, by whose page it is, and never on the disk."""

import asyncio
from collections import Counter
from typing import Any

import pytest
from raw_page import form
from starlette.formparsers import MultiPartParser

from dashboard.guard.files import READ, Files, in_memory, is_read
from dashboard.limits import ALL_UPLOADS, UPLOAD_BYTES, UPLOADS
from dashboard.visitor import COOKIE


class Kept:
    """A server that keeps every file it gets, once all of them have begun to come."""

    def __init__(self) -> None:
        self.files: Counter[str] = Counter()
        self.bodies: list[bytes] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(0)
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message["body"], message["more_body"]
        self.bodies.append(body)
        if scope["method"] == "PUT":
            self.files[scope["path"].split("/")[-2]] += 1
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})


def asked(
    server: Kept,
    sessions: list[str],
    method: str = "PUT",
    name: str = "series.csv",
    who: str = "me",
    pieces: int = 1,
) -> list[tuple[int, bytes]]:
    """The answers to one request for each session, all at the same time."""
    arrived: dict[tuple[str, str], float] = {}
    guard = Files(server, lambda _: "me", lambda: dict(server.files), arrived)
    body, kind = form(name)
    size = -(-len(body) // pieces)

    async def one(number: int, session: str) -> tuple[int, bytes]:
        sent: list[Any] = []
        parts = [body[i : i + size] for i in range(0, len(body), size)]

        async def receive() -> Any:
            return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "method": method,
            "path": f"/_stcore/upload_file/{session}/{number}",
            "headers": [(b"content-type", kind.encode())],
            COOKIE: who,
        }
        await guard(scope, receive, send)
        return sent[0]["status"], sent[1]["body"]

    async def together() -> list[tuple[int, bytes]]:
        return list(await asyncio.gather(*(one(n, name) for n, name in enumerate(sessions))))

    return asyncio.run(together())


def statuses(*args: Any, **options: Any) -> list[int]:
    return [status for status, _ in asked(*args, **options)]


def test_a_session_holds_few_files_though_sixty_come_at_once() -> None:
    server = Kept()
    assert Counter(statuses(server, ["a"] * 60)) == {204: UPLOADS, 429: 60 - UPLOADS}
    assert server.files == {"a": UPLOADS}
    assert statuses(server, ["a", "b"]) == [429, 204]


def test_all_sessions_together_hold_a_bounded_number_of_files() -> None:
    found = statuses(Kept(), [f"s{number % 20}" for number in range(80)])
    assert Counter(found) == {204: ALL_UPLOADS, 429: 80 - ALL_UPLOADS}


def test_a_file_that_was_read_makes_room() -> None:
    server = Kept()
    statuses(server, ["a"] * UPLOADS)
    server.files.clear()
    assert statuses(server, ["a"]) == [204]


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.parametrize("who", ["another", ""])
def test_only_the_visitor_whose_page_it_is_may_put_or_take_away(method: str, who: str) -> None:
    server = Kept()
    assert statuses(server, ["a"], method, who=who) == [400]
    assert not server.bodies


@pytest.mark.parametrize("method", ["DELETE", "OPTIONS", "GET"])
def test_other_requests_of_the_visitor_pass(method: str) -> None:
    server = Kept()
    server.files["a"] = 100
    assert statuses(server, ["a"], method) == [204]


@pytest.mark.parametrize("name", ["evil.exe", "a.html", "a.svg", "a.csv.exe", "../../.bashrc", "x"])
def test_a_kind_that_is_not_read_is_refused_with_those_that_are(name: str) -> None:
    server = Kept()
    ((status, said),) = asked(server, ["a"], name=name)
    assert status == 415
    assert said.startswith(b"A file must be one of .safetensors, ")
    assert not server.bodies


@pytest.mark.parametrize(
    "name",
    ["../../x.csv", "con.csv", "a" * 300 + ".csv", "a\0.csv", "..\\x.NPZ", "é ü.txt", "a.xlsx"],
)
@pytest.mark.parametrize("pieces", [1, 7])
def test_what_is_read_arrives_whole_whatever_it_is_called(name: str, pieces: int) -> None:
    server = Kept()
    assert statuses(server, ["a"], name=name, pieces=pieces) == [204]
    ((_, body),) = [server.bodies[0].split(b"\r\n\r\n")]
    assert body.startswith(b"a,b\n1,2\n3,4\n")


def test_every_ending_that_the_pages_name_is_taken() -> None:
    assert all(is_read(f"file{ending}") for ending in READ)


def test_the_largest_upload_stays_in_memory() -> None:
    in_memory()
    assert MultiPartParser.spool_max_size == UPLOAD_BYTES
