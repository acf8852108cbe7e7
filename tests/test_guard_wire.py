"""What comes over the wire and is not a page's: each case, and that the server lives on."""

import json
import os
import re
import signal
import socket
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from browser.serving import Served, serving
from raw_page import PAGE, STREAM, Answer, RawPage, ask, cookies, form, raw_page
from streamlit.proto.BackMsg_pb2 import BackMsg
from websockets.exceptions import ConnectionClosed, InvalidStatus

from dashboard.guard.headers import SAID
from dashboard.limits import FRAME_BYTES, SESSIONS, UPLOADS

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
DEVELOPERS = {
    "clear_cache": True,
    "set_run_on_save": True,
    "load_git_info": True,
    "debug_disconnect_websocket": True,
    "debug_shutdown_runtime": True,
    "file_urls_request": {"request_id": "a", "file_names": ["x.csv"] * 1000},
}
OPERATIONS = ["install_skills", "dismiss_skills_nudge", "dataframe_chunk"]
TRAVERSALS = [
    "/../../../etc/passwd",
    "/%2e%2e/%2e%2e/etc/passwd",
    "/..%2f..%2fetc/passwd",
    "/%5c..%5c..%5cetc%5cpasswd",
    "//host/share/etc/passwd",
    "/static/%00",
    "/etc/passwd%00.js",
    "/component/x/..%2f..%2fetc/passwd",
    "/_stcore/bidi-components/x/..%2f..%2fetc/passwd",
    "/media/../../etc/passwd",
    "/media/..%2f..%2fetc%2fpasswd",
    "/app/static/../../../etc/passwd",
    "/static/..%2f..%2f..%2fetc/passwd",
    "/rnnviz/chart/x/..%2f..%2fetc%2fpasswd",
    "/rnnviz/chart/x/../../../../etc/passwd",
]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def served(home: Path) -> Iterator[Served]:
    with serving("tests/guarded/app.py", home) as found:
        yield found


@pytest.fixture
def at(served: Served, home: Path) -> Iterator[str]:
    """The address; afterwards the server is well, and has written down nobody's session."""
    yield served.address
    begun = time.monotonic()
    assert ask(served.address, "/_stcore/health").status == 200
    assert time.monotonic() - begun < 1
    log = (home / "server.log").read_text()
    assert not UUID.search(log)
    assert "Traceback" not in log


@pytest.fixture
def page(at: str) -> Iterator[RawPage]:
    with raw_page(at, cookies(at)) as opened:
        opened.run()
        yield opened


@pytest.mark.parametrize("frame", [b"\xff\xff\xff", b"GET / HTTP/1.1", os.urandom(500), "{}", ""])
def test_what_is_no_frame_closes_the_socket_as_wrong(page: RawPage, frame: bytes | str) -> None:
    page.socket.send(frame)
    assert page.closed_with() == 1002


@pytest.mark.parametrize("size", [FRAME_BYTES + 1, 2 << 20, 60 << 20, 180 << 20])
def test_a_frame_that_is_too_large_closes_the_socket_and_is_forgotten(
    served: Served, page: RawPage, size: int
) -> None:
    process = psutil.Process(served.pid)
    before = process.memory_info().rss
    with suppress(ConnectionClosed):  # it was told so while it spoke
        page.socket.send(memoryview(bytearray(size)))
    # What comes after is not read: it may meet a connection that is gone before the code is.
    assert page.closed_with() in ({1009} if size <= 2 << 20 else {1009, 1006})
    assert process.memory_info().rss < before + (60 << 20)


@pytest.mark.parametrize("kind", DEVELOPERS)
def test_what_developers_say_is_not_heard(page: RawPage, kind: str) -> None:
    page.say(**{kind: DEVELOPERS[kind]})
    page.say(app_heartbeat=True)
    assert page.next_kind() == "heartbeat_ack"


@pytest.mark.parametrize("payload", OPERATIONS)
def test_no_operation_but_a_download_is_asked_for(page: RawPage, payload: str) -> None:
    said = {"request_id": "a", "session_id": page.session, payload: {}}
    page.say(backend_operation_request=said)
    page.socket.send(BackMsg().SerializeToString())
    page.say(app_heartbeat=True)
    assert page.next_kind() == "heartbeat_ack"


def test_a_page_gets_places_for_its_files(page: RawPage) -> None:
    page.say(file_urls_request={"request_id": "a", "file_names": ["x.csv"]})
    assert page.next_kind() == "file_urls_response"


