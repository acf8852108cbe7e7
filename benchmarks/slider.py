"""From a slider's release to the last repainted picture on Explore, in a real Chromium."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from playwright.sync_api import Page, sync_playwright

from tests.browser.install import find_chromium
from tests.browser.serving import Served, serving

MOVES = 30
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
LISTEN = """
window.painted = new Map();
document.addEventListener("rnnviz:painted", (e) => {
  window.painted.set(e.detail.key, performance.now());
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
    """Milliseconds from release to the last picture, and the server's CPU for each move."""
    with tempfile.TemporaryDirectory() as home, serving("dashboard/app.py", Path(home)) as served:
        waits, cpu = _measure(served)
    yield f"{'release to repaint':>24} {np.median(waits):>5.0f} ms, the median of {MOVES} moves"
    yield f"{'server CPU':>24} {np.mean(cpu):>5.0f} ms a move, the mean"


def _measure(served: Served) -> tuple[list[float], list[float]]:
    waits, cpu = [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        page = browser.new_page(viewport={"width": 1440, "height": 1240})
        page.add_init_script(LISTEN)
        page.goto(served.address)
        page.wait_for_function("window.painted.size >= 3")
        page.wait_for_timeout(1500)
        for move in range(MOVES + 2):
            before = _cpu_ms(served.pid)
            waited = _drag(page, 0.2 + 0.6 * ((7 * move) % MOVES) / MOVES)
            page.wait_for_timeout(300)
            if move >= 2:
                waits.append(waited)
                cpu.append(_cpu_ms(served.pid) - before)
        browser.close()
    return waits, cpu


def _drag(page: Page, share: float) -> float:
    """Drag the gain to this share of its track; milliseconds from release to the last picture."""
    thumb = page.locator(".st-key-set-gain [data-testid=stSliderThumbValue]").locator("..")
    track, place = (
        page.locator(".st-key-set-gain [data-testid=stSlider]").bounding_box(),
        thumb.bounding_box(),
    )
    assert track
    assert place
    y = place["y"] + place["height"] / 2
    page.mouse.move(place["x"] + place["width"] / 2, y)
    page.mouse.down()
    page.mouse.move(track["x"] + track["width"] * share, y, steps=3)
    page.wait_for_timeout(60)
    page.evaluate("window.painted.clear()")
    page.mouse.up()
    waited: float = page.evaluate(PAINTED, 3)
    return waited


def _cpu_ms(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return 1000 * (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
