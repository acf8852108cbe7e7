"""A chart in a real browser: it stays in place, keeps what was done to it, and gives its files."""

import csv
import io
import json
import math
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from browser.pages import BOTH, chart, looks, photograph, repainting, settle

import rnnviz as rv
from dashboard.chart.server import ADDRESS, version
from dashboard.chart.wire import encode


@pytest.fixture
def page(open_page, charts_app):
    return open_page(charts_app)


def move(page, key="curves", presses=1):
    """Move the slider by one step and wait for the chart."""
    for _ in range(presses):
        with repainting(page, key):
            page.locator('[data-testid="stSlider"] input').press("ArrowRight")


def download(page, key, name):
    with page.expect_download() as waiting:
        chart(page, key).get_by_role("button", name=name, exact=True).click()
    return waiting.value


def rows(page, key):
    file = download(page, key, "CSV")
    assert file.suggested_filename.endswith(".csv")
    return list(csv.reader(io.StringIO(Path(file.path()).read_text(encoding="utf-8"))))


def x_range(page, key="curves"):
    plot = chart(page, key).locator(".js-plotly-plot")
    return plot.evaluate("plot => plot._fullLayout.xaxis.range")


def zoom(page, key="curves"):
    """Drag over the middle half of the plot."""
    box = chart(page, key).locator(".nsewdrag").bounding_box()
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 4, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, y, steps=3)
    page.mouse.move(box["x"] + 3 * box["width"] / 4, y, steps=3)
    page.mouse.up()
    chart(page, key).get_by_role("button", name="Reset zoom").wait_for()


def test_new_numbers_are_drawn_in_the_same_element(page):
    page.evaluate("""() => {
      const plot = document.querySelector("[data-chart=curves] .js-plotly-plot");
      plot.dataset.mark = "the same";
      window.blanks = 0;
      const isBlank = () => !plot.querySelector(".scatterlayer path.js-line");
      const look = () => { window.blanks += isBlank(); };
      new MutationObserver(look).observe(plot, { childList: true, subtree: true });
      const frame = () => { look(); requestAnimationFrame(frame); };
      frame();
    }""")
    move(page, presses=3)
    plot = chart(page, "curves").locator(".js-plotly-plot")
    assert plot.get_attribute("data-mark") == "the same"
    assert page.evaluate("document.querySelector('[data-mark]')._fullData[0].y[0]") == 1.3 * 0.1
    assert page.evaluate("window.blanks") == 0
    assert page.locator("iframe").count() == 0


def test_a_zoom_outlives_new_numbers_and_can_be_taken_back(page):
    whole = x_range(page)
    zoom(page)
    zoomed = x_range(page)
    assert zoomed != whole
    move(page, presses=2)
    assert x_range(page) == zoomed
    with repainting(page, "curves"):
        chart(page, "curves").get_by_role("button", name="Reset zoom").click()
    assert x_range(page) == whole
    assert not chart(page, "curves").get_by_role("button", name="Reset zoom").is_visible()


def test_a_chart_that_did_not_change_is_not_drawn_again(page):
    move(page)
    assert chart(page, "curves").get_attribute("data-revision") == "2"
    assert chart(page, "still").get_attribute("data-revision") == "1"


def test_a_guide_opens_with_the_keyboard_and_outlives_new_numbers(page):
    link = chart(page, "curves").get_by_role("button", name="How to read this")
    guide = page.locator(f"#{link.get_attribute('aria-controls')}")
    assert link.get_attribute("aria-expanded") == "false"
    assert not guide.is_visible()
    link.focus()
    page.keyboard.press("Enter")
    assert link.get_attribute("aria-expanded") == "true"
    assert guide.locator("p").all_inner_texts() == [
        "The line is the norm at each step.",
        "<i>Steep</i> means fast.",
    ]
    move(page)
    assert guide.is_visible()
    assert not chart(page, "matrix").get_by_role("button", name="How to read this").is_visible()


