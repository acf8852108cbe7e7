"""Nothing that is kept grows without end: every cache has a bound, and a page keeps little."""

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from cachetools import Cache
from streamlit.testing.v1 import AppTest

from dashboard import explored as explored_runs
from dashboard import limits
from dashboard.held import held_bytes
from dashboard.records import explore
from rnnviz import RunConfig

ROOT = Path(__file__).parents[1]
FILES = [file for part in ("dashboard", "rnnviz") for file in sorted((ROOT / part).rglob("*.py"))]
FEW_KEYS = {"_gemm", "_compressed"}
"""Functions whose argument is one of a few: a precision, or a file that is shipped."""
SMALL = {"dashboard.sweeps._jobs", "dashboard.follow._newest"}
"""Caches whose entries are bounded otherwise: a number, or a sweep of at most so many rows."""


def decorators() -> Iterator[tuple[str, ast.FunctionDef, ast.expr]]:
    for file in FILES:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.FunctionDef):
                for decorator in node.decorator_list:
                    yield f"{file.relative_to(ROOT)}:{node.lineno}", node, decorator


def name_of(node: ast.expr) -> str:
    called = node.func if isinstance(node, ast.Call) else node
    return called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")


def test_every_remembered_function_remembers_so_many_at_most():
    seen = 0
    for place, function, decorator in decorators():
        name = name_of(decorator)
        if name == "cache":
            seen += 1
            assert not function.args.args or function.name in FEW_KEYS, place
        elif name == "lru_cache":
            seen += 1
            assert isinstance(decorator, ast.Call), place
            bound = [*decorator.args, *(word.value for word in decorator.keywords)]
            assert bound, place
            assert not (isinstance(bound[0], ast.Constant) and bound[0].value is None), place
        assert name not in {"cache_data", "cache_resource"}, f"{place}: others could clear it"
    assert seen > 8


def caches() -> dict[str, Cache]:
    found = {}
    for file in FILES:
        if "Cache(" in file.read_text() and "cachetools" in file.read_text():
            name = ".".join(file.relative_to(ROOT).with_suffix("").parts)
            module = importlib.import_module(name)
            found |= {f"{name}.{n}": c for n, c in vars(module).items() if isinstance(c, Cache)}
    return found


def test_every_cache_has_a_bound_in_bytes_that_a_small_host_can_bear():
    found = caches()
    assert len(found) >= 7
    in_bytes = {name: cache for name, cache in found.items() if name not in SMALL}
    assert all(cache.getsizeof is not None for cache in in_bytes.values())
    for name, cache in in_bytes.items():
        assert 1 << 20 <= cache.maxsize <= 384 << 20, name
    assert all(found[name].maxsize <= 1000 for name in SMALL & found.keys())


def test_answers_are_forgotten_before_they_take_too_much():
    kept = explored_runs._answers
    explored = explore(RunConfig(steps=20, hidden_size=4, batch_size=2))
    for number in range(8):
        explored.once(f"large {number}", lambda _: bytes(limits.ANSWERS_LIMIT // 4))
    assert kept.currsize <= limits.ANSWERS_LIMIT
    assert explored.once("too large", lambda _: bytes(2 * limits.ANSWERS_LIMIT))
    assert kept.currsize <= limits.ANSWERS_LIMIT
    kept.clear()


@pytest.mark.parametrize("section", ["sources", "states"])
def test_a_page_keeps_less_than_a_megabyte_of_its_own(section):
    app = AppTest.from_file(str(ROOT / "dashboard" / "app.py"), default_timeout=60)
    app.query_params["section"] = section
    app.run()
    assert not app.exception
    kept = app.session_state.to_dict()
    assert kept
    for name, value in kept.items():
        assert held_bytes(value) < 1 << 20, name
    assert sum(map(held_bytes, kept.values())) < 1 << 20
