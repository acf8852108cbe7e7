"""Shapes are checked at each function's first calls in a test, where its signature has any.

What a training or a finite difference calls ten thousand times has the shapes of its first calls,
and checking it takes four times as long as computing it; types alone are mypy's to check.
``pyproject.toml`` names ``first_calls`` as the type checker, and this module stands in for the
decorator that jaxtyping's import hook puts on every function; ``conftest.py`` makes it a plugin,
which begins anew with each test.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import is_dataclass
from functools import wraps
from typing import Any, get_args

import jaxtyping
import pytest
from beartype import beartype

CALLS = 20
"""Calls of one function that are checked in one test."""

_checked = jaxtyping.jaxtyped
_calls: Counter[tuple[str, str]] = Counter()

first_calls = beartype


def jaxtyped(*, typechecker: Any) -> Callable[[Any], Any]:
    """The decorator that checks a function or a dataclass, and only at its first calls."""

    def decorate(made: Any) -> Any:
        if isinstance(made, type):
            if is_dataclass(made):
                made.__init__ = decorate(made.__init__)  # type: ignore[misc]
            return made
        is_within_another = "<locals>" in made.__qualname__ and made.__name__ != "__init__"
        if is_within_another or not any(map(_has_shape, made.__annotations__.values())):
            return made
        return _at_first(made, typechecker)

    return decorate


def begin() -> None:
    """Check every function again."""
    _calls.clear()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Begin, before a module's fixtures do."""
    begin()


def _at_first(made: Any, typechecker: Any) -> Any:
    name = (made.__module__, made.__qualname__)
    checked: list[Any] = []  # made at the first call, which most functions never see

    @wraps(made)
    def call(*args: Any, **kwargs: Any) -> Any:
        if _calls[name] >= CALLS:
            return made(*args, **kwargs)
        _calls[name] += 1
        if not checked:
            checked.append(_checked(made, typechecker=typechecker))
        return checked[0](*args, **kwargs)

    return call


def _has_shape(annotation: Any) -> bool:
    if isinstance(annotation, type) and issubclass(annotation, jaxtyping.AbstractArray):
        return True
    return isinstance(annotation, str) or any(map(_has_shape, get_args(annotation)))


jaxtyping.jaxtyped = jaxtyped
