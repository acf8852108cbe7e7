"""Sweep in a real browser: the map, and the run behind a cell."""

from urllib.parse import parse_qs, urlsplit

import pytest
from browser.pages import chart, in_turn, settle
from playwright.sync_api import expect

SMALL = (
    "hidden_size=12&steps=20&batch_size=3&sweep_seeds=2&knobs=gain=0.5:1.5:3;input_scale=0.5,2.0"
)


def opened_run(page):
    """The settings in the address of Explore, once it is there."""
    expect(chart(page, "time-panel").locator(".main-svg").first).to_be_visible()
    settle(page)
    address = urlsplit(page.url)
    assert not address.path.endswith("sweep")
    return parse_qs(address.query)


def test_a_run_is_opened_in_explore_by_its_values_and_by_a_click_on_its_cell(open_page, app):
    page = open_page(f"{app}/sweep?{SMALL}")
    expect(page.get_by_text("Finished: 12 runs.")).to_be_visible(timeout=60_000)
    page.get_by_role("button", name="Open this run in Explore").click()
    query = opened_run(page)
    assert (query["gain"], query["input_scale"]) == (["0.5"], ["0.5"])

    page.go_back()
    plot = chart(page, "phase-map").locator(".js-plotly-plot")
    plot.locator(".nsewdrag").first.wait_for()
    settle(page)
    box = plot.locator(".nsewdrag").first.bounding_box()
    page.mouse.click(box["x"] + 0.83 * box["width"], box["y"] + 0.25 * box["height"])
    query = opened_run(page)
    assert (query["gain"], query["input_scale"], query["seed"]) == (["1.5"], ["2.0"], ["0"])


@pytest.mark.parametrize(
    ("address", "name", "look"),
    in_turn(
        (f"sweep?{SMALL}", "sweep"),
        ("sweep?hidden_size=12&steps=20&batch_size=3&knobs=cell=tanh,lstm,gru", "sweep-cells"),
    ),
)
def test_pictures_of_sweeps(photographed, app, address, name, look):
    assert photographed(f"{app}/{address}", name, look).stat().st_size > 8_000
