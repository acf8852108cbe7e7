"""A running app and a real Chromium that looks at it.

A test that opens a page fails when the page logs an error or asks any host but the app's own.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from browser.install import find_chromium
from browser.pages import WIDTHS, photograph, settle, watch
from browser.serving import serving
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
collect_ignore = ["charts"]  # a Streamlit app, which is run and not imported

OpenPage = Callable[..., Page]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything in this folder, so that ``-m "not browser"`` leaves it out."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the real app."""
    with serving("dashboard/app.py", tmp_path_factory.mktemp("home")) as served:
        yield served.address


@pytest.fixture(scope="session")
def charts_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a small app with one chart of each kind."""
    with serving("tests/browser/charts/app.py", tmp_path_factory.mktemp("home")) as served:
        yield served.address


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A Chromium with its own profile; for one module, because Playwright holds the event loop."""
    program = find_chromium()
    if program is None:
        pytest.fail("no Chromium on this machine: `python tests/browser/install.py` fetches one")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def problems() -> list[str]:
    """What went wrong on the open pages; a test that breaks one on purpose clears it."""
    return []


@pytest.fixture(scope="module")
def profile(chromium: Browser) -> Iterator[BrowserContext]:
    """A profile whose cache outlives a test: scripts are loaded and compiled once a module."""
    yield (context := chromium.new_context())
    context.close()


@pytest.fixture
def open_page(
    chromium: Browser, profile: BrowserContext, problems: list[str]
) -> Iterator[OpenPage]:
    """Opens an address as a visitor who was never there, and waits until it is drawn."""
    contexts = []

    def open_page(
        url: str,
        *,
        width: int = WIDTHS["wide"],
        scheme: str = "light",
        prepare: Callable[[Page], object] = lambda _: None,
    ) -> Page:
        contexts.append(chromium.new_context() if contexts else profile)
        page = contexts[-1].new_page()
        page.set_viewport_size({"width": width, "height": 1000})
        page.emulate_media(color_scheme=scheme)
        watch(page, urlsplit(url).netloc, problems)
        prepare(page)
        page.goto(url)
        settle(page)
        return page

    yield open_page
    for page in profile.pages:
        page.close()
    profile.clear_cookies()
    for context in contexts[1:]:
        context.close()
    assert problems == []


@pytest.fixture
def photographed(open_page: OpenPage) -> Callable[..., Path]:
    """A picture of a page: ``photographed(url, "explore", ("narrow", "dark"))``."""

    def take(url: str, name: str, look: tuple[str, str]) -> Path:
        size, scheme = look
        page = open_page(url, width=WIDTHS[size], scheme=scheme)
        return photograph(page, f"{name}-{size}-{scheme}")

    return take