@pytest.mark.parametrize("origin", ["http://evil.com", "null", "http://127.0.0.1:1", "x"])
@pytest.mark.parametrize("path", [STREAM, "/rnnviz/chart/lane/x"])
def test_a_page_of_another_site_opens_no_socket(at: str, origin: str, path: str) -> None:
    assert refusal(at, cookies(at), path=path, origin=origin).status == 403


def test_its_own_page_and_a_program_without_an_origin_open_one(at: str) -> None:
    with raw_page(at, origin=at) as page:
        assert page.run()
    with raw_page(at) as page:
        assert page.run()


@pytest.mark.parametrize(
    "host",
    ["attacker.example", "localhost.attacker.example", "127.0.0.1@evil.com", "a b", "", "::1"],
)
def test_another_name_than_its_own_is_refused_everywhere(at: str, host: str) -> None:
    for path in ("/", "/_stcore/health", STREAM, "/_stcore/upload_file/a/b"):
        assert ask(at, path, Host=host).status == 403
    socket_too = ask(at, STREAM, Host=host, Connection="Upgrade", Upgrade="websocket", **KEY)
    assert socket_too.status == 403


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8501", "127.0.0.1:1", "[::1]:8501", "10.0.0.3"]
)
def test_its_own_names_and_addresses_are_answered(at: str, host: str) -> None:
    assert ask(at, "/_stcore/health", Host=host).status == 200


@pytest.mark.parametrize("path", TRAVERSALS)
def test_no_path_leads_out(at: str, path: str) -> None:
    answer = ask(at, path)
    assert 400 <= answer.status < 500
    assert "root:" not in answer.text


