"""The app as its users have it: sliders, links, Back, training and files, in a real browser."""

import csv
import io
import json
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from browser.pages import BOTH, chart, in_turn, looks, photograph, repainting, settle
from playwright.sync_api import expect

import rnnviz as rv

SMALL = "hidden_size=12&steps=30&batch_size=4"


def slide(page, name):
    """Move a setting's slider by a key and wait until the time panel shows it."""
    with repainting(page, "time-panel"):
        page.locator(f".st-key-set-{name} input").press("ArrowRight")
    settle(page)


def verdict(page):
    return page.locator(".st-key-verdict p").first.inner_text()


def download(page, click):
    with page.expect_download() as waiting:
        click()
    return waiting.value


def test_the_app_opens_with_a_result(open_page, app):
    page = open_page(app)
    assert verdict(page).startswith("Vanishing. Each step back keeps ×0.6")
    for key in ("time-panel", "why-0", "why-1"):
        expect(chart(page, key).locator(".main-svg").first).to_be_visible()


def test_three_sliders_change_the_verdict_and_the_address(open_page, app):
    page = open_page(f"{app}/?{SMALL}")
    seen = [verdict(page)]
    for name in ("gain", "hidden_size", "steps"):
        slide(page, name)
        seen.append(verdict(page))
    assert len(set(seen)) == len(seen)
    assert "gain=1.05&" in page.url
    page.context.clear_cookies()  # the link says it all
    page.reload()
    settle(page)
    assert verdict(page) == seen[-1]


def test_back_and_forward_restore_what_was_on_screen_back_to_where_the_visit_began(open_page, app):
    page = open_page(app)
    shown = [verdict(page)]
    for _ in range(2):
        slide(page, "gain")
        shown.append(verdict(page))
    for move, at in ((page.go_back, 1), (page.go_back, 0), (page.go_forward, 1)):
        move()
        expect(page.locator(".st-key-verdict p").first).to_have_text(shown[at])
        assert ("?" in page.url) == (at > 0)


def test_a_broken_link_is_named_and_shows_the_rest(open_page, app):
    page = open_page(f"{app}/?{SMALL}&gain=nan&cell=%3Cscript%3Ewindow.PWN%3D1%3C%2Fscript%3E")
    notice = page.get_by_test_id("stAlert").inner_text()
    assert "gain must be in [0, 10], got nan; 1.0 is used." in notice
    assert "<script>" in notice
    assert page.evaluate("window.PWN") is None
    assert verdict(page)


def test_the_zoom_is_kept_while_a_slider_moves(open_page, app):
    page = open_page(f"{app}/?{SMALL}")
    plot = chart(page, "time-panel").locator(".js-plotly-plot")
    box = chart(page, "time-panel").locator(".nsewdrag").last.bounding_box()
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 4, y)
    page.mouse.down()
    page.mouse.move(box["x"] + 3 * box["width"] / 4, y, steps=5)
    page.mouse.up()
    zoomed = plot.evaluate("plot => plot._fullLayout.xaxis.range")
    slide(page, "gain")
    assert plot.evaluate("plot => plot._fullLayout.xaxis.range") == zoomed
    assert 5 < zoomed[0] < zoomed[1] < 25


def test_training_starts_outlives_a_look_at_another_page_and_stops_at_once(open_page, app):
    page = open_page(f"{app}/train?{SMALL}&iterations=100000")
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_text("steps a second")).to_be_visible(timeout=20_000)
    expect(chart(page, "look-prediction").locator(".main-svg").first).to_be_visible(timeout=20_000)
    page.get_by_role("link", name="Explore").click()
    expect(page.locator(".st-key-verdict")).to_be_visible()
    page.get_by_role("link", name="Train").click()
    expect(page.get_by_text("steps a second")).to_be_visible()
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_text("Stopped after")).to_be_visible(timeout=3_000)
    said = page.get_by_text("Stopped after").inner_text()
    assert int(re.search(r"after ([\d,]+) of", said)[1].replace(",", "")) > 0
    for key in ("loss", "gradient-norm", "gradient-map", "look-prediction"):
        expect(chart(page, key).locator(".main-svg").first).to_be_visible()


