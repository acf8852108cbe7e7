"""How soon Explore's pictures follow a slider, held and let go, in a real Chromium."""

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, FloatRect, Page, sync_playwright

from tests.browser.install import find_chromium
from tests.browser.serving import Served, serving

MOVES, TURN = 30, 10
HELD = 4.0
"""Seconds that a slider is dragged to and fro."""
LONG = "hidden_size=32&steps=60&task=adding&iterations=100000"
"""A run that trains for longer than the moves take."""
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
LISTEN = """
window.painted = new Map();
window.frames_of = {};
document.addEventListener("rnnviz:painted", (e) => {
  window.painted.set(e.detail.key, performance.now());
  window.frames_of[e.detail.key] = (window.frames_of[e.detail.key] ?? 0) + 1;
});
addEventListener("pointerup", () => { window.released = performance.now(); }, true);
"""
PAINTED = """(charts) => new Promise((done) => {
  const look = () => window.painted.size >= charts
    ? requestAnimationFrame(() => done(performance.now() - window.released))
    : setTimeout(look, 2);
  look();
})"""


def table() -> Iterator[str]:
    """Milliseconds from release to the last picture, and the server's CPU for each move alone."""
    with tempfile.TemporaryDirectory() as home, serving("dashboard/app.py", Path(home)) as served:
        waits, cpu, held = _measure(served)
    alone, beside, watched = (float(np.median(waits[around])) for around in AROUND)
    yield f"{'release to repaint':>24} {alone:>5.0f} ms, the median of {MOVES} moves"
    yield (
        f"{'while it is held':>24} {held:>5.0f} pictures a second of each in view, "
        f"{held * alone / 1000:.1f} times as many as reruns would bring"
    )
    yield f"{'server CPU':>24} {np.mean(cpu):>5.0f} ms a move, the mean"
    yield f"{'while another trains':>24} {beside:>5.0f} ms, {beside / alone:.2f} times as long"
    yield (
        f"{'and watches it here':>24} {watched:>5.0f} ms, {watched / alone:.2f} times as long: "
        "a second page is painted on the same machine"
    )


def _measure(served: Served) -> tuple[dict[str, list[float]], list[float], float]:
    """The same moves in turns: alone, and beside a run of another visitor's."""
    waits: dict[str, list[float]] = {around: [] for around in AROUND}
    cpu: list[float] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        page = browser.new_page(viewport={"width": 1440, "height": 1240})
        page.add_init_script(LISTEN)
        page.goto(served.address)
        page.wait_for_function("window.painted.size >= 3")
        page.wait_for_timeout(1500)
        for share in (0.3, 0.7):  # a page's first moves take longer
            _drag(page, share)
        for first in range(0, MOVES, TURN):
            for around in AROUND:
                with AROUND[around](browser, served):
                    for move in range(first, first + TURN):
                        before = _cpu_ms(served.pid)
                        waits[around].append(_drag(page, 0.2 + 0.6 * ((7 * move) % MOVES) / MOVES))
                        page.wait_for_timeout(300)
                        cpu += [_cpu_ms(served.pid) - before] if around == "alone" else []
        held = _held(page)
        browser.close()
    return waits, cpu, held


def _held(page: Page) -> float:
    """How often a second the slowest picture in view was drawn while the gain was dragged."""
    thumb, track = _grip(page)
    y = thumb["y"] + thumb["height"] / 2
    page.mouse.move(thumb["x"] + thumb["width"] / 2, y)
    page.mouse.down()
    page.evaluate("window.frames_of = {}")
    begun = time.perf_counter()
    while (past := time.perf_counter() - begun) < HELD:
        share = 0.1 + 0.8 * abs(past % 2 - 1)
        page.mouse.move(track["x"] + track["width"] * share, y)
    drawn: dict[str, int] = page.evaluate("window.frames_of")
    page.mouse.up()
    return min(drawn.values(), default=0) / past


@contextmanager
def _alone(*_: object) -> Iterator[None]:
    yield


@contextmanager
def _another_watches(browser: Browser, served: Served) -> Iterator[None]:
    """Another visitor, whose long run trains on an open page."""
    with _another(browser, served):
        yield


@contextmanager
def _another_trains(browser: Browser, served: Served) -> Iterator[None]:
    """Another visitor, whose long run trains while a still page is open."""
    with _another(browser, served) as page:
        page.get_by_role("link", name="Explore").click()
        page.locator(".st-key-verdict").wait_for()
        page.wait_for_timeout(1500)
        yield
        page.get_by_role("link", name="Train").click()


@contextmanager
def _another(browser: Browser, served: Served) -> Iterator[Page]:
    """Another visitor's page on which a long run has been started; in the end it is stopped."""
    visitor = browser.new_context()
    page = visitor.new_page()
    page.goto(f"{served.address}/train?{LONG}")
    page.get_by_role("button", name="Start", exact=True).click()
    page.get_by_text("s left").wait_for()
    yield page
    page.get_by_role("button", name="Stop", exact=True).click()
    page.get_by_text("Stopped after").wait_for()
    visitor.close()


AROUND = {"alone": _alone, "trains": _another_trains, "watched": _another_watches}
"""What happens on the server while the slider moves."""


def _drag(page: Page, share: float) -> float:
    """Drag the gain to this share of its track; milliseconds from release to the last picture."""
    place, track = _grip(page)
    y = place["y"] + place["height"] / 2
    page.mouse.move(place["x"] + place["width"] / 2, y)
    page.mouse.down()
    page.mouse.move(track["x"] + track["width"] * share, y, steps=3)
    page.wait_for_timeout(60)
    page.evaluate("window.painted.clear()")
    page.mouse.up()
    waited: float = page.evaluate(PAINTED, 3)
    return waited


def _grip(page: Page) -> tuple[FloatRect, FloatRect]:
    """Where the gain's thumb and its track are."""
    thumb = page.locator(".st-key-set-gain [data-testid=stSliderThumbValue]").locator("..")
    place = thumb.bounding_box()
    track = page.locator(".st-key-set-gain [data-testid=stSlider]").bounding_box()
    assert place
    assert track
    return place, track


def _cpu_ms(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return 1000 * (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
