"""One picture as a file: for a column, a page or a slide, with its question and its caption."""

import json
import os
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, Final

import plotly.graph_objects as go

from rnnviz.figures.frame import text_width
from rnnviz.figures.picture import plain
from rnnviz.figures.theme import SMALL
from rnnviz.report import write_html
from rnnviz.takeaway.points import to_csv

PATIENCE: Final = 20.0
"""Seconds that a picture may take, the one before it and the browser's start and end included."""
GRACE: Final = 3.0
"""Of them, until the process that has the browser has ended it."""
DOTS: Final = 300
"""Of a PNG, to an inch."""
QUESTION, LINE, EDGE = 15, 1.3, 8
"""Pixels: the size of the question, a line's height as a share of its size, the free rim."""
SPARE: Final = 0.85
"""How much of a line is filled: what a reader's machine has for Helvetica may be wider."""
FORMATS = {
    "png": "PNG",
    "svg": "SVG",
    "pdf": "PDF",
    "html": "HTML",
    "csv": "CSV",
}
BY_BROWSER = ("png", "svg", "pdf")
"""What only a browser can draw."""
MIME = {
    "png": "image/png",
    "svg": "image/svg+xml",
    "pdf": "application/pdf",
    "html": "text/html",
    "csv": "text/csv",
}

_turn = threading.Lock()
_SCRIPT = Path(__file__).with_name("browser.py")


@dataclass(frozen=True)
class Width:
    """How wide a picture is on paper, and how many pixels of a page are drawn on that."""

    title: str
    mm: float
    pixels: int
    """More of them make the same text smaller."""

    @property
    def inches(self) -> float:
        """On paper."""
        return self.mm / 25.4


WIDTHS = {
    "column": Width("Column, 85 mm", 85, 390),
    "page": Width("Page, 170 mm", 170, 780),
    "slide": Width("Slide, 300 mm", 300, 720),
}


def browser() -> str | None:
    """Where a Chrome or Chromium is, or a browser like them; None where there is none."""
    from choreographer.browsers.chromium import Chromium

    if named := os.environ.get("BROWSER_PATH"):
        return named if Path(named).is_file() else None
    found: str | None = Chromium.find_browser(skip_local=False)
    return found


def picture(
    figure: go.Figure,
    form: str = "png",
    width: str = "column",
    *,
    headed: bool = True,
    patience: float = PATIENCE,
) -> bytes:
    """A figure as the bytes of a file, as light or as dark as it was drawn.

    Parameters
    ----------
    figure : from ``rnnviz.figures``
    form : one of ``FORMATS``
    width : one of ``WIDTHS``; HTML is as wide as its window
    headed : whether its question and what is drawn stand above it
    patience : seconds that it may take, waiting for another picture included

    Raises
    ------
    ValueError
        If the form or the width is unknown; or for PNG, SVG and PDF if no browser is found, or
        the one that is found draws nothing in time.
    """
    for name, value, allowed in (("form", form, FORMATS), ("width", width, WIDTHS)):
        if value not in allowed:
            raise ValueError(f"{name} must be one of {sorted(allowed)}, got {value!r}")
    if form == "csv":
        return to_csv(figure).encode()
    if form == "html":
        return write_html([figure], title=_words(figure)["question"] or "rnnviz").encode()
    chosen = WIDTHS[width]
    drawn = _draw(_laid(figure, chosen.pixels, headed=headed), form, chosen, patience)
    finish = {"png": _with_density, "svg": _on_paper}.get(form)
    return finish(drawn, chosen) if finish else drawn


def _words(figure: go.Figure) -> dict[str, str]:
    meta = plain(figure)["layout"].get("meta")
    found = meta if isinstance(meta, dict) else {}
    return {name: str(found.get(name, "")) for name in ("question", "subtitle")}


def _laid(figure: go.Figure, pixels: int, *, headed: bool) -> dict[str, Any]:
    """The figure as plain JSON of its width and height, with its words above it."""
    drawn: dict[str, Any] = json.loads(figure.to_json())
    layout = drawn["layout"]
    margin = {"l": 80, "t": 60} | layout.get("margin", {})
    above, written = _heading(_words(figure), margin, pixels) if headed else (0, [])
    layout["annotations"] = [*layout.get("annotations", []), *written]
    layout["margin"] = margin | {"t": margin["t"] + above}
    layout |= {"width": pixels, "height": layout.get("height", 450) + above, "autosize": False}
    return drawn