def test_words_are_text_and_the_picture_has_an_alternative(page):
    section = chart(page, "curves")
    heading = section.get_by_role("heading")
    assert heading.inner_text() == "How much <b>gradient</b> reaches each step?"
    assert section.get_by_role("img", name="Gradient norm against time step").count() == 1


def test_csv_has_every_drawn_number_to_the_last_digit(page):
    header, *lines = rows(page, "curves")
    assert header == ["trace", "x", "y"]
    assert {line[0] for line in lines} == {"'=measured, ht", "theory"}
    measured = [(float(x), float(y)) for name, x, y in lines if name != "theory"]
    assert [x for x, _ in measured] == [0, 1, 2, 3, 4]
    assert [y for _, y in measured][:3] == [0.1, 1 / 3, 1e-300]
    assert math.isnan(measured[3][1])
    assert measured[4][1] == math.inf
    assert [line[1:] for line in lines if line[0] == "theory"] == [
        ["0", "1"],
        ["1", "-2.5"],
        ["2", "4"],
    ]


def test_csv_of_a_matrix_has_one_row_for_each_cell(page):
    header, *lines = rows(page, "matrix")
    assert header == ["trace", "x", "y", "z"]
    assert [line[:3] for line in lines[:3]] == [["h", "a", "0"], ["h", "'-b", "0"], ["h", "c", "0"]]
    expected = np.arange(6, dtype=np.float32) / 7
    assert [float(line[3]) for line in lines] == [float(value) for value in expected]


CELLS = [
    ("-1.5e3", "-1.5e3"),
    ("+1", "+1"),
    ("=1+1", "'=1+1"),
    ("@SUM(A1)", "'@SUM(A1)"),
    ("-", "'-"),
    ('a "b", c', '"a ""b"", c"'),
    (-1.5, "-1.5"),
    (1e21, "1e+21"),
    (0.1, "0.1"),
    (None, "nan"),
]


def test_csv_escapes_what_a_spreadsheet_would_run_and_no_number(page):
    module = f"/{ADDRESS}/{version()}/csv.js"
    values, texts = zip(*CELLS, strict=True)
    script = "async ([module, values]) => values.map((await import(module)).cell)"
    assert page.evaluate(script, [module, values]) == list(texts)


def test_pictures_are_named_and_carry_the_question(page):
    svg = download(page, "curves", "SVG")
    assert svg.suggested_filename == "gradient-flow.svg"
    words = list(ElementTree.parse(svg.path()).getroot().itertext())
    assert "How much <b>gradient</b> reaches each step?" in words
    assert "∂L/∂hₜ of the last step's loss; time runs right to left" in words
    png = download(page, "curves", "PNG")
    assert png.suggested_filename == "gradient-flow.png"
    head = Path(png.path()).read_bytes()[:24]
    width, height = int.from_bytes(head[16:20]), int.from_bytes(head[20:24])
    shown = page.evaluate(
        "document.querySelector('[data-chart=curves] .js-plotly-plot').clientWidth"
    )
    assert (width, height) == (2 * shown, 2 * (420 + 56))


@pytest.mark.parametrize("width", [390, 1440])
def test_a_chart_fills_its_place_and_follows_it(open_page, charts_app, width):
    page = open_page(charts_app, width=width)
    measure = """() => {
      const plot = document.querySelector("[data-chart=curves] .js-plotly-plot");
      const svg = plot.querySelector(".main-svg");
      const width = Math.floor(plot.getBoundingClientRect().width);
      return [width, plot._fullLayout.width, svg.clientWidth];
    }"""
    assert len(set(page.evaluate(measure))) == 1
    before = page.evaluate(measure)[1]
    page.set_viewport_size({"width": width - 60, "height": 800})
    page.wait_for_function(f"before => ({measure})()[1] < before", arg=before)
    assert len(set(page.evaluate(measure))) == 1
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_links_are_side_by_side_and_below_the_question_on_a_phone(open_page, charts_app):
    page = open_page(charts_app, width=390)
    section = chart(page, "curves")
    boxes = [
        section.get_by_role("button", name=name).bounding_box() for name in ("CSV", "PNG", "SVG")
    ]
    assert len({box["y"] for box in boxes}) == 1
    assert all(box["height"] >= 24 for box in boxes)
    assert boxes[0]["y"] > section.get_by_role("heading").bounding_box()["y"] + 20


