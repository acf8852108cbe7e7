"""A picture as a file is as wide as asked, has its words, and takes a bounded time."""

import csv
import io
import os
import re
import struct
import time
import zlib

import numpy as np
import plotly.graph_objects as go
import pytest

import rnnviz as rv
from rnnviz.figures.theme import PALETTES
from rnnviz.takeaway.picture import (
    FORMATS,
    PATIENCE,
    WIDTHS,
    _laid,
    _on_paper,
    _turn,
    _with_density,
    browser,
    picture,
)
from rnnviz.takeaway.points import to_csv


@pytest.fixture(scope="module")
def figure():
    network = rv.run(rv.RunConfig(hidden_size=6, steps=5, batch_size=2)).network
    return rv.figures.eigenvalues(rv.diagnostics.eigenvalues(network), caption="gain <1>")


def rows(text):
    return list(csv.reader(io.StringIO(text)))


@pytest.mark.browser
@pytest.mark.skipif(browser() is None, reason="there is no browser")
def test_a_picture_is_as_wide_on_paper_as_asked(figure):
    drawn = picture(figure, "pdf", "column", patience=90)
    (box,) = re.findall(rb"/MediaBox \[0 0 ([\d.]+) [\d.]+\]", drawn)
    assert float(box) / 72 * 25.4 == pytest.approx(85, abs=0.2)


def test_a_png_says_how_wide_it_is_on_paper():
    bare = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sIIBBBBBI", 13, b"IHDR", 7, 5, 8, 6, 0, 0, 0, 0)
    told = _with_density(bare + b"rest", WIDTHS["column"])
    length, kind, x, y, unit, crc = struct.unpack(">I4sIIBI", told[len(bare) : -4])
    assert (length, kind, x, y, unit) == (9, b"pHYs", 11811, 11811, 1)
    assert crc == zlib.crc32(told[len(bare) + 4 : -8])
    assert told.startswith(bare)
    assert told.endswith(b"rest")


@pytest.mark.parametrize("width", WIDTHS)
def test_the_words_stand_above_the_picture_in_lines_that_fit(width, figure):
    pixels = WIDTHS[width].pixels
    bare, drawn = (_laid(figure, pixels, headed=headed)["layout"] for headed in (False, True))
    above = drawn["height"] - bare["height"]
    assert drawn["margin"]["t"] - bare["margin"]["t"] == above > 30
    subtitle, question = drawn["annotations"][-2:]
    assert question["text"].replace("<br>", " ") == f"<b>{figure.layout.meta['question']}</b>"
    assert subtitle["text"].replace("<br>", " ") == figure.layout.meta["subtitle"]
    assert question["yshift"] > subtitle["yshift"] >= bare["margin"]["t"]
    assert max(map(len, subtitle["text"].split("<br>"))) * 5 < pixels
    assert bare["annotations"] == drawn["annotations"][:-2]


def test_what_stands_above_a_picture_is_text():
    meta = {"question": "a < b & <b>c</b>", "subtitle": ""}
    drawn = _laid(go.Figure(go.Scatter(y=[1]), {"meta": meta}), 390, headed=True)["layout"]
    (question,) = drawn["annotations"]
    assert question["text"] == "<b>a &lt; b &amp; &lt;b&gt;c&lt;/b&gt;</b>"


def test_laying_a_picture_out_changes_nothing_in_it(figure):
    before = figure.to_json()
    _laid(figure, 390, headed=True)
    assert figure.to_json() == before


def test_an_svg_keeps_its_shape_on_paper():
    svg = b'<svg width="780" height="390" viewBox="0 0 780 390"><rect width="780"/></svg>'
    on_paper = _on_paper(svg, WIDTHS["page"])
    assert on_paper.startswith(b'<svg width="170mm" height="85mm" viewBox="0 0 780 390">')
    assert on_paper.endswith(b'<rect width="780"/></svg>')


def test_html_is_as_dark_as_the_picture_and_has_its_question(figure):
    spectrum = rv.diagnostics.eigenvalues(rv.run(rv.RunConfig(hidden_size=3, steps=2)).network)
    page = picture(rv.figures.eigenvalues(spectrum, theme="dark"), "html").decode()
    assert f"background: {PALETTES['dark'].paper}" in page
    assert f"<h1>{figure.layout.meta['question']}</h1>" in page


