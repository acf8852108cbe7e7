"""What a page may say to its session; whatever else comes is not heard.

Streamlit hears from anybody what its developers' menu sends: to forget what is cached for all, to
tell the files of the repository, to write into it.
"""

from collections.abc import Callable
from typing import Final

from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState

from dashboard.limits import UPLOADS

SAID: Final = frozenset(
    {
        "rerun_script",
        "stop_script",
        "app_heartbeat",
        "file_urls_request",
        "backend_operation_request",
    }
)
ASKED: Final = "deferred_file"
"""The one operation that a page asks for: a file that is made when it is downloaded."""

Believes = Callable[[WidgetState], bool]
"""Whether what a widget is said to show is something it can show."""


def heard(frame: bytes, believes: Believes) -> bytes | None:
    """A frame without the values that no widget can have; None where it is not to be heard.

    Raises
    ------
    ValueError
        Where it is no frame at all.
    """
    said = BackMsg()
    try:
        said.ParseFromString(frame)
    except DecodeError as error:
        raise ValueError("not a frame of this protocol") from error
    kind = said.WhichOneof("type")
    if kind not in SAID or _asks_too_much(said, kind):
        return None
    return _believed(said, frame, believes) if kind == "rerun_script" else frame


def session_of(message: bytes) -> str | None:
    """The session that a message to the page names; None in most messages."""
    told = ForwardMsg.FromString(message)
    if told.WhichOneof("type") != "new_session":
        return None
    return str(told.new_session.initialize.session_id)


def _asks_too_much(said: BackMsg, kind: str) -> bool:
    if kind == "file_urls_request":
        return len(said.file_urls_request.file_names) > UPLOADS
    asks = said.backend_operation_request.WhichOneof("payload")
    return kind == "backend_operation_request" and asks != ASKED


def _believed(said: BackMsg, frame: bytes, believes: Believes) -> bytes:
    states = said.rerun_script.widget_states.widgets
    kept = [state for state in states if believes(state)]
    if len(kept) == len(states):
        return frame
    del states[:]
    states.extend(kept)
    return bytes(said.SerializeToString())
