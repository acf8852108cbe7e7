"""A report in a real Chromium: everything is drawn, and nothing is asked of any network."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

import rnnviz as rv
from rnnviz import figures
from rnnviz.report import write_html

HOSTILE = "</script><img src=https://example.org/x.png onerror=alert(1)>"


@pytest.fixture
def report(tmp_path: Path) -> Path:
    record = rv.run(rv.RunConfig(steps=20, hidden_size=6, batch_size=3))
    flow, spectrum = (
        rv.diagnostics.gradient_flow(record),
        rv.diagnostics.eigenvalues(record.network),
    )
    drawn = [
        figures.time_panel(record, flow, spectrum=spectrum, caption=HOSTILE),
        figures.eigenvalues(spectrum),
        figures.weights(record.network, caption="gain 1"),
    ]
    path = tmp_path / "report.html"
    path.write_text(write_html(drawn, title=HOSTILE, settings={HOSTILE: HOSTILE}), encoding="utf-8")
    return path


@pytest.fixture
def opened(chromium: Browser, report: Path) -> tuple[Page, list[str]]:
    """The page, and every address it asked for and error it met."""
    page, seen = chromium.new_context().new_page(), []
    page.on("request", lambda request: seen.append(request.url))
    page.on("pageerror", lambda error: seen.append(str(error)))
    page.on("console", lambda message: seen.append(message.text))
    page.goto(report.as_uri())
    page.wait_for_function("document.querySelectorAll('.plot .main-svg').length >= 3")
    return page, seen


def test_every_figure_is_drawn_and_nothing_is_asked_of_a_network(opened, report):
    page, seen = opened
    for plot in page.query_selector_all(".plot"):
        assert plot.query_selector(".plot-container") is not None
        assert plot.bounding_box()["height"] > 200
    outside = [url for url in seen if not url.startswith(("data:", "blob:", report.as_uri()))]
    assert outside == []


def test_text_from_outside_stays_text(opened):
    page, _ = opened
    assert page.inner_text("h1") == HOSTILE
    assert page.locator("main img").count() == 0
    annotations = page.locator(".annotation-text").all_text_contents()
    assert any(HOSTILE[:20] in text for text in annotations)
