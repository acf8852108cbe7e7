"""A server that is ended in the middle of a training, and another in its place: nothing is lost."""

import os
import re
import signal
import socket
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from browser.pages import settle
from browser.serving import serving
from load.process import cpu_seconds
from playwright.sync_api import Page, expect

from dashboard import kept

pytestmark = pytest.mark.long
SETTINGS = "iterations=100000&hidden_size=9&steps=13&task=sine&gain=1.1&optimizer=sgd"


def children(pid: int) -> list[int]:
    threads = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(n) for thread in threads for n in thread.read_text().split()]


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait(what, seconds: float) -> float:
    """How long it takes until it is true; no longer than this."""
    began = time.monotonic()
    while not what():
        assert time.monotonic() - began < seconds, "waited in vain"
        time.sleep(0.02)
    return time.monotonic() - began


def kept_steps() -> int:
    """Of the one training that is kept."""
    (path,) = kept.root().glob("*/*.training")
    return kept.read(path).seen.next_step


def running(page: Page):
    return page.get_by_text(re.compile(r"Step [1-9][\d,]* of 100,000"))


def shown_step(page: Page) -> int:
    """How far the page says that the run has come."""
    return int(running(page).inner_text().split()[1].replace(",", ""))


def workers(pid: int) -> list[int]:
    """The processes that train."""
    found = [(n, Path(f"/proc/{n}/cmdline").read_bytes()) for n in children(pid)]
    return [n for n, words in found if b"dashboard.worker" in words]


def queried(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def outlives_a_reload(page: Page, pid: int) -> None:
    before, training = queried(page), workers(pid)
    page.reload()
    settle(page)
    expect(running(page)).to_be_visible(timeout=2_000)
    assert queried(page) == before
    expect(page.get_by_role("button", name="Start another")).to_be_disabled()
    assert workers(pid) == training


def outlives_a_kill(page: Page, pid: int) -> int:
    """The step it came to."""
    (child,) = workers(pid)
    os.kill(pid, signal.SIGKILL)
    wait(lambda: not is_alive(child), 3)
    expect(page.get_by_text("Connection error")).to_be_visible(timeout=15_000)
    taken = kept_steps()
    assert taken > 0
    return taken


def goes_on_from(taken: int, page: Page) -> None:
    before = queried(page)
    page.reload()
    settle(page)
    told = f"Interrupted at step {taken:,} of 100,000"
    expect(page.get_by_text(told)).to_be_visible(timeout=15_000)
    assert queried(page) == before
    page.get_by_role("button", name="Resume").click()
    expect(running(page)).to_be_visible(timeout=30_000)
    wait(lambda: shown_step(page) > taken, 30)


def outlives_an_end(pid: int, port: int, taken: int) -> None:
    (child,) = workers(pid)
    began = time.monotonic()
    os.kill(pid, signal.SIGTERM)
    _, status = os.waitpid(pid, 0)
    assert time.monotonic() - began < 5
    assert os.waitstatus_to_exitcode(status) == 0
    assert not is_alive(child)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as a server does
        probe.bind(("127.0.0.1", port))
    assert kept_steps() > taken


def test_a_training_rests_while_its_page_is_closed_and_goes_on_when_it_is_open(
    open_page, tmp_path, monkeypatch
):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with serving("dashboard/app.py", tmp_path) as served:
        address = f"{served.address}/train?{SETTINGS}"
        page = open_page(address)
        page.get_by_role("button", name="Start").click()
        expect(running(page)).to_be_visible(timeout=30_000)
        (child,) = workers(served.pid)

        page.goto("about:blank")
        time.sleep(2)
        spent = cpu_seconds(child)
        time.sleep(0.5)
        assert cpu_seconds(child) - spent < 0.02

        page.goto(address)
        settle(page)
        expect(running(page)).to_be_visible(timeout=5_000)
        wait(lambda: cpu_seconds(child) > spent + 0.1, 5)
        assert workers(served.pid) == [child]


def test_a_training_outlives_a_reload_a_kill_and_an_end(open_page, problems, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with serving("dashboard/app.py", tmp_path) as served:
        page = open_page(f"{served.address}/train?{SETTINGS}")
        page.get_by_role("button", name="Start").click()
        expect(running(page)).to_be_visible(timeout=30_000)
        outlives_a_reload(page, served.pid)
        taken = outlives_a_kill(page, served.pid)
    port = urlsplit(served.address).port
    with serving("dashboard/app.py", tmp_path, port) as served:
        goes_on_from(taken, page)
        outlives_an_end(served.pid, port, taken)
    assert not [*kept.root().glob("*/.*")]
    page.close()  # before it asks again
    problems.clear()  # the browser says that the server was away