def test_without_a_browser_one_sentence_says_what_to_take(figure, monkeypatch):
    monkeypatch.setenv("BROWSER_PATH", "/nowhere/chromium")
    assert browser() is None
    with pytest.raises(ValueError, match=r"^pdf is drawn by Chrome or Chromium, and none was"):
        picture(figure, "pdf")
    assert picture(figure, "csv").startswith(b"trace,x,y")


@pytest.mark.skipif(os.name == "nt", reason="a shell script stands for the browser")
def test_a_browser_that_hangs_is_ended_in_time_and_says_so(figure, monkeypatch, tmp_path):
    hangs, pid = tmp_path / "hangs", tmp_path / "pid"
    hangs.write_text(f"#!/bin/sh\necho $$ > {pid}\nexec sleep 600\n")
    hangs.chmod(0o755)
    monkeypatch.setenv("BROWSER_PATH", str(hangs))
    began = time.monotonic()
    with pytest.raises(ValueError, match=r"hangs drew no png within 1 s$"):
        picture(figure, "png", patience=1)
    assert time.monotonic() - began < 9
    if pid.exists():
        assert _ends(int(pid.read_text()), seconds=5)


def _ends(pid, seconds):
    """Whether a process is no more, soon."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def test_a_picture_takes_twenty_seconds_at_most_with_what_stands_before_it():
    assert PATIENCE <= 20


@pytest.mark.skipif(os.name == "nt", reason="a shell script stands for the browser")
def test_a_huge_figure_is_given_up_in_time_and_is_still_there_as_html(monkeypatch, tmp_path):
    hangs = tmp_path / "hangs"
    hangs.write_text("#!/bin/sh\nkill -STOP $$\n")
    hangs.chmod(0o755)
    monkeypatch.setenv("BROWSER_PATH", str(hangs))
    huge = go.Figure(go.Scatter(y=np.zeros(300_000)), {"meta": {"question": "?", "subtitle": ""}})
    began = time.monotonic()
    with pytest.raises(ValueError, match=r"hangs drew no svg within 2 s$"):
        picture(huge, "svg", patience=2)
    assert time.monotonic() - began < 10
    assert len(picture(huge, "html")) > 300_000
    assert picture(huge, "csv").count(b"\n") == 300_001


def test_who_waits_behind_another_picture_is_told_so(figure, monkeypatch, tmp_path):
    (tmp_path / "browser").touch()
    monkeypatch.setenv("BROWSER_PATH", str(tmp_path / "browser"))
    with _turn, pytest.raises(ValueError, match="another picture is still being drawn"):
        picture(figure, "png", patience=0.1)


@pytest.mark.parametrize(("name", "value"), [("form", "gif"), ("width", "wide")])
def test_an_unknown_form_or_width_is_refused(name, value, figure):
    with pytest.raises(ValueError, match=f"^{name} must be one of .*, got '{value}'$"):
        picture(figure, **{name: value})
    assert value not in FORMATS


def test_a_table_has_a_row_for_each_point_with_every_digit():
    z = np.array([[0.1, np.nan], [np.inf, -0.0]])
    figure = go.Figure([go.Heatmap(z=z, x=[1, 2], name="<b>log</b> h"), go.Scatter(y=[1 / 3])])
    assert rows(to_csv(figure)) == [
        ["trace", "x", "y", "z"],
        ["log h", "1", "0", "0.1"],
        ["log h", "2", "0", "nan"],
        ["log h", "1", "1", "inf"],
        ["log h", "2", "1", "-0.0"],
        ["trace 1", "0", "0.3333333333333333", ""],
    ]


def test_a_table_holds_no_formula_and_no_hidden_trace():
    shown = go.Scatter(x=["=1+1", "-3", "a,b"], y=[None, 2.0, 3.0], name="@cmd")
    hidden = go.Scatter(y=[1], visible="legendonly")
    assert rows(to_csv(go.Figure([shown, hidden]))) == [
        ["trace", "x", "y"],
        ["'@cmd", "'=1+1", "nan"],
        ["'@cmd", "-3", "2.0"],
        ["'@cmd", "a,b", "3.0"],
    ]
