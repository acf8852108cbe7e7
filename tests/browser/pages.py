"""What tests do with a page: wait for it, watch it, photograph it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import ConsoleMessage, Locator, Page, TimeoutError

SCREENSHOTS = Path(__file__).with_name("screenshots")
WIDTHS = {"wide": 1440, "narrow": 390}
SCHEMES = ("light", "dark")
EVERY = tuple(product(WIDTHS, SCHEMES))
BOTH = (("wide", "light"), ("narrow", "dark"))

DRAWN = '".rnnviz-chart[data-revision], [role=alert]:not([hidden])"'
SETTLED = f"""() => {{
  const app = document.querySelector('[data-testid="stApp"]');
  const isIdle = app?.dataset.testScriptState === "notRunning";
  const hasElements = document.querySelector('[data-testid="stElementContainer"]');
  const isLoading = document.querySelector('[data-testid="stSkeleton"]');
  if (!isIdle || !hasElements || isLoading) return false;
  const isDrawn = (place) => place.querySelector({DRAWN});
  return [...document.querySelectorAll(".stBidiComponent")].every(isDrawn);
}}"""

UNSETTLED = f"""() => ({{
  script: document.querySelector('[data-testid="stApp"]')?.dataset.testScriptState,
  skeletons: document.querySelectorAll('[data-testid="stSkeleton"]').length,
  blank: [...document.querySelectorAll(".stBidiComponent")]
    .filter((place) => !place.querySelector({DRAWN}))
    .map((place) => place.innerText || place.outerHTML.slice(0, 200)),
}})"""

REPAINTED = """([key, before]) =>
  Number(document.querySelector(`[data-chart="${key}"]`)?.dataset.revision) > before"""


@contextmanager
def watching(page: Page, host: str, problems: list[str]) -> Iterator[None]:
    """Write into ``problems`` each error on the page, and each request to another host."""

    def note_request(url: str) -> None:
        address = urlsplit(url)
        if address.scheme not in {"data", "blob"} and address.netloc != host:
            problems.append(f"asked another host: {url}")

    def note_line(line: ConsoleMessage) -> None:
        # Opened below the root, Streamlit first asks that folder for its server, and is told 404.
        is_probe = "/_stcore/" in line.location.get("url", "")
        if line.type == "error" and not is_probe:
            problems.append(line.text)

    listeners = {
        "console": note_line,
        "pageerror": lambda error: problems.append(str(error)),
        "request": lambda request: note_request(request.url),
        "websocket": lambda socket: note_request(socket.url),
    }
    for event, listener in listeners.items():
        page.on(event, listener)
    yield
    for event, listener in listeners.items():
        page.remove_listener(event, listener)


def settle(page: Page) -> None:
    """Wait until the script has run to its end and every chart is drawn or says why not."""
    try:
        page.wait_for_function(SETTLED)
    except TimeoutError as error:
        raise AssertionError(f"the page did not settle: {page.evaluate(UNSETTLED)}") from error


def chart(page: Page, key: str) -> Locator:
    """The chart that was given ``key``, with its heading."""
    return page.locator(f'[data-chart="{key}"]')


@contextmanager
def repainting(page: Page, key: str) -> Iterator[None]:
    """Wait, after what is done inside, until that chart has been redrawn."""
    before = int(chart(page, key).get_attribute("data-revision") or 0)
    yield
    page.wait_for_function(REPAINTED, arg=[key, before])


def looks(page: Page, url: str, kept: Sequence[tuple[str, str]] = EVERY) -> Iterator[str]:
    """Load an address, on a page that shows it wide and light, in other looks.

    One page is loaded again and again: it costs half of what as many profiles do, to the same
    pixels.
    """
    for size, scheme in kept:
        if (size, scheme) != ("wide", "light"):
            page.emulate_media(color_scheme=scheme)
            height = page.viewport_size["height"]
            page.set_viewport_size({"width": WIDTHS[size], "height": height})
            page.goto(url)
            settle(page)
        yield f"{size}-{scheme}"


def in_turn(*cases: tuple[str, str]) -> list[object]:
    """Each address and name wide and light or narrow and dark; the other by ``make test-long``."""
    return [
        pytest.param(*case, look, marks=[pytest.mark.long] if (n + m) % 2 else [])
        for n, case in enumerate(cases)
        for m, look in enumerate(BOTH)
    ]


def photograph(page: Page, name: str) -> Path:
    """A picture of the whole page, however tall, in the ignored folder ``screenshots``."""
    settle(page)
    size = page.viewport_size
    height = page.locator('[data-testid="stMain"]').evaluate("main => main.scrollHeight")
    page.set_viewport_size({"width": size["width"], "height": max(height, size["height"])})
    SCREENSHOTS.mkdir(exist_ok=True)
    path = SCREENSHOTS / f"{name}.png"
    page.screenshot(path=path)
    page.set_viewport_size(size)
    return path
