"""The plain app that ours is compared with, under Streamlit's settings as they come."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.browser.serving import Served, serving


@contextmanager
def plain() -> Iterator[Served]:
    """It runs while the context lasts."""
    with tempfile.TemporaryDirectory() as home:
        as_it_comes = {"STREAMLIT_RUNNER_POST_SCRIPT_GC": "true"}
        with serving("tests/load/plain.py", Path(home), **as_it_comes) as served:
            yield served
