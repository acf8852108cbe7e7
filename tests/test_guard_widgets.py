"""Forged values: what no widget can show is not taken, and the next good value is."""

import ast
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import fields
from inspect import get_annotations
from math import inf, nan
from pathlib import Path
from typing import Any

import psutil
import pytest
from browser.serving import Served, serving
from raw_page import RawPage, cookies, raw_page
from streamlit.elements.widgets.button_group import _SingleSelectButtonGroupSerde
from streamlit.elements.widgets.multiselect import MultiSelectSerde
from streamlit.elements.widgets.selectbox import SelectboxSerde
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Common_pb2 import DoubleArray, SInt64Array, StringArray
from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.runtime import Runtime
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.state.common import WidgetMetadata
from streamlit.runtime.state.session_state import SessionState

from dashboard.guard.frames import SAID
from dashboard.guard.widgets import CHOICES

FORGED = {
    "nan": {"double_value": nan},
    "inf": {"double_value": inf},
    "huge": {"double_value": 1e308},
    "below": {"double_value": -7.0},
    "above": {"double_value": 501.0},
    "2**62": {"double_value": 2.0**62},
    "index": {"int_value": 2**62},
    "bool": {"bool_value": True},
    "words": {"string_value": "<script>x</script>"},
    "long": {"string_value": "x" * 30_000},
    "nans": {"double_array_value": DoubleArray(data=[nan])},
    "two nans": {"double_array_value": DoubleArray(data=[nan, inf])},
    "no numbers": {"double_array_value": DoubleArray()},
    "numbers": {"double_array_value": DoubleArray(data=[1e308] * 1000)},
    "indices": {"int_array_value": SInt64Array(data=[-1, 2**62])},
    "no words": {"string_array_value": StringArray()},
    "many words": {"string_array_value": StringArray(data=["nothing"] * 1000)},
    "json": {"json_value": "{"},
    "deep": {"json_value": "[" * 5_000},
    "trigger": {"json_trigger_value": "]"},
    "bytes": {"bytes_value": b"\xff"},
    "arrow": {"arrow_value": {}},
    "files": {"file_uploader_state_value": {"uploaded_file_info": [{"file_id": "x"}]}},
    "chat": {"chat_input_value": {"data": "x"}},
    "string trigger": {"string_trigger_value": {"data": "x"}},
    "nothing": {},
}
KINDS = {"Exception"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def served(home: Path) -> Iterator[Served]:
    with serving("tests/guarded/app.py", home) as found:
        yield found


@pytest.fixture(scope="module")
def page(served: Served) -> Iterator[RawPage]:
    with raw_page(served.address, cookies(served.address)) as opened:
        yield opened


def ids(elements: list[Any]) -> dict[str, str]:
    return {e.id[38:]: e.id for e in elements if getattr(e, "id", "").startswith("$$ID-")}


def said(elements: list[Any]) -> dict[str, Any]:
    """What the page says that its widgets show."""
    assert not {type(e).__name__ for e in elements} & KINDS
    (text,) = [e.body for e in elements if type(e).__name__ == "Text"]
    found: dict[str, Any] = ast.literal_eval(text)
    return found


@pytest.mark.parametrize("value", FORGED)
def test_a_forged_value_is_not_shown_and_the_next_good_one_is(page: RawPage, value: str) -> None:
    widgets = ids(page.run())
    before = said(page.run())
    after = said(page.run(*(WidgetState(id=name, **FORGED[value]) for name in widgets.values())))
    assert 1 <= after["whole"] <= 500
    assert 0 <= after["real"] <= 2
    assert 0 <= after["slider"] <= 10
    assert len(after["range"]) == 2
    assert after["stops"] in "abc"
    assert after["select"] in {"a", "b"}
    assert {*after["several"]} <= {"a", "b"}
    assert after["pill"] in {None, "a", "b"}
    assert len(after["text"]) <= 20
    assert len(after["area"]) <= 20
    assert after.keys() == before.keys()
    good = page.run(WidgetState(id=widgets["whole"], double_value=12.0))
    assert said(good)["whole"] == 12


GOOD = {
    "whole": ({"int_value": 12}, 12),  # as the browser says it
    "real": ({"double_value": 0.5}, 0.5),
    "slider": ({"double_array_value": DoubleArray(data=[4])}, 4),
    "range": ({"double_array_value": DoubleArray(data=[0.1, 0.3])}, (0.1, 0.3)),
    "stops": ({"string_array_value": StringArray(data=["c"])}, "c"),
    "select": ({"string_value": "b"}, "b"),
    "several": ({"string_array_value": StringArray(data=["b", "a"])}, ["b", "a"]),
    "text": ({"string_value": "x" * 30}, "x" * 20),
    "box": ({"bool_value": True}, True),
    "pill": ({"string_array_value": StringArray(data=["a"])}, "a"),
    "button": ({"trigger_value": True}, True),
}


@pytest.mark.parametrize("key", GOOD)
def test_what_a_browser_says_is_shown(page: RawPage, key: str) -> None:
    value, shown = GOOD[key]
    widgets = ids(page.run())
    assert said(page.run(WidgetState(id=widgets[key], **value)))[key] == shown


def test_a_widget_of_another_session_or_page_is_not_heard(page: RawPage) -> None:
    before = said(page.run())
    odd = [WidgetState(id=name, string_value="x") for name in ("", "x", "$$ID-0-whole", "a" * 9999)]
    assert said(page.run(*odd)) == before


def test_an_error_is_told_by_a_number_that_the_log_has(page: RawPage, home: Path) -> None:
    page.run()
    elements = page.run(query="fail=1")
    assert not {type(e).__name__ for e in elements} & KINDS
    (told,) = [e.body for e in elements if type(e).__name__ == "Alert"]
    number = re.search(r"\(error ([0-9a-f]{8}) in", told)
    assert number is not None
    assert "secret" not in told
    log = (home / "server.log").read_text()
    assert log.count(f"error {number[1]}: RuntimeError") == 1
    assert log.index("a secret in /srv/secret/path") < log.index(number[1])
    assert said(page.run(query=""))


def test_closed_pages_give_their_memory_back_though_nobody_comes(served: Served) -> None:
    process = psutil.Process(served.pid)
    with ExitStack() as open_pages:
        for _ in range(10):
            open_pages.enter_context(raw_page(served.address, cookies(served.address))).run()
        full = process.memory_info().rss
    for _ in range(200):
        if process.memory_info().rss < full - (150 << 20):
            break
        process.cpu_percent(0.05)
    assert process.memory_info().rss < full - (150 << 20)


def test_streamlit_still_has_what_the_guard_takes_from_it() -> None:
    """A release that changes one of these changes ``dashboard.guard`` too."""
    assert SessionState()._new_widget_state.widget_metadata == {}
    assert isinstance(AppSession.session_state, property)
    assert {"value_type", "deserializer"} <= {f.name for f in fields(WidgetMetadata)}
    for serde in (SelectboxSerde, MultiSelectSerde, _SingleSelectButtonGroupSerde):
        assert CHOICES in get_annotations(serde)
    assert callable(Runtime.get_app_session)
    assert callable(Runtime.close_session)
    said = {field.name for field in BackMsg.DESCRIPTOR.oneofs_by_name["type"].fields}
    assert said == SAID | {
        "clear_cache",
        "set_run_on_save",
        "load_git_info",
        "debug_disconnect_websocket",
        "debug_shutdown_runtime",
    }
