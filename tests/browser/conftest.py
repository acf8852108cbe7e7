"""A running app and a real Chromium that looks at it.

A test that opens a page fails when the page logs an error or asks any host but the app's own.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from browser.install import find_chromium
from browser.pages import WIDTHS, photograph, settle, watching
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
    "--process-per-site",  # what one page has compiled, the next one has too
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


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """A Chromium for this folder's tests, and no others: Playwright holds the event loop."""
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


@pytest.fixture(scope="package")
def profile(chromium: Browser) -> Iterator[BrowserContext]:
    """A profile with one page: scripts are loaded and compiled once."""
    context = chromium.new_context()
    context.new_page()
    yield context
    context.close()


@pytest.fixture
def open_page(
    chromium: Browser, profile: BrowserContext, problems: list[str]
) -> Iterator[OpenPage]:
    """Opens an address as a visitor who was never there, and waits until it is drawn.

    The first is opened where the last test's was, which takes half as long as a new page does;
    what is to be prepared has a page of its own, each further one a profile of its own.
    """
    opened: list[Page] = []
    with ExitStack() as left:

        def page_for(prepare: object) -> Page:
            if opened:
                return left.enter_context(chromium.new_context()).new_page()
            if prepare or not profile.pages:
                return left.enter_context(profile.new_page())
            return profile.pages[0]

        def open_page(
            url: str,
            *,
            width: int = WIDTHS["wide"],
            scheme: str = "light",
            prepare: Callable[[Page], object] | None = None,
        ) -> Page:
            opened.append(page := page_for(prepare))
            left.enter_context(watching(page, urlsplit(url).netloc, problems))
            page.set_viewport_size({"width": width, "height": 1000})
            page.emulate_media(color_scheme=scheme)
            if prepare:
                prepare(page)
            page.goto(url)
            settle(page)
            return page

        yield open_page
    for page in profile.pages:
        page.unroute_all()
        page.goto("about:blank")
    profile.clear_cookies()
    assert problems == []


@pytest.fixture
def photographed(open_page: OpenPage) -> Callable[..., Path]:
    """A picture of a page: ``photographed(url, "explore", ("narrow", "dark"))``."""

    def take(url: str, name: str, look: tuple[str, str]) -> Path:
        size, scheme = look
        page = open_page(url, width=WIDTHS[size], scheme=scheme)
        return photograph(page, f"{name}-{size}-{scheme}")

    return take
