"""Which packages the app runs on, each with its version and the hashes of its files."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

LOCK: Final = Path(__file__).parents[1] / "requirements.lock"
_HASH: Final = re.compile(r"--hash=sha256:([0-9a-f]{64})(?=\s|$)")


@dataclass(frozen=True)
class Locked:
    """One package of the lock."""

    name: str
    """In lower case, its words apart by one hyphen."""
    version: str
    applies: bool
    """Whether this Python on this system is one that it is installed for."""
    hashes: tuple[str, ...]
    """SHA-256 of each file that it may be installed from, for whatever Python and system."""


def read_lock(text: str) -> tuple[Locked, ...]:
    r"""The packages that a lock names.

    Raises
    ------
    ValueError
        If a package is not pinned to one version, or has no hash.

    Examples
    --------
    >>> found, = read_lock("Zict==3.0.0 \\\n    --hash=sha256:" + 64 * "0")
    >>> found.name, found.version, found.applies
    ('zict', '3.0.0', True)
    """
    lines = text.replace("\\\n", " ").splitlines()
    return tuple(_locked(line) for line in lines if line.strip() and line.lstrip()[0] != "#")


def _locked(line: str) -> Locked:
    requirement = Requirement(line.partition("--hash")[0])
    pins = [pin for pin in requirement.specifier if pin.operator == "==" and "*" not in pin.version]
    hashes = tuple(_HASH.findall(line))
    if len(pins) != 1 or len(requirement.specifier) != 1:
        raise ValueError(f"{requirement.name} must be locked to one version, got {requirement}")
    if not hashes or len(hashes) != line.count("--hash"):
        raise ValueError(f"{requirement.name} must have hashes of SHA-256, got {line.strip()!r}")
    applies = requirement.marker is None or requirement.marker.evaluate()
    return Locked(canonicalize_name(requirement.name), pins[0].version, applies, hashes)
