"""What may be uploaded: few files at once, of kinds that are read here, by whose session it is.

Streamlit takes any file from whoever knows a session, whether or not the page has a place for one.
Here a file is read as soon as it has come, and forgotten: who has several waits for nothing good.
"""

import time
from collections import Counter
from collections.abc import Callable, MutableMapping
from email.message import Message as Parsed
from pathlib import PureWindowsPath
from typing import Final

from starlette.formparsers import MultiPartParser
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.runtime import Runtime, get_instance
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager

from dashboard import visitor
from dashboard.limits import ALL_UPLOADS, UPLOAD_BYTES, UPLOADS
from rnnviz.interop.kinds import ENDINGS

PLACE: Final = "/_stcore/upload_file/"
READ: Final = (*ENDINGS, ".npy", ".csv", ".tsv", ".txt", ".parquet", ".json")
# Of these a sentence on the page says what to make of them instead.
EXPLAINED: Final = (".xlsx", ".xls", ".ods", ".gz", ".zip", ".pkl", ".pickle", ".onnx", ".bin")
HEAD: Final = 64 << 10
"""Bytes in which a file's name must have come."""

Held = Callable[[], dict[str, int]]
"""How many files are held for each session."""


def in_memory() -> None:
    """Have no upload touch the disk."""
    MultiPartParser.spool_max_size = UPLOAD_BYTES  # above this a file is written to the disk


def uploaded(runtime: Runtime) -> MemoryUploadedFileManager:
    """Where Streamlit holds what was uploaded."""
    files = runtime.uploaded_file_mgr
    assert isinstance(files, MemoryUploadedFileManager)
    return files


def held() -> dict[str, int]:
    """How many files are held for each session."""
    files = uploaded(get_instance())
    return {session: len(own) for session, own in [*files.file_storage.items()]}


class Files:
    """Refuses an upload into another's session, one too many, or of a kind that is not read."""

    def __init__(
        self,
        app: ASGIApp,
        owner: Callable[[str], str | None],
        held: Held,
        arrived: MutableMapping[tuple[str, str], float],
    ) -> None:
        self.app, self._owner, self._held, self._arrived = app, owner, held, arrived
        self._coming: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything through but uploads; those that are refused are told why."""
        at = _place(scope)
        if at is None or scope["method"] not in {"PUT", "DELETE"}:
            await self.app(scope, receive, send)
        elif self._owner(at[0]) != (visitor.of(scope) or None):
            await PlainTextResponse("No page of yours has this place.", 400)(scope, receive, send)
        elif scope["method"] == "DELETE":
            await self.app(scope, receive, send)
        else:
            await self._put(at, scope, receive, send)

    async def _put(self, at: tuple[str, str], scope: Scope, receive: Receive, send: Send) -> None:
        session, _ = at
        there = Counter(self._held()) + self._coming
        if there[session] >= UPLOADS or there.total() >= ALL_UPLOADS:
            said = f"Too many files at once: a page may have {UPLOADS}, all together {ALL_UPLOADS}."
            await PlainTextResponse(said, 429)(scope, receive, send)
            return
        self._coming[session] += 1
        try:
            first, name = await _head(receive)
            if name is not None and not is_read(name):
                await PlainTextResponse(_refused(name), 415)(scope, receive, send)
                return
            self._arrived[at] = time.monotonic()
            await self.app(scope, _again(first, receive), send)
        finally:
            self._coming -= Counter([session])


def is_read(name: str) -> bool:
    """Whether a file of this name is read here, or said what to make of it instead.

    Examples
    --------
    >>> [is_read(name) for name in ("series.csv", "../../a.NPZ", "evil.exe", "notes")]
    [True, True, False, False]
    """
    return PureWindowsPath(name).suffix.lower() in {*READ, *EXPLAINED}


def _refused(name: str) -> str:
    return f"A file must be one of {', '.join(READ)}, got {PureWindowsPath(name).name[:60]!r}."


def _place(scope: Scope) -> tuple[str, str] | None:
    """The session and the file that a request is about; None for any other request."""
    if scope["type"] != "http" or PLACE not in scope["path"]:
        return None
    session, _, file = str(scope["path"]).partition(PLACE)[2].partition("/")
    return session, file


async def _head(receive: Receive) -> tuple[list[Message], str | None]:
    """What has come of an upload when its file's name has, and the name; None if there is none."""
    come: list[Message] = []
    body = b""
    while len(body) < HEAD:
        message = await receive()
        come.append(message)
        body += message.get("body", b"")
        head, is_whole, _ = body.partition(b"\r\n\r\n")
        if is_whole:
            return come, _name(head)
        if not message.get("more_body", False):
            break
    return come, None


def _name(head: bytes) -> str:
    """The file's name in the head of a form; nothing where it has none."""
    for line in head.decode("utf-8", "replace").split("\r\n"):
        field, _, value = line.partition(":")
        if field.strip().lower() == "content-disposition":
            parsed = Parsed()
            parsed["content-disposition"] = value
            return parsed.get_filename("")
    return ""


def _again(come: list[Message], receive: Receive) -> Receive:
    """What has come, and then what comes."""
    waiting = iter(come)

    async def next_message() -> Message:
        return next(waiting, None) or await receive()

    return next_message