def _heading(
    words: dict[str, str], margin: dict[str, int], pixels: int
) -> tuple[int, list[dict[str, Any]]]:
    """How high the question and the subtitle stand, and both as annotations."""
    height, written = 0, []
    for name, size in (("subtitle", SMALL), ("question", QUESTION)):  # from below
        if lines := _wrapped(words[name], pixels - 2 * EDGE, size):
            text = "<br>".join(lines)
            written.append(
                {
                    "text": f"<b>{text}</b>" if name == "question" else text,
                    "font": {"size": size},
                    "x": 0,
                    "xref": "paper",
                    "xanchor": "left",
                    "xshift": EDGE - margin["l"],
                    "y": 1,
                    "yref": "paper",
                    "yanchor": "bottom",
                    "yshift": margin["t"] + height,
                }
            )
            height += round(LINE * size * len(lines)) + EDGE // 2
    return height + EDGE // 2 * bool(written), written


def _wrapped(text: str, room: float, size: int) -> list[str]:
    """The text in lines that fit, with what Plotly would read as a tag taken literally."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(longer, size) <= SPARE * room:
            lines[-1] = longer
        else:
            lines.append(word)
    return [escape(line, quote=False) for line in lines]


def _draw(figure: dict[str, Any], form: str, width: Width, patience: float) -> bytes:
    """What the browser makes of it: one at a time, and each within its time."""
    found = browser()
    if found is None:
        raise ValueError(
            f"{form} is drawn by Chrome or Chromium, and none was found on this machine: take "
            "html or csv, or install one"
        )
    scale = width.inches * (DOTS if form == "png" else 96) / width.pixels
    end = time.monotonic() + patience
    request = {
        "browser": found,
        "format": form,
        "width": figure["layout"]["width"],
        "height": figure["layout"]["height"],
        "scale": 1 if form == "svg" else scale,
    }
    if not _turn.acquire(timeout=patience / 2):
        raise ValueError("another picture is still being drawn: try again in a moment")
    try:
        return _ask(request, json.dumps(figure).encode(), end, patience)
    finally:
        _turn.release()


def _ask(request: dict[str, Any], figure: bytes, end: float, patience: float) -> bytes:
    until = end - min(GRACE, patience / 4)  # every process of a machine has one such clock
    question = json.dumps(request | {"until": until}).encode() + b"\n" + figure
    with (
        tempfile.TemporaryDirectory(prefix="rnnviz-", ignore_cleanup_errors=True) as folder,
        subprocess.Popen(
            (sys.executable, "-I", str(_SCRIPT)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"TMPDIR": folder},
            start_new_session=True,
        ) as process,
    ):
        try:
            drawn, _ = process.communicate(question, timeout=max(end - time.monotonic(), 0.1))
        except subprocess.TimeoutExpired:
            drawn = b""
        finally:
            process.kill()
    if drawn:
        return drawn
    late = process.returncode != 1
    why = f"drew no {{}} within {patience:g} s" if late else "could not draw the {}"
    raise ValueError(f"the browser {request['browser']} {why.format(request['format'])}")


def _with_density(png: bytes, _: Width) -> bytes:
    """The PNG with how many of its dots are a metre, so that it is as wide on paper as asked."""
    kind = b"pHYs" + struct.pack(">IIB", *[round(DOTS / 0.0254)] * 2, 1)
    chunk = struct.pack(">I", 9) + kind + struct.pack(">I", zlib.crc32(kind))
    end = 8 + 25  # behind the signature and the header
    return png[:end] + chunk + png[end:]


def _on_paper(svg: bytes, width: Width) -> bytes:
    """The SVG with its size in millimetres."""
    head, end, rest = svg.partition(b">")
    pixels = float(head.partition(b'height="')[2].partition(b'"')[0])
    height = pixels * width.mm / width.pixels
    for name, old, new in (("width", width.pixels, width.mm), ("height", pixels, height)):
        head = head.replace(f'{name}="{old:g}"'.encode(), f'{name}="{new:.4g}mm"'.encode(), 1)
    return head + end + rest
