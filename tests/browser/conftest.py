"""A running app and a real Chromium that looks at it.

A test that opens a page fails when the page logs an error or asks any host but the app's own.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from browser.install import find_chromium
from browser.pages import WIDTHS, looks, photograph, settle, watch
from browser.serving import serving
from playwright.sync_api import Browser, Page, sync_playwright

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


@pytest.fixture
def open_page(chromium: Browser, problems: list[str]) -> Iterator[OpenPage]:
    """Opens an address in a fresh profile and waits until it is drawn."""
    contexts = []

    def open_page(
        url: str,
        *,
        width: int = WIDTHS["wide"],
        scheme: str = "light",
        prepare: Callable[[Page], object] = lambda _: None,
    ) -> Page:
        context = chromium.new_context(
            viewport={"width": width, "height": 1000}, color_scheme=scheme, accept_downloads=True
        )
        contexts.append(context)
        page = context.new_page()
        watch(page, urlsplit(url).netloc, problems)
        prepare(page)
        page.goto(url)
        settle(page)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert problems == []


@pytest.fixture
def photographs(open_page: OpenPage) -> Callable[..., list[Path]]:
    """Pictures of a page in two looks, or in ``every`` one: ``photographs(url, "explore")``."""

    def take(url: str, name: str, *, every: bool = False) -> list[Path]:
        page = open_page(url)
        return [photograph(page, f"{name}-{look}") for look in looks(page, url, every=every)]

    return take
