"""Shapes and types are checked at each function's first calls in a test.

What a training or a finite difference calls ten thousand times has the shapes of its first calls,
and checking it takes four times as long as computing it. ``pyproject.toml`` names ``first_calls``
as the type checker; ``conftest.py`` makes this a plugin, which begins anew with each test.
"""

import sys
from collections import Counter
from functools import wraps
from operator import attrgetter
from types import FunctionType
from typing import Any

import pytest
from beartype import beartype

CALLS = 200
"""Checks of one function in one test: one of its arguments and one of its result a call."""

_checks: Counter[tuple[str, str]] = Counter()
_excused: list[Any] = []


def first_calls(function: Any) -> Any:
    """Beartype's check of a function, and none from its 200th in a test on."""
    name = (function.__module__, function.__qualname__)
    if isinstance(function, type):
        return beartype(function)
    if _checks[name] >= CALLS:  # one that is made anew wherever its maker is called
        return _nothing
    checked = beartype(function)

    @wraps(function)
    def check(*args: Any, **kwargs: Any) -> Any:
        _checks[name] += 1
        if _checks[name] == CALLS:
            _excuse(name)
        return checked(*args, **kwargs) if _checks[name] <= CALLS else None

    return check


def begin() -> None:
    """Check every function again."""
    for function in _excused:
        function.__no_type_check__ = False
    _excused.clear()
    _checks.clear()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Begin, before a module's fixtures do."""
    begin()


def _nothing(*_: Any, **__: Any) -> None:
    """No check."""


def _excuse(name: tuple[str, str]) -> None:
    """Tell jaxtyping, whose own part takes as long, by the mark of ``typing.no_type_check``."""
    module, path = name
    try:
        found = attrgetter(path)(sys.modules[module])
    except (AttributeError, KeyError):
        return  # made within another function
    if isinstance(found, FunctionType):
        found.__no_type_check__ = True
        _excused.append(found)
