"""A picture that Plotly builds late is the same as one that it builds at once."""

import copy

import numpy as np
import plotly.graph_objects as go
import pytest

from rnnviz.figures.picture import Picture, plain

DATA = [{"type": "scatter", "y": np.arange(3.0), "line": {"color": "#000000"}}, {"y": [1, 2]}]
LAYOUT = {"height": 100, "meta": {"name": "own"}, "xaxis": {"title": {"text": "t"}}}


def picture():
    return Picture(copy.deepcopy(DATA), copy.deepcopy(LAYOUT))


def test_a_picture_is_the_figure_that_plotly_would_have_built():
    assert picture().to_json() == go.Figure(DATA, LAYOUT).to_json()


def test_a_picture_takes_changes_as_a_figure_does():
    own, built = picture(), go.Figure(DATA, LAYOUT)
    for figure in (own, built):
        figure.update_layout(height=200)
        figure.add_scatter(y=[5])
    assert own.to_json() == built.to_json()
    assert plain(own)["layout"]["height"] == 200
    assert len(plain(own)["data"]) == 3


def test_a_copy_of_a_picture_is_a_figure_of_its_own():
    own = picture()
    other = copy.deepcopy(own)
    other.layout.height = 50
    assert own.layout.height == 100
    with pytest.raises(AttributeError):
        _ = own.nothing_like_this


def test_plain_is_what_was_drawn_with_its_arrays():
    own = picture()
    assert plain(own)["layout"] == LAYOUT
    np.testing.assert_array_equal(plain(own)["data"][0]["y"], DATA[0]["y"])
    assert plain(go.Figure(DATA, LAYOUT))["layout"]["xaxis"] == LAYOUT["xaxis"]
