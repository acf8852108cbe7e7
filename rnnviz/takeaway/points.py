"""What a picture draws, as text: one row for each point, one block of rows for each trace."""

import csv
import io
import math
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import plotly.graph_objects as go

from rnnviz.figures.picture import plain

_TAGS = re.compile(r"</?(?:b|i|em|sub|sup|span|a|br)\b[^>]*>", re.IGNORECASE)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def to_csv(figure: go.Figure) -> str:
    """A table of the points: the trace's name, x, y, and z where something has it.

    Numbers are whole, with nan and inf by their names. Text that a spreadsheet would run as a
    formula has a quote before it.

    Examples
    --------
    >>> print(to_csv(go.Figure(go.Scatter(x=[1.0, 2.0], y=[0.5, float("inf")], name="h"))))
    trace,x,y
    h,1.0,0.5
    h,2.0,inf
    <BLANKLINE>
    """
    traces = [trace for trace in plain(figure)["data"] if trace.get("visible", True) is True]
    axes = ["x", "y", "z"] if any("z" in trace for trace in traces) else ["x", "y"]
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["trace", *axes])
    for number, trace in enumerate(traces):
        name = _cell(_TAGS.sub("", str(trace.get("name") or f"trace {number}")))
        for point in _points(trace):
            cells = [*map(_cell, point)]
            table.writerow([name, *cells, *[""] * (len(axes) - len(cells))])
    return text.getvalue()


def _points(trace: dict[str, Any]) -> Iterator[tuple[object, ...]]:
    if "z" in trace:
        z = np.asarray(trace["z"])
        xs, ys = _along(trace, "x", z.shape[1]), _along(trace, "y", z.shape[0])
        for y, row in zip(ys, z.tolist(), strict=True):
            yield from zip(xs, [y] * len(row), row, strict=True)
        return
    given = [len(trace[axis]) for axis in ("x", "y") if trace.get(axis) is not None]
    length = max(given, default=0)
    yield from zip(_along(trace, "x", length), _along(trace, "y", length), strict=True)


def _along(trace: dict[str, Any], axis: str, length: int) -> list[object]:
    """The coordinates along an axis: those that are given, or evenly spaced."""
    if (given := trace.get(axis)) is not None:
        values = [*np.asarray(given, object)] if isinstance(given, list | tuple) else given.tolist()
        return [*values[:length], *[None] * (length - len(values))]
    start, step = trace.get(f"{axis}0", 0), trace.get(f"d{axis}", 1)
    return [start + n * step for n in range(length)]


def _cell(value: object) -> object:
    if value is None:
        return "nan"
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, str) and value.startswith(_FORMULA) and not _is_number(value):
        return f"'{value}"
    return value


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
