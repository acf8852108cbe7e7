"""What one real Chromium sees: L8."""

import time
from urllib.parse import urlsplit

import numpy as np
from playwright.sync_api import Page, sync_playwright

from tests.browser.install import find_chromium
from tests.browser.pages import watching

from .scenarios import Server
from .table import Row, at_most

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
LISTEN = """
window.painted = new Set();
document.addEventListener("rnnviz:painted", (e) => window.painted.add(e.detail.key));
"""
CHARTS, MOVES = 3, 40


def seen(served: Server) -> list[Row]:
    """L8: how long the first picture takes, and each move of a slider after it."""
    problems: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        page = browser.new_page(viewport={"width": 1440, "height": 1240})
        with watching(page, urlsplit(served.address).netloc, problems):
            first, waits = _waited(page, served.address)
        browser.close()
    abroad = sum("another host" in problem for problem in problems)
    return [
        at_most("L8", "Chromium: the first page is painted within", first, 8, "s"),
        at_most("L8", "95 % of moves are painted within", float(np.quantile(waits, 0.95)), 1, "s"),
        at_most("L8", "errors in its console", len(problems) - abroad, 0, "", 0),
        at_most("L8", "requests to other hosts", abroad, 0, "", 0),
    ]


def _waited(page: Page, address: str) -> tuple[float, list[float]]:
    """Seconds to the first whole page, and to the last picture after each move."""
    page.add_init_script(LISTEN)
    start = time.perf_counter()
    page.goto(address)
    page.wait_for_function(f"window.painted.size >= {CHARTS}")
    first = time.perf_counter() - start
    page.wait_for_timeout(1000)
    slider, waits = page.locator(".st-key-set-gain input"), []
    for _ in range(MOVES):
        page.evaluate("window.painted.clear()")
        start = time.perf_counter()
        slider.press("ArrowRight")
        page.wait_for_function(f"window.painted.size >= {CHARTS}")
        waits.append(time.perf_counter() - start)
        page.wait_for_timeout(200)
    return first, waits
