"""What a chart says to the browser: a figure and the words around it."""

import time
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

import plotly.graph_objects as go

from dashboard.chart.wire import encode
from rnnviz.figures.picture import plain

DEFAULT_HEIGHT: Final = 420

Follow: TypeAlias = Mapping[str, Any]
"""What the browser sends back to have pictures drawn while a slider moves."""

Film: TypeAlias = Mapping[str, Any]
"""The moments that a picture can play: ``steps``, the x of each, and ``at``, which one it shows."""


def message(
    figure: go.Figure,
    *,
    key: str,
    question: str,
    filename: str,
    alt: str,
    subtitle: str = "",
    how_to_read: str = "",
    height: int | None = None,
    lane: str = "",
    clicks: bool = False,
    follow: Follow | None = None,
    film: Film | None = None,
) -> bytes:
    """The bytes that ``assets/chart.js`` draws: equal pictures are equal but for their turn.

    The parameters are those of ``chart``; ``lane`` is its token, and ``clicks`` whether it listens.
    """
    drawn = plain(figure)
    said = {
        "key": key,
        "question": question,
        "subtitle": subtitle,
        "howToRead": how_to_read,
        "filename": filename,
        "alt": alt,
        "height": height or drawn["layout"].get("height") or DEFAULT_HEIGHT,
        "lane": lane,
        "clicks": clicks,
        "follow": follow,
        "film": film,
        "figure": drawn,
    }
    return encode(said, time.time_ns())


def words_of(figure: go.Figure) -> dict[str, Any]:
    """The words that one of our figures carries about itself, by the parameters of ``message``."""
    words = plain(figure)["layout"]["meta"]
    return {
        "question": words["question"],
        "subtitle": words["subtitle"],
        "how_to_read": words["how_to_read"],
        "filename": f"rnnviz-{words['name']}",
        "alt": words["alt"],
    }
