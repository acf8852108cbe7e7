"""Uploads: few at once for a session and for all, and none of them on the disk."""

import asyncio
from collections import Counter
from typing import Any

import pytest
from starlette.formparsers import MultiPartParser

from dashboard.limits import ALL_UPLOADS, UPLOAD_BYTES, UPLOADS
from dashboard.upload_guard import UploadGuard, middleware


class Files:
    """A server that keeps every file it gets, once all of them have begun to come."""

    def __init__(self) -> None:
        self.kept: Counter[str] = Counter()

    async def __call__(self, scope: Any, _receive: Any, send: Any) -> None:
        await asyncio.sleep(0)
        if scope["method"] == "PUT":
            self.kept[scope["path"].split("/")[-2]] += 1
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})


def asked(files: Files, sessions: list[str], method: str = "PUT") -> list[int]:
    """The status of one request for each session, all at the same time."""
    guard = UploadGuard(files, held=lambda: dict(files.kept))

    async def one(number: int, session: str) -> int:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        path = f"/_stcore/upload_file/{session}/{number}"
        await guard({"type": "http", "method": method, "path": path}, None, send)  # type: ignore[arg-type]
        status: int = sent[0]["status"]
        return status

    async def together() -> list[int]:
        return list(await asyncio.gather(*(one(n, name) for n, name in enumerate(sessions))))

    return asyncio.run(together())


def test_a_session_holds_few_files_though_sixty_come_at_once() -> None:
    files = Files()
    assert Counter(asked(files, ["a"] * 60)) == {204: UPLOADS, 429: 60 - UPLOADS}
    assert files.kept == {"a": UPLOADS}
    assert asked(files, ["a", "b"]) == [429, 204]


def test_all_sessions_together_hold_a_bounded_number_of_files() -> None:
    files = Files()
    found = asked(files, [f"s{number}" for number in range(40)])
    assert Counter(found) == {204: ALL_UPLOADS, 429: 40 - ALL_UPLOADS}


def test_a_file_that_was_read_makes_room() -> None:
    files = Files()
    asked(files, ["a"] * UPLOADS)
    files.kept.clear()
    assert asked(files, ["a"]) == [204]


@pytest.mark.parametrize("method", ["DELETE", "OPTIONS", "GET"])
def test_other_requests_pass(method: str) -> None:
    files = Files()
    files.kept["a"] = 100
    assert asked(files, ["a"], method) == [204]


def test_the_largest_upload_stays_in_memory() -> None:
    assert middleware()
    assert MultiPartParser.spool_max_size == UPLOAD_BYTES
