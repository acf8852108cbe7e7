"""What is installed for the app: the package, and whatever it requires, to the last."""

from importlib.metadata import Distribution, distribution

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = "rnnviz"
"""The package that all others are there for."""


def installed(root: str = ROOT) -> dict[str, Distribution]:
    """Each package that ``root`` needs here, by name and in its order, ``root`` among them.

    Raises
    ------
    importlib.metadata.PackageNotFoundError
        If one of them is missing.

    Examples
    --------
    >>> sorted(installed("uvicorn"))
    ['click', 'h11', 'uvicorn']
    """
    waiting: list[tuple[str, frozenset[str]]] = [(canonicalize_name(root), frozenset())]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        if (asked := waiting.pop()) not in seen:
            seen.add(asked)
            waiting += _needed(*asked)
    return {name: distribution(name) for name in sorted({name for name, _ in seen})}


def requires(name: str) -> list[str]:
    """The names of those that a package needs here by itself, in their order."""
    return sorted({needed for needed, _ in _needed(name, frozenset())})


def _needed(name: str, extras: frozenset[str]) -> list[tuple[str, frozenset[str]]]:
    asked = [Requirement(line) for line in distribution(name).requires or []]
    return [
        (canonicalize_name(one.name), frozenset(one.extras))
        for one in asked
        if one.marker is None
        or any(one.marker.evaluate({"extra": extra}) for extra in extras | {""})
    ]
