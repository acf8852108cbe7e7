"""Pictures under the finger: a slider that is dragged, scrubbed or pressed, and a film."""

import contextlib

import pytest
from browser.pages import chart, settle
from playwright.sync_api import expect

LISTEN = """
window.painted = [];
document.addEventListener("rnnviz:painted", (e) => window.painted.push(e.detail.key));
"""
SMALL = "hidden_size=12&steps=20&batch_size=3&task=sine"
CURVE = """(key) => [...document.querySelector(`[data-chart="${key}"] .js-plotly-plot`)
  .data.findLast((trace) => trace.y && trace.type === "scatter").y]"""

MARKS = """() => JSON.stringify(
  document.querySelector('[data-chart="loss"] .js-plotly-plot').layout.shapes)"""


DRAWN = """() => {
  const seen = ["transform", "d", "x", "y", "width", "height", "style", "data-index"];
  const words = (node) => (node.childElementCount ? "" : node.textContent);
  const told = (node) => seen.map((name) => node.getAttribute(name)).join() + words(node);
  const plot = document.querySelector('[data-chart="time-panel"] .js-plotly-plot');
  return [...plot.querySelectorAll("svg.main-svg *")].map(told).sort();
}"""
CELLS = """async () => {
  const images = document.querySelectorAll('[data-chart="time-panel"] g.hm image');
  const cells = await Promise.all([...images].map(async (drawn) => {
    const image = Object.assign(new Image(), { src: drawn.getAttribute("href") });
    await image.decode();
    const pen = new OffscreenCanvas(image.width, image.height).getContext("2d");
    pen.drawImage(image, 0, 0);
    return [...pen.getImageData(0, 0, image.width, image.height).data];
  }));
  return cells.flat();
}"""
LINKED = """() => {
  const thumb = document.querySelector(".st-key-set-gain [data-testid=stSliderThumbValue]");
  return location.search.includes(`gain=${thumb.innerText.trim()}&`);
}"""
STILL = """() => {
  const before = window.seen;
  window.seen = window.painted.length;
  return window.seen > 1 && window.seen === before;
}"""


def listen(page):
    page.add_init_script(LISTEN)


def thumb_of(page, field):
    return page.locator(f"[class*=st-key-{field}] [data-testid=stSliderThumbValue]").locator("..")


@contextlib.contextmanager
def dragging(page, field, share):
    """Hold a slider at a share of its track, and let go."""
    slider = page.locator(f"[class*=st-key-{field}] [data-testid=stSlider]")
    slider.scroll_into_view_if_needed()
    place, track = thumb_of(page, field).bounding_box(), slider.bounding_box()
    y = place["y"] + place["height"] / 2
    page.mouse.move(place["x"] + place["width"] / 2, y)
    page.mouse.down()
    page.mouse.move(track["x"] + track["width"] * share, y, steps=4)
    yield
    page.mouse.up()


def words(page):
    return page.locator("[data-words=verdict]").inner_text()


def test_words_and_pictures_follow_a_slider_and_are_the_pages_own_on_release(open_page, app):
    page = open_page(f"{app}/?{SMALL}&gain=1", prepare=listen)
    link, before, curve = page.url, words(page), page.evaluate(CURVE, "time-panel")
    with dragging(page, "set-gain", 0.8):
        expect(page.locator("[data-words=verdict]")).not_to_have_text(before)
        page.wait_for_function("window.painted.includes('why-0')")
        assert page.evaluate(CURVE, "time-panel") != curve
        assert page.url == link
    page.wait_for_function(LINKED)
    settle(page)
    shown = words(page)
    gain = thumb_of(page, "set-gain").inner_text().strip()
    assert f"gain={gain}&" in page.url
    assert page.evaluate("!document.body.classList.contains('rnnviz-following')")
    whole = page.evaluate("document.querySelector('[data-chart=time-panel] .js-plotly-plot').data")
    assert not any((trace.get("meta") or {}).get("filled") for trace in whole)
    page.reload()
    settle(page)
    assert words(page) == shown


def test_what_is_moved_is_what_would_be_drawn_anew(open_page, app):
    page = open_page(f"{app}/?{SMALL}&gain=1", prepare=listen)
    with dragging(page, "set-gain", 0.6):
        page.wait_for_function(STILL, polling=500)
        heading = page.locator("[data-chart=time-panel] .annotation").first.element_handle()
        place = thumb_of(page, "set-gain").bounding_box()
        at = place["x"] + 40, place["y"] + place["height"] / 2
        page.mouse.move(*at, steps=9)
        page.wait_for_function(STILL, polling=500)
        assert heading.evaluate("node => node.isConnected"), "it was all drawn anew"
        moved, cells = page.evaluate(DRAWN), page.evaluate(CELLS)
        page.evaluate(
            "Plotly.redraw(document.querySelector('[data-chart=time-panel] .js-plotly-plot'))"
        )
        assert page.evaluate(DRAWN) == moved
    page.wait_for_function(LINKED)
    settle(page)
    thumb = thumb_of(page, "set-gain").bounding_box()
    assert thumb["x"] + thumb["width"] / 2 == pytest.approx(at[0], abs=3)
    assert page.evaluate(CELLS) == pytest.approx(cells, abs=2)
    whole = page.evaluate(DRAWN)
    page.reload()
    settle(page)
    assert page.evaluate(DRAWN) == whole


def test_a_key_that_is_held_is_followed_too(open_page, app):
    page = open_page(f"{app}/?{SMALL}&gain=1", prepare=listen)
    before = words(page)
    thumb = page.locator(".st-key-set-gain input[type=range]")
    for _ in range(5):
        thumb.press("ArrowRight")
    expect(page.locator("[data-words=verdict]")).not_to_have_text(before)
    settle(page)
    gain = thumb_of(page, "set-gain").inner_text().strip()
    page.wait_for_url(lambda url: f"gain={gain}&" in url)


def test_without_the_route_the_page_follows_on_release(open_page, app, problems):
    def refuse(page):
        page.route("**/rnnviz/follow/**", lambda route: route.abort())

    page = open_page(f"{app}/?{SMALL}&gain=1", prepare=refuse)
    before = words(page)
    with dragging(page, "set-gain", 0.8):
        page.wait_for_timeout(300)
        assert words(page) == before
    expect(page.locator("[data-words=verdict]")).not_to_have_text(before)
    settle(page)
    problems.clear()  # the browser's own lines on what was refused


@pytest.fixture
def trained(open_page, app):
    page = open_page(f"{app}/train?{SMALL}&iterations=40", prepare=listen)
    page.get_by_role("button", name="Start", exact=True).click()
    page.get_by_text("Finished: 40 steps").wait_for()
    settle(page)
    return page


def test_a_training_is_scrubbed_under_the_finger_and_played_like_a_film(trained):
    page = trained
    latest = page.evaluate(MARKS)
    with dragging(page, "scrub-", 0.1):
        page.wait_for_function(f"(before) => ({MARKS})() !== before", arg=latest)
        assert "at=latest" in page.url or "at=" not in page.url
    page.wait_for_url(lambda url: "at=latest" not in url and "at=" in url)
    settle(page)
    film = chart(page, "gradient-map").get_by_role("button", name="Play")
    film.click()
    page.wait_for_url("**at=39*")
    settle(page)
    expect(film).to_be_visible()
