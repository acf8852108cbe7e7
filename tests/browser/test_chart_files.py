"""What the server offers for charts."""

import gzip
import urllib.error
import urllib.request

import pytest

from dashboard.chart.preload import KINDS
from dashboard.chart.server import ADDRESS, version


def fetch(url):
    with urllib.request.urlopen(url) as response:
        return response.headers, response.read()


def test_a_page_names_files_that_are_served_and_kept(charts_app):
    headers, _ = fetch(f"{charts_app}/")
    links = headers["link"].split(", ")
    assert len(links) == len(KINDS)
    for link in links:
        headers, _ = fetch(f"{charts_app}/{link.partition('>')[0].removeprefix('<')}")
        assert "immutable" in headers["cache-control"]


def test_plotly_is_served_without_the_wrapper_that_is_parsed_twice(charts_app):
    _, body = fetch(f"{charts_app}/{ADDRESS}/{version()}/plotly.min.js")
    plotly = gzip.decompress(body).decode()
    assert plotly.startswith("/**\n* plotly.js v")
    assert "Licensed under the MIT license" in plotly[:200]
    assert '*/"use strict";var Plotly=' in plotly[:200]
    assert plotly.rstrip().endswith("window.Plotly = Plotly;")


@pytest.mark.parametrize("name", ["secrets.toml", "wire.py", "..%2fserver.py", "%2e%2e/server.py"])
def test_nothing_else_is_served(charts_app, name):
    with pytest.raises(urllib.error.HTTPError, match=r"40[04]"):
        fetch(f"{charts_app}/{ADDRESS}/{version()}/{name}")
