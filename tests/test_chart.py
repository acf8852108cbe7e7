"""A chart's way to the browser, on which nothing in it changes."""

import math

import numpy as np
import pytest
from drawn import drawn
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from streamlit.testing.v1 import AppTest

from dashboard.chart.wire import PLOTTABLE, decode, encode

SHAPES = arrays.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=5)


@given(arrays.arrays(st.sampled_from(sorted(PLOTTABLE)), SHAPES), st.text())
def test_an_array_arrives_as_it_left(array, text):
    message = decode(encode({text: "text", "figure": {"data": [{"y": array}]}}))
    arrived = message["figure"]["data"][0]["y"]
    assert (arrived.dtype, arrived.shape) == (array.dtype, array.shape)
    assert arrived.tobytes() == array.tobytes()
    assert message[text] == "text"


@pytest.mark.parametrize(
    "number", [0.1, -0.0, 1e-320, math.inf, -math.inf, math.nan, 7, True, None]
)
def test_a_lone_number_arrives_as_it_left(number):
    assert repr(decode(encode({"n": number}))["n"]) == repr(number)


def test_what_no_browser_can_plot_becomes_the_nearest_that_it_can():
    assert decode(encode({"t": np.arange(3)}))["t"].dtype == np.float64
    assert decode(encode({"h": np.ones(3, np.float16)}))["h"].dtype == np.float32
    assert decode(encode({"b": np.array([True, False])}))["b"] == [True, False]
    assert decode(encode({"s": np.array(["a", "b"])}))["s"] == ["a", "b"]
    assert decode(encode({"n": np.float32(0.5)}))["n"] == 0.5
    days = np.array(["2026-11-23"], "datetime64[D]")
    assert decode(encode({"d": days}))["d"] == ["2026-11-23"]


def test_a_page_sends_each_chart_once_and_whole():
    app = AppTest.from_file("browser/charts/main.py").run()
    assert not app.exception
    charts = drawn(app)
    assert list(charts) == ["curves", "matrix", "still"]
    assert charts["curves"]["question"] == "How much <b>gradient</b> reaches each step?"
    assert [charts[key]["height"] for key in charts] == [420, 300, 200]
    z = charts["matrix"]["figure"]["data"][0]["z"]
    np.testing.assert_array_equal(z, np.arange(6, dtype=np.float32).reshape(2, 3) / 7)


def test_a_chart_keeps_its_identity_when_its_numbers_change():
    app = AppTest.from_file("browser/charts/main.py").run()
    before = [element.proto.id for element in app.get("bidi_component")]
    app.slider[0].set_value(1.5).run()
    assert [element.proto.id for element in app.get("bidi_component")] == before
    assert drawn(app)["curves"]["figure"]["data"][0]["y"][0] == 1.5 * 0.1


def test_only_a_chart_that_hears_clicks_asks_the_browser_for_them():
    charts = drawn(AppTest.from_file("browser/charts/main.py").run())
    assert {key: message["clicks"] for key, message in charts.items()} == {
        "curves": True,
        "matrix": False,
        "still": False,
    }


@pytest.mark.parametrize(
    ("clicked", "heard"),
    [
        ({"x": 40}, "[40.0]"),
        ({"x": -0.5}, "[-0.5]"),
        ({"x": 40, "carried": [2, 1]}, "[40.0, (2, 1)]"),
        ({"carried": [2, "<b>"]}, "[]"),
        ({"carried": "21"}, "[]"),
        ({"x": "<b>"}, "[]"),
        ({"x": math.nan}, "[]"),
        ({}, "[]"),
        ("x", "[]"),
        (None, "[]"),
    ],
)
def test_a_click_is_told_by_its_x_and_what_it_carries_and_nothing_else_that_a_browser_sends(
    clicked, heard
):
    def script(clicked):
        import streamlit as st

        from dashboard.chart.component import _tell

        st.session_state["map"] = {"clicked": clicked}
        heard: list[object] = []
        _tell("map", heard.append, heard.append)
        st.text(str(heard))

    app = AppTest.from_function(script, kwargs={"clicked": clicked}).run()
    assert not app.exception
    assert app.text[0].value == heard
