"""The charts on a page under ``AppTest``, as the browser gets them."""

from typing import Any

from streamlit.testing.v1 import AppTest

from dashboard.chart.wire import decode


def drawn(app: AppTest) -> dict[str, dict[str, Any]]:
    """Each chart by its key: ``drawn(app)["time-panel"]["figure"]["data"][0]["y"]`` is an array."""
    messages = [decode(element.proto.bytes) for element in app.get("bidi_component")]
    return {message["key"]: message for message in messages}