def test_a_chart_that_cannot_be_drawn_says_so_and_leaves_the_others_alone(page):
    page.evaluate("""() => {
      const react = Plotly.react;
      Plotly.react = (plot, ...rest) => {
        if (plot.closest("[data-chart=curves]")) throw new Error("no such colour");
        return react(plot, ...rest);
      };
      window.mend = () => { Plotly.react = react; };
    }""")
    with repainting(page, "matrix"):
        page.locator('[data-testid="stSlider"] input').press("ArrowRight")
    alert = chart(page, "curves").get_by_role("alert")
    assert alert.inner_text() == "This chart could not be drawn: no such colour"
    page.evaluate("mend()")
    move(page)
    assert not alert.is_visible()
    assert chart(page, "curves").get_by_role("img", name="Gradient norm").is_visible()


def test_without_plotly_each_chart_says_so_and_the_page_stays(open_page, charts_app, problems):
    def refuse(page):
        page.route("**/plotly.min.js", lambda route: route.abort())

    page = open_page(charts_app, prepare=refuse)
    assert "did not arrive" in chart(page, "curves").get_by_role("alert").inner_text()
    assert page.locator('[data-testid="stSlider"]').is_visible()
    assert problems
    problems.clear()


def test_without_its_module_a_chart_says_so_in_one_line(open_page, charts_app, problems):
    page = open_page(charts_app)
    page.route("**/chart.js", lambda route: route.abort())
    page.reload()
    line = page.get_by_text("The server did not send what draws charts.").first
    line.wait_for()
    assert page.locator('[data-testid="stSlider"]').is_visible()
    problems.clear()


def test_a_chart_that_leaves_the_page_comes_back_whole(page):
    page.get_by_text("Show the third chart").click()
    chart(page, "still").wait_for(state="detached")
    page.get_by_text("Show the third chart").click()
    chart(page, "still").locator(".scatterlayer").wait_for()
    settle(page)
    assert chart(page, "still").count() == 1


def test_quick_moves_end_at_the_last_value(page):
    slider = page.locator('[data-testid="stSlider"] input')
    for _ in range(8):
        slider.press("ArrowRight")
    shown = "document.querySelector('[data-chart=curves] .js-plotly-plot')._fullData[0].y[0]"
    page.wait_for_function(f"Math.abs({shown} - 0.18) < 1e-12")


def test_both_themes_and_both_widths_can_be_looked_at(open_page, charts_app):
    page = open_page(charts_app)
    for look in looks(page, charts_app, BOTH):
        assert photograph(page, f"charts-{look}").stat().st_size > 8_000


def test_a_painted_chart_tells_the_page(page):
    page.evaluate("""() => {
      window.painted = [];
      document.addEventListener("rnnviz:painted", (event) => painted.push(event.detail));
    }""")
    move(page)
    assert {"key": "curves", "revision": 2} in json.loads(page.evaluate("JSON.stringify(painted)"))


PLACE = """([key, x, y]) => {
  const plot = document.querySelector(`[data-chart=${key}] .js-plotly-plot`);
  const { xaxis, yaxis } = plot._fullLayout;
  const box = plot.getBoundingClientRect();
  const top = box.y + yaxis._offset;
  return [box.x + xaxis._offset + xaxis.l2p(x), top + yaxis.l2p(y)];
}"""


HOVERED = """([key, x]) =>
  document.querySelector(`[data-chart=${key}] .js-plotly-plot`)._hoverdata?.[0].x === x"""


def click_on(page, key, x, y):
    """Point at a place in a chart, and click when the chart has noticed."""
    page.mouse.move(*page.evaluate(PLACE, [key, x, y]))
    page.wait_for_function(HOVERED, arg=[key, x])
    page.mouse.down()
    page.mouse.up()


