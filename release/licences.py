"""Under which licences a package may be used, by its own word."""

import re
from collections.abc import Iterable
from email.message import Message
from importlib.metadata import PackageMetadata
from typing import Final

ALLOWED: Final = {
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MIT-CMU",
    "MPL-2.0",  # of a file, not of what uses it
    "PSF-2.0",
    "Zlib",
}
"""SPDX names of the licences that may be used and passed on with no more than their text."""
UNKNOWN: Final = "UNKNOWN"

_NAMES: Final = {
    "apache 2.0": "Apache-2.0",
    "apache license": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "3-clause bsd license": "BSD-3-Clause",
    "bsd": "BSD-3-Clause",
    "bsd 3-clause license": "BSD-3-Clause",
    "bsd license": "BSD-3-Clause",  # or the older two clauses: the same duties but one
    "mit license": "MIT",
    "the mit license (mit)": "MIT",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "python software foundation license": "PSF-2.0",
}
"""What packages write that name no licence in SPDX's words."""


def licence(metadata: Message | PackageMetadata) -> str:
    """The licence as an SPDX expression, or ``UNKNOWN``.

    The expression counts first, then the one line of the older field, then the classifiers, of
    which all have to be kept.

    Examples
    --------
    >>> told = Message()
    >>> licence(told)
    'UNKNOWN'
    >>> told["Classifier"] = "License :: OSI Approved :: MIT License"
    >>> licence(told)
    'MIT'
    >>> told["License"] = "MIT OR GPL-3.0"
    >>> licence(told)
    'MIT OR GPL-3.0'
    """
    if expression := metadata.get_all("License-Expression"):
        return str(expression[0])
    texts = metadata.get_all("License") or [""]
    first = str(texts[0]).strip().partition("\n")[0].strip()
    named = _NAMES.get(first.lower(), first)
    if _is_expression(named):
        return named
    told = [str(line).split(" :: ") for line in metadata.get_all("Classifier") or []]
    return _all_of(words[-1] for words in told if words[0] == "License" and len(words) > 1)


def allowed(expression: str) -> bool:
    """Whether one of the choices of an expression is allowed in all its parts.

    Examples
    --------
    >>> allowed("MIT AND Zlib"), allowed("MIT OR GPL-3.0"), allowed("MIT AND GPL-3.0")
    (True, True, False)
    >>> allowed("UNKNOWN"), allowed("(MIT)"), allowed("")
    (False, False, False)
    """
    choices = [choice.split(" AND ") for choice in expression.split(" OR ")]
    return any(ALLOWED.issuperset(choice) for choice in choices)


def _is_expression(named: str) -> bool:
    words = re.split(" AND | OR ", named)
    return all(re.fullmatch(r"[A-Za-z0-9.+-]*[A-Za-z0-9+]", word) for word in words)


def _all_of(names: Iterable[str]) -> str:
    return " AND ".join(sorted({_NAMES.get(name.lower(), UNKNOWN) for name in names})) or UNKNOWN
