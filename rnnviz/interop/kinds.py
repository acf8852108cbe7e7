"""What kind of file this is, from its first bytes; its name may say otherwise."""

from collections.abc import Mapping
from pathlib import PureWindowsPath
from types import MappingProxyType
from typing import Final

from rnnviz.interop.limits import one_line, shown

ENDINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        ".safetensors": "safetensors",
        ".npz": "npz",
        ".pt": "pytorch",
        ".pth": "pytorch",
        ".h5": "hdf5",
        ".hdf5": "hdf5",
        ".keras": "keras",
    }
)
"""The endings that a file of weights may have, and what is then in it."""

TITLES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "safetensors": "a safetensors file",
        "npz": "a NumPy archive (.npz)",
        "pytorch": "a PyTorch file",
        "hdf5": "an HDF5 file",
        "keras": "a Keras archive",
        "zip": "a zip archive without weights",
        "npy": "one NumPy array without a name (.npy)",
        "pickle": "a pickle, which is never opened",
        "gzip": "a gzip file",
        "xz": "an xz file",
        "png": "a PNG picture",
        "pdf": "a PDF",
        "text": "text",
        "unknown": "a file of no kind that is known here",
    }
)
"""Each kind in words."""

_STARTS: Final = (
    (b"\x89HDF\r\n\x1a\n", "hdf5"),
    (b"\x93NUMPY", "npy"),
    (b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.", "pytorch"),  # as before version 1.6
    (b"\x80", "pickle"),
    (b"\x1f\x8b", "gzip"),
    (b"\xfd7zXZ", "xz"),
    (b"\x89PNG", "png"),
    (b"%PDF", "pdf"),
)


def kind_of(data: bytes, members: list[str]) -> str:
    """One of the keys of ``TITLES``.

    Parameters
    ----------
    data : the file
    members : the names in it, where it is a zip archive
    """
    if members:
        return _kind_of_archive(members)
    for start, kind in _STARTS:
        if data.startswith(start):
            return kind
    if data[8:9] == b"{":
        return "safetensors"
    return "text" if _is_text(data[:1000]) else "unknown"


def check_kind(kind: str, name: str) -> None:
    """Refuse what holds no weights, and a file that is another than its name says.

    Raises
    ------
    ValueError
    """
    ending = PureWindowsPath(name).suffix.lower()
    named = ENDINGS.get(ending)
    if named == kind or (named is None and kind in ENDINGS.values()):
        return
    wanted = TITLES[named] if named else f"one of {', '.join(ENDINGS)}"
    raise ValueError(f"{shown(name)} must be {wanted}, got {TITLES[kind]}")


def _kind_of_archive(members: list[str]) -> str:
    if any(member.endswith("data.pkl") for member in members):
        return "pytorch"
    if "model.weights.h5" in members:
        return "keras"
    return "npz" if any(member.endswith(".npy") for member in members) else "zip"


def _is_text(start: bytes) -> bool:
    return one_line(start.decode("ascii", "replace").replace("\n", " ")).isprintable() and (
        all(byte >= 32 or byte in b"\t\r\n" for byte in start)
    )
