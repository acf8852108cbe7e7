"""Shapes and types are checked at each function's first calls in a test.

What a training or a finite difference calls ten thousand times has the shapes of its first calls,
and checking it takes four times as long as computing it; what has no shapes in its signature is
mypy's to check. ``pyproject.toml`` names ``first_calls`` as the type checker; ``conftest.py`` makes
this a plugin, which begins anew with each test.
"""

import sys
from collections import Counter
from functools import cached_property, wraps
from operator import attrgetter
from types import FunctionType, MethodType
from typing import Any, get_args

import pytest
from beartype import beartype
from jaxtyping import AbstractArray

CALLS = 40
"""Checks of one function in one test: one of its arguments and one of its result a call."""

_checks: Counter[tuple[str, str]] = Counter()
_excused: list[Any] = []


def first_calls(function: Any) -> Any:
    """Beartype's check of a function, and none from its 40th in a test on."""
    name = (function.__module__, function.__qualname__)
    if isinstance(function, type):
        return beartype(function)
    has_shapes = any(map(_is_shape, function.__annotations__.values()))
    made: list[Any] = []  # at the first call, which most functions never see in one file of tests

    @wraps(function)
    def check(*args: Any, **kwargs: Any) -> Any:
        _checks[name] += 1
        if not has_shapes or _checks[name] >= CALLS:
            _excuse(name, for_good=not has_shapes)
            return None
        if not made:
            made.append(beartype(function))
        return made[0](*args, **kwargs)

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


def _is_shape(annotation: Any) -> bool:
    if isinstance(annotation, type) and issubclass(annotation, AbstractArray):
        return True
    return isinstance(annotation, str) or any(map(_is_shape, get_args(annotation)))


def _excuse(name: tuple[str, str], *, for_good: bool) -> None:
    """Tell jaxtyping, whose own part takes as long, by the mark of ``typing.no_type_check``."""
    module, path = name
    try:
        found = attrgetter(path)(sys.modules[module])
    except (AttributeError, KeyError):
        return  # made within another function
    function = _behind(found)
    if isinstance(function, FunctionType):
        function.__no_type_check__ = True
        if not for_good:
            _excused.append(function)


def _behind(found: Any) -> Any:
    """The function that a method, a property or a cached one calls."""
    if isinstance(found, MethodType):
        return found.__func__
    if isinstance(found, property):
        return found.fget
    return found.func if isinstance(found, cached_property) else found
