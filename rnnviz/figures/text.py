"""Numbers and words as a chart writes them."""

import math
import re
import textwrap

import numpy as np

from rnnviz.arrays import Array, Float

CAPTION_WIDTH = 64
"""Characters in a line of small print that a phone's width holds."""
_BEFORE_A_VALUE = re.compile(r" (?=[=×])|(?<=[=×]) |(?<=[^\W\d]) (?=\d)")
"""Spaces as in ``H = 16``, ``he × gain 1`` and ``seed 0``."""


GATES = {
    "i": "input",
    "f": "forget",
    "g": "candidate",
    "o": "output",
    "r": "reset",
    "z": "update",
    "n": "candidate",
}
"""What each gate is called in words."""


def gate_title(name: str) -> str:
    """A gate's letter and its name in words, if it has one."""
    return f"{name}: {GATES[name]}" if name in GATES else name


def escaped(text: str) -> str:
    """The text with what Plotly would read as a tag or an entity taken literally."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def wrapped(text: str) -> list[str]:
    """The escaped text in lines short enough for a phone, none that ends before a value.

    Examples
    --------
    >>> [line.split()[0] for line in wrapped("tanh, " * 10 + "T = 30")]
    ['tanh,', 'T']
    """
    held = _BEFORE_A_VALUE.sub("\N{NO-BREAK SPACE}", text)
    return [escaped(line) for line in textwrap.wrap(held, CAPTION_WIDTH)]


def mantissa_exponent(log10: Float[Array, "*N"]) -> tuple[Array, Array]:
    """The two parts of scientific notation with three digits; NaN where there is no number.

    Examples
    --------
    >>> mantissa_exponent(np.log10(np.array([9.999, 2.5e-7])))
    (array([1. , 2.5]), array([ 1., -7.]))
    """
    finite = np.where(np.isfinite(log10), log10, np.nan)
    exponent = np.floor(finite + 0.000_217_2)  # log10 of 9.995, from where three digits read 10.0
    return np.round(10.0 ** (finite - exponent), 2), exponent


def plain(log10: float) -> str:
    """A number in plain text with three significant digits, from its log10.

    Examples
    --------
    >>> plain(-900.2), plain(1.0), plain(-np.inf)
    ('6.31e-901', '10', 'exactly 0')
    """
    if not math.isfinite(log10):
        return {-math.inf: "exactly 0", math.inf: "infinite"}.get(log10, "NaN")
    if -3 <= log10 < 4:
        return f"{10.0**log10:.3g}"
    (mantissa,), (exponent,) = mantissa_exponent(np.array([log10]))
    return f"{mantissa:.2f}e{exponent:.0f}"


def power(exponent: float) -> str:
    """A power of ten with a raised exponent: how a tick is labelled."""
    return f"10<sup>{minus(f'{exponent + 0.0:g}')}</sup>"


def short(value: float) -> str:
    """A number of three digits with a true minus sign, for the end of a colour scale."""
    if abs(value) < 10_000:
        return minus(f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}")
    (mantissa,), (exponent,) = mantissa_exponent(np.array([math.log10(abs(value))]))
    size = power(exponent) if mantissa == 1 else f"{mantissa:.2f}×{power(exponent)}"
    return f"−{size}" if value < 0 else size


def minus(text: str) -> str:
    """The text with hyphens turned into minus signs."""
    return text.replace("-", "−")


def count(number: int, noun: str) -> str:
    """A number with its noun, in the plural where it must be."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th, ..."""
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{'th' if 10 <= number % 100 <= 20 else ending}"


def whole_state(parts: tuple[str, ...], index: str = "ₜ") -> str:
    """The state by its parts: hₜ, or (hₜ, cₜ)."""
    named = ", ".join(part + index for part in parts)
    return named if len(parts) == 1 else f"({named})"
