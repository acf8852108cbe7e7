"""What every test finds as it was before the others."""

import os
import sys
import tempfile
from collections.abc import Iterator
from functools import cache

import pytest
import shapes
from streamlit.components.v2 import manifest_scanner

collect_ignore = ["golden"]  # what made those files needs Keras and Flax


def pytest_configure(config: pytest.Config) -> None:
    """Check shapes anew in each test, the doctests too; keep trainings in a folder that goes."""
    state = tempfile.TemporaryDirectory(prefix="rnnviz-state-", ignore_cleanup_errors=True)
    config.add_cleanup(state.cleanup)
    os.environ["XDG_STATE_HOME"] = state.name
    config.pluginmanager.register(shapes, "shapes")
    # Each AppTest looks through every installed package for components: half of its time.
    manifest_scanner.scan_component_manifests = cache(manifest_scanner.scan_component_manifests)


@pytest.fixture(autouse=True)
def main_stays() -> Iterator[None]:
    """Streamlit's AppTest leaves its page as `__main__`, which a spawned process would run."""
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main
