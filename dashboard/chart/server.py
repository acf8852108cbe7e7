"""The files a chart needs in the browser: ours, and Plotly out of its own package.

Their address carries a digest of what they contain, so that a browser keeps them for a year and
still never draws with an old file after an update.
"""

import gzip
import hashlib
from functools import cache
from importlib import metadata, resources
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

ADDRESS: Final = "rnnviz/chart"
MEDIA_TYPES: Final = {"js": "text/javascript", "css": "text/css"}
KEPT_FOR_A_YEAR: Final = {"cache-control": "public, max-age=31536000, immutable"}
PLOTLY: Final = "plotly.min.js"


def routes() -> list[Route]:
    """The address of the files."""
    return [Route(f"/{ADDRESS}/{version()}/{{name}}", _serve)]


@cache
def version() -> str:
    """A digest of our own files and of which Plotly is installed."""
    contents = [_read(name) for name in sorted(_names()) if name != PLOTLY]
    return hashlib.sha256(b"".join([metadata.version("plotly").encode(), *contents])).hexdigest()[
        :12
    ]


async def _serve(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in _names():
        return Response(f"no file {name!r}", status_code=404)
    body = await run_in_threadpool(_compressed, name)
    headers = KEPT_FOR_A_YEAR | {"content-encoding": "gzip", "vary": "accept-encoding"}
    return Response(body, media_type=MEDIA_TYPES[name.rpartition(".")[2]], headers=headers)


@cache
def _names() -> frozenset[str]:
    ours = (path.name for path in resources.files("dashboard.chart").joinpath("assets").iterdir())
    return frozenset({PLOTLY, *ours})


@cache
def _compressed(name: str) -> bytes:
    return gzip.compress(_read(name), compresslevel=5, mtime=0)


def _read(name: str) -> bytes:
    if name == PLOTLY:
        return _unwrapped(resources.files("plotly").joinpath("package_data", name).read_bytes())
    return resources.files("dashboard.chart").joinpath("assets", name).read_bytes()


def _unwrapped(plotly: bytes) -> bytes:
    """Plotly's licence and program without the function around them, which is parsed twice over.

    That saves half a second before the first picture. A release packed otherwise goes out as it is.
    """
    licence = plotly.find(b"*/") + len(b"*/")
    start = plotly.find(b'"use strict";var Plotly=', licence)
    end = plotly.rfind(b"return Plotly;")
    return plotly[:licence] + plotly[start:end] if licence < start < end else plotly
