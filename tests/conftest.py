"""What every test finds as it was before the others."""

import sys
from collections.abc import Iterator
from functools import cache

import pytest
import shapes
from streamlit.components.v2 import manifest_scanner

collect_ignore = ["golden"]  # what made those files needs Keras and Flax


def pytest_configure(config: pytest.Config) -> None:
    """Check shapes anew in each test, the doctests of the package too."""
    config.pluginmanager.register(shapes, "shapes")
    # Each AppTest looks through every installed package for components: half of its time.
    manifest_scanner.scan_component_manifests = cache(manifest_scanner.scan_component_manifests)


@pytest.fixture(autouse=True)
def main_stays() -> Iterator[None]:
    """Streamlit's AppTest leaves its page as `__main__`, which a spawned process would run."""
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main
