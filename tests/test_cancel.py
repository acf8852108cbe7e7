"""What nobody waits for any more ends within two seconds: Stop, another setting, a closed tab."""

import os
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from math import ceil
from urllib.parse import urlencode

import psutil
import pytest
from browser.serving import Served, serving
from raw_page import RawPage, cookies, raw_page
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

import rnnviz as rv
from rnnviz.cost import estimate

LONG = {"cell": "gru_norm", "hidden_size": 8, "steps": 2000, "batch_size": 1, "layers": 2}
"""Seconds of work, and little memory: it goes to a process of its own."""
SMALL = {"cell": "lstm", "hidden_size": 48, "steps": 300, "batch_size": 2, "loss_at": "all"}
"""A run of an instant, whose section takes a second and a half."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving("dashboard/app.py", tmp_path_factory.mktemp("home")) as found:
        yield found


@pytest.fixture
def page(served: Served) -> Iterator[RawPage]:
    with opened(served) as found:
        found.run()
        yield found


def opened(served: Served) -> AbstractContextManager[RawPage]:
    return raw_page(served.address, cookies(served.address), close_timeout=0.5)


def query(**settings: object) -> str:
    return urlencode({"task": "sine", **settings})


def send(page: RawPage, **settings: object) -> None:
    """Ask for another page, and do not wait for it."""
    page.say(rerun_script={"query_string": query(**settings)})


def cpu(pid: int) -> float:
    """CPU seconds of a server and of all processes that it has or had."""
    server = psutil.Process(pid)
    total = 0.0
    for process in [server, *server.children(recursive=True)]:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


def busy(pid: int, seconds: float = 0.4) -> float:
    """The share of a core that it takes."""
    before, start = cpu(pid), time.monotonic()
    time.sleep(seconds)
    return (cpu(pid) - before) / (time.monotonic() - start)


def until(pid: int, *, is_busy: bool, patience: float) -> float:
    """Seconds until it works, or no longer does."""
    start = time.monotonic()
    while (busy(pid) > 0.1) != is_busy:
        assert time.monotonic() < start + patience
    return time.monotonic() - start


@pytest.mark.parametrize(
    ("settings", "how"),
    [(LONG, "closed"), (LONG, "stopped"), ({**SMALL, "section": "sources"}, "closed")],
    ids=["a run whose tab is closed", "a run that is stopped", "a section whose tab is closed"],
)
def test_work_ends_with_its_page(served, settings, how):
    with opened(served) as page:
        page.run()
        send(page, **settings, seed=len(how))
        until(served.pid, is_busy=True, patience=20)
        if how == "stopped":
            page.say(stop_script=True)
            until(served.pid, is_busy=False, patience=2.5)
    until(served.pid, is_busy=False, patience=2.5)


def test_ten_moves_in_two_seconds_finish_at_most_two_computations(served, page):
    whole = estimate(rv.RunConfig(task="sine", **LONG)).seconds
    long = LONG | {"steps": ceil(LONG["steps"] * max(0.5, 0.7 / whole))}
    one = estimate(rv.RunConfig(task="sine", **long)).seconds
    assert one > 0.6
    alone = cpu(served.pid)
    page.run(query=query(**long, seed=100))
    alone = cpu(served.pid) - alone
    before = cpu(served.pid)
    for n in range(10):
        send(page, **long, seed=101 + n)
        time.sleep(0.2)
    until(served.pid, is_busy=False, patience=60)
    assert cpu(served.pid) - before < 3 * alone + 2  # and what was begun and dropped


def test_who_waits_for_a_place_is_told_which_it_is(served):
    places = max(1, (os.cpu_count() or 2) - 1)
    with ExitStack() as stack:
        pages = [stack.enter_context(opened(served)) for _ in range(places + 1)]
        for number, page in enumerate(pages):
            page.run()
            send(page, **LONG, seed=200 + number)
        said = [toast(page) for page in pages]
    assert all("This run takes about" in one for one in said)
    assert sum("waits at place 1 of the queue" in one for one in said) == 1


def toast(page: RawPage) -> str:
    """The first that comes."""
    while True:
        message = ForwardMsg.FromString(page.socket.recv(timeout=30))  # type: ignore[arg-type]
        if message.delta.new_element.WhichOneof("type") == "toast":
            return str(message.delta.new_element.toast.body)
