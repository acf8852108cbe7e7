"""A picture with its question above it, redrawn in place when the numbers change.

``chart`` draws one Plotly figure; ``routes`` and ``middleware`` are what the server offers for it.
"""

from starlette.routing import BaseRoute

from dashboard.chart import lane, server
from dashboard.chart.component import OnClick, OnPick, chart
from dashboard.chart.message import Film, Follow, message, words_of
from dashboard.chart.preload import middleware

__all__ = [
    "Film",
    "Follow",
    "OnClick",
    "OnPick",
    "chart",
    "message",
    "middleware",
    "routes",
    "words_of",
]


def routes() -> list[BaseRoute]:
    """What ``st.App(routes=...)`` must offer for charts to be drawn."""
    return [*server.routes(), *lane.lanes()]
