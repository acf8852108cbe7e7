"""How deep a text of TOML or JSON goes, seen before a parser follows it down."""

import re
from typing import Final

DEPTH: Final = 8
"""The most brackets within brackets, and the most parts of a dotted name."""

_TOKEN: Final = re.compile(
    r"""
    (?P<part> "{3}(?:\\.|[^\\])*?(?:"{3,5}|\\?\Z) | '{3}.*?(?:'{3,5}|\Z)
            | "(?:\\.|[^"\\\n])*" | '[^'\n]*' | [A-Za-z0-9_-]+ )
    | (?P<dot> \. ) | (?P<open> [\[{] ) | (?P<close> [\]}] )
    | (?P<other> \#[^\n]* | [^ \t] )
    """,
    re.VERBOSE | re.DOTALL,
)


def check_depth(text: str) -> None:
    """Refuse deep brackets and names of many parts, where they stand outside of quotes.

    A TOML name of many thousand parts takes gigabytes (CPython gh-149231), and brackets without
    end take the stack.

    Raises
    ------
    ValueError
        With the line.

    Examples
    --------
    >>> check_depth('a = "[[[[[[[[["')
    >>> check_depth("a.b.c.d.e.f.g.h.i = 1")
    Traceback (most recent call last):
    ValueError: line 1: at most 8 parts in a name are read
    """
    depth = parts = 0
    after_dot = False
    for token in _TOKEN.finditer(text):
        kind = token.lastgroup
        depth += (kind == "open") - (kind == "close")
        if kind == "part":
            parts = parts + 1 if after_dot else 1
        after_dot = kind == "dot"
        if depth > DEPTH or parts > DEPTH:
            what = "brackets within brackets" if depth > DEPTH else "parts in a name"
            line = text.count("\n", 0, token.start()) + 1
            raise ValueError(f"line {line}: at most {DEPTH} {what} are read")