def test_every_chart_gives_csv_svg_and_png_of_what_it_draws(open_page, app):
    page = open_page(f"{app}/?{SMALL}")
    record = rv.run(rv.RunConfig(hidden_size=12, steps=30, batch_size=4))
    flow = rv.diagnostics.gradient_flow(record, "last")
    panel = chart(page, "time-panel")
    file = download(page, lambda: panel.get_by_role("button", name="CSV", exact=True).click())
    rows = list(csv.DictReader(io.StringIO(Path(file.path()).read_text(encoding="utf-8"))))
    measured = [float(r["y"]) for r in rows if r["trace"].startswith("measured")]
    np.testing.assert_allclose(measured, flow.log10_norm, rtol=1e-12)
    file = download(page, lambda: panel.get_by_role("button", name="SVG", exact=True).click())
    assert ElementTree.parse(file.path()).getroot().tag.endswith("svg")
    file = download(page, lambda: panel.get_by_role("button", name="PNG", exact=True).click())
    assert Path(file.path()).read_bytes().startswith(b"\x89PNG")
    assert file.suggested_filename.startswith("rnnviz-")


def test_the_record_and_the_page_can_be_taken_away(open_page, app, chromium):
    page = open_page(f"{app}/?{SMALL}")
    record = rv.run(rv.RunConfig(hidden_size=12, steps=30, batch_size=4))

    page.get_by_role("button", name="Take away").click()

    def take(label):
        return download(page, lambda: page.get_by_role("button", name=label).click())

    with np.load(take("Record as npz").path(), allow_pickle=False) as file:
        np.testing.assert_array_equal(file["l0.dh"], record.dh)
        assert json.loads(str(file["config"]))["hidden_size"] == 12
    rows = list(csv.DictReader(io.StringIO(Path(take("Record as CSV").path()).read_text())))
    assert len(rows) == record.h.size
    assert float(rows[-1]["dh"]) == record.dh[-1, -1, -1]
    html = take("This page as HTML")
    report = chromium.new_context().new_page()
    report.goto(Path(html.path()).rename(Path(html.path()).with_suffix(".html")).as_uri())
    report.wait_for_function("document.querySelectorAll('.plot .main-svg').length >= 3")
    assert "Each step back keeps" in report.inner_text("body")


@pytest.mark.parametrize(
    ("query", "name", "look"),
    in_turn(
        ("section=weights", "explore-weights"),
        ("section=check", "explore-check"),
        ("gain=0", "explore-gain-0"),
        ("cell=linear&init=normal&gain=10&steps=400&task=sine", "explore-overflow"),
        ("steps=1&hidden_size=1&batch_size=1", "explore-one"),
        ("loss_at=all&layers=3", "explore-all"),
        ("cell=lstm&section=why", "roads"),
        ("cell=lstm&section=gates&gate_bias=chrono", "gates"),
        ("cell=gru&section=depth&layers=3&directions=both", "depth"),
        ("cell=lstm&section=weights", "gate-weights"),
        ("section=sources&loss_at=all&scale=relative", "sources"),
        ("section=exponents", "exponents"),
        ("section=truncation&loss_at=all", "truncation"),
        ("section=states&colour=factor", "states"),
        ("section=surface&surface=cliff", "cliff"),
    ),
)
def test_pictures_of_explore(photographed, app, query, name, look):
    assert photographed(f"{app}/?{query}", name, look).stat().st_size > 10_000


@pytest.mark.long
def test_explore_in_every_look(open_page, app):
    page = open_page(app)
    for look in looks(page, app):
        assert photograph(page, f"explore-{look}").stat().st_size > 10_000


def test_another_cell_brings_its_gates_and_controls(open_page, app):
    page = open_page(f"{app}/?{SMALL}")
    assert page.get_by_role("radio", name="Gates").count() == 0
    with repainting(page, "time-panel"):
        page.locator(".st-key-set-cell input").click()
        page.get_by_role("option", name="LSTM", exact=True).click()
    settle(page)
    assert page.locator(".st-key-set-gate_bias").count() == 1
    page.get_by_role("radio", name="Gates").click()
    expect(chart(page, "gates-0")).to_be_visible()
    settle(page)
    slide(page, "gain")
    assert "section=gates" in page.url
    assert "cell=lstm" in page.url


def test_pictures_of_train(open_page, app):
    address = f"{app}/train?{SMALL}&iterations=150"
    page = open_page(address)
    page.get_by_role("button", name="Start", exact=True).click()
    for look in looks(page, address, BOTH):
        expect(page.get_by_text("Finished: 150 steps")).to_be_visible(timeout=30_000)
        assert photograph(page, f"train-{look}").stat().st_size > 10_000
