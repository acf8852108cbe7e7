"""The fast lane: pictures that come ahead of their page, and a page that does without it."""

import base64
from contextlib import contextmanager

import plotly.graph_objects as go
import pytest
from browser.pages import repainting
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from dashboard.chart.server import ADDRESS, version
from dashboard.chart.wire import encode
from rnnviz.figures.picture import plain

SHOW = """async ([address, payloads]) => {
  const { show } = await import(address);
  const place = document.body.appendChild(document.createElement("div"));
  const revision = () => Number(place.querySelector(".rnnviz-chart").dataset.revision ?? 0);
  const shown = [];
  for (const payload of payloads) {
    await show(place, Uint8Array.from(atob(payload), (c) => c.charCodeAt(0)));
    const end = performance.now() + 500;
    const before = revision();
    while (revision() === before && performance.now() < end) {
      await new Promise((done) => setTimeout(done, 10));
    }
    shown.push([place.querySelector(".js-plotly-plot")._fullData[0].y[0], revision()]);
  }
  return shown;
}"""


def sent(height, turn):
    """A payload whose curve starts at a height."""
    figure = go.Figure(go.Scatter(y=[height, 1.0]))
    words = dict.fromkeys(("question", "subtitle", "howToRead", "filename", "alt"), "words")
    message = {"key": "own", "height": 200, "lane": "", "figure": plain(figure), **words}
    return base64.b64encode(encode(message, turn)).decode()


def move(page):
    with repainting(page, "time-panel"):
        page.locator(".st-key-set-gain input").press("ArrowRight")


@contextmanager
def expect_frames(page, frames):
    """Wait, after what is done inside, for the three pictures of Explore."""
    page.wait_for_timeout(500)
    frames.clear()
    yield
    for _ in range(100):
        if len(frames) >= 3:
            return
        page.wait_for_timeout(50)
    pytest.fail(f"only {len(frames)} pictures came")


def test_pictures_come_by_the_lane(open_page, app):
    frames = []

    def listen(socket):
        if "/lane/" in socket.url:
            socket.on("framereceived", lambda frame: frames.append(frame))  # noqa: PLW0108

    page = open_page(app, prepare=lambda page: page.on("websocket", listen))
    with expect_frames(page, frames):
        move(page)
    assert frames[0].startswith(b"\x0atime-panel")


def test_a_page_without_the_lane_shows_the_same(open_page, app):
    def refuse(page):
        page.route_web_socket("**/lane/*", lambda socket: socket.close())

    page = open_page(app, prepare=refuse)
    move(page)
    move(page)


def test_an_older_picture_is_not_drawn_over_a_newer_one(open_page, charts_app):
    page = open_page(charts_app)
    address = f"{charts_app}/{ADDRESS}/{version()}/chart.js"
    payloads = [sent(0.1, 5), sent(0.2, 7), sent(0.3, 6), sent(0.2, 8), sent(0.4, 9)]
    shown = page.evaluate(SHOW, [address, payloads])
    assert shown == [[0.1, 1], [0.2, 2], [0.2, 2], [0.2, 2], [0.4, 3]]


def test_a_stranger_gets_no_pictures(open_page, app):
    open_page(app)
    with pytest.raises(InvalidStatus, match="403"):
        connect(f"{app.replace('http', 'ws')}/{ADDRESS}/lane/guess")
