"""Pins on Explore and the Compare page, in a real browser."""

import pytest
from browser.pages import chart, in_turn, repainting, settle
from playwright.sync_api import expect

SMALL = "hidden_size=12&steps=30&batch_size=4"


def names(page, key):
    plot = chart(page, key).locator(".js-plotly-plot")
    return plot.evaluate("plot => plot._fullData.map((trace) => trace.name)")


def test_a_pinned_run_stays_on_the_chart_while_a_slider_moves(open_page, app):
    page = open_page(f"{app}/?{SMALL}")
    page.get_by_role("button", name="Pin this run").click()
    expect(page.get_by_role("button", name="Remove")).to_be_visible()
    settle(page)
    with repainting(page, "time-panel"):
        page.locator(".st-key-set-gain input").press("ArrowRight")
    settle(page)
    assert any(name.startswith("gain 1: measured") for name in names(page, "time-panel"))
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_role("button", name="Remove")).to_have_count(0)
    settle(page)
    assert not any(name.startswith("gain 1:") for name in names(page, "time-panel"))


def test_the_remedy_is_one_click_from_a_pair(open_page, app):
    page = open_page(f"{app}/?{SMALL}")
    page.get_by_role("link", name="Compare before and after").click()
    expect(chart(page, "gradient-by-lag").locator(".main-svg").first).to_be_visible()
    settle(page)
    assert "/compare" in page.url
    shown = names(page, "gradient-by-lag")
    assert shown[0] == "settings"
    assert shown[1].startswith("gain ")


def test_one_cursor_goes_through_every_run(open_page, app):
    page = open_page(f"{app}/?{SMALL}&pins=1:gain=1.4;2:gain=0.5")
    plot = chart(page, "time-panel").locator(".js-plotly-plot")
    axes = plot.evaluate("plot => plot._fullData.map((t) => t.xaxis)")
    assert set(axes) == {"x"}
    assert plot.evaluate("plot => plot._fullLayout.xaxis.spikemode") == "across"


@pytest.mark.parametrize(
    ("address", "name", "look"),
    in_turn(
        ("?pins=1:gain=1.4;2:cell=lstm", "pins"),
        ("?cell=lstm&section=gates&pins=1:gain=1.4;2:cell=gru", "pins-gates"),
        ("compare?columns=cell=lstm;init=orthogonal&sizes=parameters&seeds=3", "compare"),
        ("compare", "compare-empty"),
    ),
)
def test_pictures_of_pins_and_compare(photographed, app, address, name, look):
    assert photographed(f"{app}/{address}", name, look).stat().st_size > 8_000
