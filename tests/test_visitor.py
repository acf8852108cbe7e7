"""Visitors: a page that is loaded again is known by its cookie, and by nothing in its link."""

import asyncio
import re
from http.cookies import SimpleCookie
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import visitor
from dashboard.visitor import COOKIE, TOKEN, Visitors, middleware

KNOWN = "A" * 22
PAGE = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def cookies_of(
    headers: dict[str, str],
    method: str = "GET",
    kind: str = "http",
    scheme: str = "http",
    status: int = 200,
) -> list[str]:
    """The ``Set-Cookie`` headers of the answer to one request."""
    sent: list[Any] = []

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": f"{kind}.response.start", "status": status, "headers": []})
        await send({"type": f"{kind}.response.body", "body": b"a page"})

    async def send(message: Any) -> None:
        sent.append(message)

    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": kind, "method": method, "scheme": scheme, "path": "/", "headers": raw}
    asyncio.run(Visitors(app)(scope, None, send))  # type: ignore[arg-type]
    assert [message["type"] for message in sent] == [
        f"{kind}.response.start",
        f"{kind}.response.body",
    ]
    return [value.decode() for name, value in sent[0]["headers"] if name == b"set-cookie"]


def test_a_new_visitors_page_brings_a_secret_that_no_script_reads() -> None:
    (cookie,) = cookies_of(PAGE)
    morsel = SimpleCookie(cookie)[COOKIE]
    assert TOKEN.fullmatch(morsel.value)
    assert (morsel["httponly"], morsel["samesite"], morsel["path"]) == (True, "Lax", "/")
    assert (morsel["secure"], morsel["max-age"], morsel["domain"]) == ("", "", "")


def test_every_new_visitor_gets_another_secret() -> None:
    assert len({cookies_of(PAGE)[0] for _ in range(50)}) == 50


def test_over_https_the_secret_goes_over_nothing_else() -> None:
    (cookie,) = cookies_of(PAGE, scheme="https")
    assert SimpleCookie(cookie)[COOKIE]["secure"] is True


def test_a_known_visitor_keeps_the_secret() -> None:
    assert cookies_of(PAGE | {"cookie": f"other=1; {COOKIE}={KNOWN}"}) == []


def test_an_unchanged_page_brings_it_too() -> None:
    assert len(cookies_of(PAGE, status=304)) == 1


@pytest.mark.parametrize("forged", ["", "x", KNOWN + "A", "A" * 21 + "<", '"' + KNOWN])
def test_what_is_no_secret_is_replaced(forged: str) -> None:
    assert len(cookies_of(PAGE | {"cookie": f"{COOKIE}={forged}"})) == 1


@pytest.mark.parametrize(
    "request_",
    [
        {"headers": {"accept": "*/*"}},
        {"headers": {}},
        {"headers": PAGE, "method": "POST"},
        {"headers": PAGE, "kind": "websocket"},
    ],
)
def test_only_the_page_itself_sets_it(request_: dict[str, Any]) -> None:
    assert cookies_of(**request_) == []


def test_the_app_has_the_middleware() -> None:
    from dashboard import app

    assert middleware()[0].cls in [m.cls for m in app.app._user_middleware]


def page() -> None:
    import streamlit as st

    from dashboard import visitor

    st.text(visitor.token())


def test_without_a_cookie_a_session_has_a_secret_of_its_own() -> None:
    one, other = AppTest.from_function(page).run(), AppTest.from_function(page).run()
    secret = one.text[0].value
    assert TOKEN.fullmatch(secret)
    assert one.run().text[0].value == secret
    assert other.text[0].value != secret


@pytest.mark.parametrize(("cookie", "taken"), [(KNOWN, True), ("too short", False)])
def test_the_cookie_is_who_the_visitor_is(
    cookie: str, taken: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: dict[str, Any] = {}
    monkeypatch.setattr(visitor.session, "kept", kept.get)
    monkeypatch.setattr(visitor.session, "keep", kept.__setitem__)
    monkeypatch.setattr(visitor.st, "context", type("", (), {"cookies": {COOKIE: cookie}}))
    assert (visitor.token() == KNOWN) == taken
    assert re.fullmatch(TOKEN, visitor.token())
    assert visitor.token() == visitor.token()
