"""How many uploaded files the server holds at once, and that none of them touches the disk.

Streamlit takes any file from whoever has a session, whether or not the page has a place for one.
Here a file is read as soon as it has come, and forgotten: who has several waits for nothing good.
"""

from collections import Counter
from collections.abc import Callable
from typing import Final

from starlette.formparsers import MultiPartParser
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit.runtime import get_instance
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager

from dashboard.limits import ALL_UPLOADS, UPLOAD_BYTES, UPLOADS

PLACE: Final = "/_stcore/upload_file/"

Held = Callable[[], dict[str, int]]
"""How many files are held for each session."""


def middleware() -> list[Middleware]:
    """What ``st.App(middleware=...)`` takes so that uploads are few and stay in memory."""
    MultiPartParser.spool_max_size = UPLOAD_BYTES  # above this a file is written to the disk
    return [Middleware(UploadGuard, held=held)]


def held() -> dict[str, int]:
    """What Streamlit holds."""
    files = get_instance().uploaded_file_mgr
    assert isinstance(files, MemoryUploadedFileManager)
    return {session: len(own) for session, own in [*files.file_storage.items()]}


class UploadGuard:
    """Refuses an upload where its session, or all sessions together, have too many."""

    def __init__(self, app: ASGIApp, held: Held) -> None:
        self.app, self._held = app, held
        self._coming: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything through but uploads that are too many, which are told so (429)."""
        session = _uploads_for(scope)
        if session is None:
            await self.app(scope, receive, send)
            return
        there = Counter(self._held()) + self._coming
        if there[session] >= UPLOADS or there.total() >= ALL_UPLOADS:
            await PlainTextResponse("Too many files at once.", 429)(scope, receive, send)
            return
        self._coming[session] += 1
        try:
            await self.app(scope, receive, send)
        finally:
            self._coming -= Counter([session])


def _uploads_for(scope: Scope) -> str | None:
    """The session that a file is uploaded for; None for any other request."""
    if scope["type"] != "http" or scope["method"] != "PUT" or PLACE not in scope["path"]:
        return None
    return str(scope["path"]).partition(PLACE)[2].partition("/")[0]
