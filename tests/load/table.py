"""What was demanded and what was measured, as a table that is written while it grows."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from .process import busy

HEAD = (
    "| | figure | demanded | measured | |",
    "|---|---|---|---|---|",
)

BEGIN, END = "<!-- load -->", "<!-- /load -->"


@dataclass(frozen=True)
class Row:
    """One figure."""

    name: str
    figure: str
    demanded: str
    measured: str
    holds: bool

    @property
    def line(self) -> str:
        """As Markdown."""
        held = "holds" if self.holds else "**missed**"
        return f"| {self.name} | {self.figure} | {self.demanded} | {self.measured} | {held} |"


def at_most(name: str, figure: str, value: float, limit: float, unit: str, digits: int = 2) -> Row:
    """A figure that may not be larger."""
    measured = f"{value:.{digits}f} {unit}"
    return Row(name, figure, f"at most {limit:g} {unit}", measured, value <= limit)


def at_least(name: str, figure: str, value: float, limit: float, unit: str, digits: int = 1) -> Row:
    """A figure that may not be smaller."""
    measured = f"{value:.{digits}f} {unit}"
    return Row(name, figure, f"at least {limit:g} {unit}", measured, value >= limit)


class Table:
    """Rows in a file and on the screen, each as soon as it is known."""

    def __init__(self, path: Path) -> None:
        self._path, self._machine = path, machine()
        self.rows: list[Row] = []

    def add(self, rows: list[Row]) -> None:
        """Print what was found, and write everything so far."""
        self.rows += rows
        for row in rows:
            say(f"{row.line}  (load {busy():.1f})")
        self._path.write_text(self.text)

    @property
    def text(self) -> str:
        """As Markdown."""
        return "\n".join([*HEAD, *(row.line for row in self.rows), ""])

    def put_into(self, page: Path) -> None:
        """Write it between a page's two marks, under what it was measured on."""
        before, begin, rest = page.read_text().partition(BEGIN)
        _, end, after = rest.partition(END)
        if begin and end:
            new = f"{before}{begin}\n{self._machine}:\n\n{self.text}{end}{after}"
            page.write_text(new)


def machine() -> str:
    """What the figures were measured on."""
    return f"{os.cpu_count()} cores, {busy():.1f} other processes at work before"


def say(line: str) -> None:
    """Tell whoever waits at the screen."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
