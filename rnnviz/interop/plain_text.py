"""Text of a file: which encoding it is in, and that it is text at all."""

import codecs
import re
from typing import Final

from rnnviz.interop.kinds import TITLES, kind_of
from rnnviz.interop.limits import shown
from rnnviz.interop.zips import is_zip

MARKS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""How a file begins that says its encoding; the longer ones first, as they begin alike."""
_CONTROL: Final = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_LINE_END: Final = re.compile(r"\r\n|\r|\n")


def decoded(data: bytes, name: str) -> tuple[str, str]:
    """The text of a file, and its encoding: what its first bytes say, or else UTF-8.

    Raises
    ------
    ValueError
        If it is another kind of file, is not in that encoding, or has control characters.
    """
    _check_kind(data, name)
    encoding = next((said for mark, said in MARKS if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as wrong:
        line = 1 + data.count(b"\n", 0, wrong.start)
        raise ValueError(
            f"{shown(name)} must be text in {encoding.removesuffix('-sig').upper()}, got another "
            f"byte at {wrong.start:,}, in line {line:,}: save it as UTF-8"
        ) from None
    if found := _CONTROL.search(text):
        raise ValueError(
            f"{shown(name)} must be text, got the control character {ord(found[0])} in line "
            f"{line_at(text, found.start()):,}"
        )
    return text, encoding


def line_at(text: str, place: int) -> int:
    """The number of the line that a place is in, from 1, whatever ends the lines."""
    return 1 + sum(1 for _ in _LINE_END.finditer(text, 0, place))


def _check_kind(data: bytes, name: str) -> None:
    """Refuse files that are known to be of another kind by how they begin."""
    kind = "zip" if is_zip(data) else kind_of(data, [])
    if kind not in {"text", "unknown", "safetensors"}:
        got = "a zip archive, as .xlsx and .ods are" if kind == "zip" else TITLES[kind]
        raise ValueError(f"{shown(name)} must be text, got {got}")