@pytest.mark.parametrize("path", ["interact", "mcp"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_interface_for_programs_is_off(at: str, path: str, method: str) -> None:
    answer = ask(at, f"/_stcore/agent/{path}", method, b"{}" if method == "POST" else b"")
    assert 400 <= answer.status < 500


def test_what_the_server_counts_names_nobody(at: str, page: RawPage) -> None:
    for path in ("/_stcore/metrics", "/_stcore/host-config"):
        answer = ask(at, path)
        assert answer.status == 200
        assert not UUID.search(answer.text)
        assert page.cookie.partition("=")[2] not in answer.text


@pytest.mark.parametrize(
    ("path", "options"),
    [
        ("/", PAGE),
        ("/", {"Host": "attacker.example"}),
        ("/_stcore/health", {}),
        ("/_stcore/metrics", {}),
        ("/media/none", {}),
        ("/%2e%2e/x", {}),
        ("/static/none.js", {}),
        (STREAM, {}),
    ],
)
def test_every_answer_has_the_headers(at: str, path: str, options: dict[str, str]) -> None:
    headers = ask(at, path, **options).headers
    assert headers.items() >= SAID.items()
    policy = headers["content-security-policy"]
    assert "default-src 'self';" in policy
    assert "frame-ancestors 'self'" in policy
    assert not re.search(r"\*|https?:", policy)


def test_a_socket_that_is_refused_has_them_too(at: str) -> None:
    assert refusal(at, origin="http://evil.com").headers.items() >= SAID.items()


def test_a_session_is_come_back_to_by_its_visitor_alone(at: str) -> None:
    own, other = cookies(at), cookies(at)
    with raw_page(at, own) as page:
        page.run()
        for cookie in (other, "", "rnnviz_visitor=x", "rnnviz_visitor=" + "A" * 22):
            with raw_page(at, cookie, page.session) as thief:
                thief.run()
                assert thief.session != page.session
        page.say(app_heartbeat=True)
        assert page.next_kind() == "heartbeat_ack"
        with raw_page(at, own, page.session) as again:  # its old socket is still open
            again.run()
            assert again.session == page.session
            assert page.closed_with() == 4001
    with raw_page(at, own, again.session) as third:
        third.run()
        assert third.session == again.session


def refusal(at: str, cookie: str = "", path: str = STREAM, **options: str) -> Answer:
    """The answer to a socket that is not opened."""
    with pytest.raises(InvalidStatus) as refused, raw_page(at, cookie, path=path, **options):
        pass
    response = refused.value.response
    headers = {name.lower(): value for name, value in response.headers.raw_items()}
    return Answer(response.status_code, headers, response.body or b"")


KEY = {"Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec_WebSocket_Version": "13"}


def upload(at: str, page: RawPage, name: str, number: int = 0, **changed: str) -> Answer:
    body, kind = form(name)
    token = ask(at, "/_stcore/health").headers["set-cookie"].split(";")[0]
    headers = {
        "Content_Type": kind,
        "Cookie": f"{page.cookie}; {token}",
        "X_Xsrftoken": token.partition("=")[2],
    }
    session = changed.pop("session", page.session)
    return ask(at, f"/_stcore/upload_file/{session}/{number}", "PUT", body, **(headers | changed))


def test_an_upload_is_of_a_kind_that_is_read_and_not_one_too_many(at: str, page: RawPage) -> None:
    assert upload(at, page, "evil.exe").status == 415
    assert upload(at, page, "x.csv", X_Xsrftoken="no").status == 403
    assert upload(at, page, "x.csv", session="unknown").status == 400
    names = ["../../x.csv", "con.csv", "a" * 300 + ".csv", "a\0.csv", *["x.csv"] * 56]
    found = Counter(upload(at, page, name, n).status for n, name in enumerate(names))
    assert found == {204: UPLOADS, 429: 60 - UPLOADS}


def test_an_upload_into_another_page_is_refused_by_whoever_knows_it(at: str, page: RawPage) -> None:
    other = RawPage(page.socket, cookies(at), page.heard)
    assert upload(at, other, "x.csv").status == 400
    assert upload(at, page, "x.csv").status == 204


def test_an_upload_over_the_limit_is_refused_before_it_has_come(at: str, page: RawPage) -> None:
    parts = urlsplit(at)
    body, kind = form("x.csv")
    token = ask(at, "/_stcore/health").headers["set-cookie"].split(";")[0]
    head = (
        f"PUT /_stcore/upload_file/{page.session}/0 HTTP/1.1\r\nHost: localhost\r\n"
        f"Content-Type: {kind}\r\nCookie: {page.cookie}; {token}\r\n"
        f"X-Xsrftoken: {token.partition('=')[2]}\r\nContent-Length: {200 << 20}\r\n\r\n"
    )
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as raw:
        raw.sendall(head.encode() + body[:-20] + bytes(100_000))
        assert raw.recv(100).startswith(b"HTTP/1.1 413")


def test_sixty_come_and_forty_are_let_in(at: str) -> None:
    with ExitStack() as pages:
        early = cookies(at)
        first = pages.enter_context(raw_page(at, early))
        first.run()
        until = time.monotonic() + 10
        others = 0
        while others < SESSIONS - 1 and time.monotonic() < until:
            with suppress(InvalidStatus):  # held for pages that were opened a moment ago
                pages.enter_context(raw_page(at))
                others += 1
        for _ in range(20):
            begun = time.monotonic()
            refused = refusal(at)
            assert time.monotonic() - begun < 1
            assert (refused.status, b"places are taken" in refused.body) == (503, True)
        shown = ask(at, "/", **PAGE)
        assert shown.status == 503
        assert f"All {SESSIONS} places are taken." in shown.text
        assert ask(at, "/_stcore/health").status == 200

        # Who is inside loads the page again while the old socket still stands.
        assert ask(at, "/", Cookie=early, **PAGE).status == 200
        second = pages.enter_context(raw_page(at, early))
        assert second.run()
        assert first.closed_with() == 4001
        # The page that lost its place comes back by itself, and takes nobody's.
        assert refusal(at, early, session=first.session).status == 503
        told = ask(at, "/_stcore/health", Cookie=early)
        assert (told.status, f"All {SESSIONS} places" in json.loads(told.text)) == (503, True)
        again = pages.enter_context(raw_page(at, early, second.session))
        again.run()
        assert again.session == second.session
        assert refusal(at).status == 503
    with raw_page(at, cookies(at)) as late:
        assert late.run()


def test_a_server_that_is_told_to_end_ends_well_and_its_pages_know(tmp_path: Path) -> None:
    """Told in both ways: the exit code would be that of either."""
    with serving("tests/guarded/app.py", tmp_path) as served:
        with raw_page(served.address, cookies(served.address)) as opened:
            opened.run()
            begun = time.monotonic()
            for by in (signal.SIGINT, signal.SIGTERM):
                os.kill(served.pid, by)
            assert opened.closed_with() == 1012  # as before a restart
        _, status = os.waitpid(served.pid, 0)
        assert time.monotonic() - begun < 5
    assert os.waitstatus_to_exitcode(status) == 0
