"""A report holds its figures and their words, and nothing that it was given can act in it."""

import json
import re

import plotly.graph_objects as go
import pytest

import rnnviz as rv
from rnnviz import figures
from rnnviz.figures.theme import PALETTES
from rnnviz.report import write_html

HOSTILE = '</script><script>alert(1)</script><img src=x onerror=alert(2)> & "quoted"'


@pytest.fixture(scope="module")
def drawn():
    record = rv.run(rv.RunConfig(steps=12, hidden_size=4, batch_size=2, task="sine"))
    flow = rv.diagnostics.gradient_flow(record)
    saturation = rv.diagnostics.saturation(record)
    return [
        figures.time_panel(record, flow, caption=HOSTILE),
        figures.saturation(saturation, caption="gain 1"),
    ]


@pytest.fixture(scope="module")
def page(drawn):
    return write_html(
        drawn,
        title=f"Title {HOSTILE}",
        verdict=f"Vanishing. {HOSTILE}",
        intro=f"First.\n\nSecond {HOSTILE}",
        settings={"gain": 1.0, HOSTILE: HOSTILE},
    )


def embedded(page):
    (text,) = re.findall(r'<script type="application/json" id="figures">(.*?)</script>', page, re.S)
    return json.loads(text)


def test_the_page_holds_every_figure_as_it_is(page, drawn):
    assert embedded(page) == [json.loads(figure.to_json()) for figure in drawn]


def test_each_figure_stands_between_its_question_and_its_guide(page, drawn):
    assert page.count('<div class="plot"') == len(drawn)
    for figure in drawn:
        assert f"<h2>{figure.layout.meta['question']}</h2>" in page
        assert (
            figure.layout.meta["how_to_read"].split("\n\n")[0][:40].replace("'", "&#x27;") in page
        )
        assert f"height:{figure.layout.height}px" in page
    assert page.count('role="img" aria-label="') == len(drawn)


def test_title_verdict_intro_and_settings_are_text(page):
    body = page[page.index("<main>") : page.index("</main>")]
    assert "<img" not in body
    assert "<script" not in body
    assert body.count("&lt;img src=x onerror=alert(2)&gt; &amp; &quot;quoted&quot;") == 5
    assert "<th>gain</th><td>1.0</td>" in body


def test_nothing_in_the_page_comes_from_elsewhere(page):
    head = page[: page.index("<main>")]
    assert "default-src 'none'" in head
    assert not re.search(
        r"<(?:script|link|img|iframe)[^>]*\s(?:src|href)=", page[: page.index("</main>")]
    )
    assert "<script src" not in page
    assert "Plotly.newPlot" in page


def test_equal_figures_give_equal_pages(drawn):
    assert write_html(drawn, title="A") == write_html(drawn, title="A")


def test_a_page_is_as_dark_as_its_figures():
    saturation = rv.diagnostics.saturation(rv.run(rv.RunConfig(steps=3, hidden_size=2)))
    for theme, palette in PALETTES.items():
        page = write_html([figures.saturation(saturation, theme=theme)], title="A")
        assert f"background: {palette.paper}" in page


def test_a_page_needs_neither_figures_nor_settings():
    page = write_html([], title="Empty")
    assert embedded(page) == []
    assert "<table>" not in page
    assert 'class="verdict"' not in page


def test_nothing_inside_a_figure_can_end_the_script_that_holds_it():
    figure = go.Figure(go.Scatter(y=[1, 2], name=HOSTILE), layout={"meta": {"alt": HOSTILE}})
    page = write_html([figure], title="A")
    assert embedded(page)[0]["data"][0]["name"] == HOSTILE
    assert "<img src=x" not in page[: page.index("Plotly.newPlot")].partition("<main>")[2]


def test_a_figure_of_somebody_elses_is_drawn_without_words():
    page = write_html([go.Figure(go.Scatter(y=[1, 2]))], title="Plain")
    assert '<div class="plot" style="height:450px"' in page
    assert "<details>" not in page
