"""A picture with its question above it, redrawn in place when the numbers change.

``chart`` draws one Plotly figure; ``routes`` and ``middleware`` are what the server offers for it.
"""

from dashboard.chart.component import chart
from dashboard.chart.preload import middleware
from dashboard.chart.server import routes

__all__ = ["chart", "middleware", "routes"]