def test_a_click_on_a_point_tells_the_page_its_x(page):
    click_on(page, "curves", 2, 4)
    page.get_by_text("Clicked at 2").wait_for()
    move(page)  # a rerun that is no click keeps what the page made of the last one
    assert page.get_by_text("Clicked at 2").is_visible()
    click_on(page, "curves", 1, -2.5)
    page.get_by_text("Clicked at 1").wait_for()


SHOW = """async ([module, bytes]) => {
  const place = document.createElement("div");
  place.style = "position: fixed; inset: 0; z-index: 1e6; background: white";
  document.body.append(place);
  const { show } = await import(module);
  await show(place, Uint8Array.from(bytes));
}"""
OUT_OF_ORDER = """async ([module, older, newer]) => {
  const place = document.createElement("div");
  document.body.append(place);
  const { show } = await import(module);
  const heard = [];
  const leaveNewer = await show(place, Uint8Array.from(newer), () => heard.push("newer"));
  const leaveOlder = await show(place, Uint8Array.from(older), () => heard.push("older"));
  leaveOlder();
  while (!place.querySelector("[data-revision]")) await new Promise(requestAnimationFrame);
  const plot = place.querySelector(".js-plotly-plot");
  plot.emit("plotly_click", { points: [{ x: 1 }] });
  const seen = [...plot._fullData[0].y];
  place.remove();
  leaveNewer();
  return { seen, heard, left: place.childElementCount };
}"""


def test_of_two_reruns_in_the_wrong_order_the_newer_one_stays(page):
    def message(turn):
        drawn = {"data": [{"type": "scatter", "y": [turn, turn]}], "layout": {}}
        told = dict.fromkeys(("question", "subtitle", "howToRead", "filename", "alt", "lane"), "")
        return list(
            encode({"key": "o", "height": 200, "clicks": True, "figure": drawn} | told, turn)
        )

    module = f"{ADDRESS}/{version()}/chart.js"
    found = page.evaluate(OUT_OF_ORDER, [f"/{module}", message(1), message(2)])
    assert found == {"seen": [2, 2], "heard": ["newer"], "left": 0}


BARS = """() => {
  const plot = document.querySelector("[data-chart=itemized] .js-plotly-plot");
  const bars = plot._fullData.findIndex((trace) => trace.meta?.columnOf !== undefined);
  const heading = plot._fullLayout.annotations[0].text;
  const range = plot._fullLayout.xaxis.range;
  return { heights: [...plot._fullData[bars].y], heading, range };
}"""


def test_bars_follow_the_column_under_the_cursor_and_come_back(page):
    settings = {"steps": 12, "hidden_size": 4, "task": "sine", "loss_at": "all"}
    result = rv.diagnostics.itemized(rv.run(rv.RunConfig(**settings)))
    figure = rv.figures.itemized(result, at=3)
    message = {"key": "itemized", "question": "Which loss?", "subtitle": "", "howToRead": ""}
    message |= {"filename": "itemized", "alt": "A triangle", "lane": "", "height": 560}
    message |= {"figure": {"data": list(figure._data), "layout": figure._layout}}
    module = f"/{ADDRESS}/{version()}/chart.js"
    page.evaluate(SHOW, [module, list(encode(message, 1))])
    chart(page, "itemized").locator(".barlayer").first.wait_for()
    before = page.evaluate(BARS)
    assert "state t = 3," in before["heading"]

    place = chart(page, "itemized").locator(".nsewdrag[data-subplot=xy]").bounding_box()
    column, row = 7, 10
    x = place["x"] + place["width"] * (column + 0.5) / 13
    page.mouse.move(x, place["y"] + place["height"] * (1 - (row + 0.5) / 12))
    page.wait_for_function(f"({BARS})().heading.includes('state t = {column},')")
    during = page.evaluate(BARS)
    floor = figure.data[-1].base
    expected = np.maximum(result.log10_norm[:, column] - floor, 0)
    np.testing.assert_allclose(during["heights"], expected, rtol=1e-5)
    assert during["heights"] != before["heights"]

    page.mouse.move(1, 1)
    page.wait_for_function(f"({BARS})().heading.includes('state t = 3,')")
    assert page.evaluate(BARS) == before
