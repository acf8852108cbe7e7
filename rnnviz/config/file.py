"""Settings in a file: TOML or JSON, one setting a line, by the names that the app has."""

import json
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import Any, Final

from rnnviz.config.depth import check_depth
from rnnviz.config.train import TrainConfig
from rnnviz.fields import bounds, likely, options, short

BYTES: Final = 64 << 10
"""The largest file of settings."""
NOTICES: Final = 5
"""How many unknown settings are named one by one."""
ENDINGS: Final = (".toml", ".json")
PRESET: Final = "preset"
"""The one name that is no setting: what the settings are changes of."""

_PLACE: Final = re.compile(r" \(at (line \d+, column \d+|end of document)\)$")


@dataclass(frozen=True)
class ConfigFile:
    """What a file of settings says."""

    settings: Mapping[str, Any]
    """Those that are known, each within its range."""
    preset: str | None = None
    """What they are changes of, if the file names one; not yet looked up."""
    notices: tuple[str, ...] = ()
    """A sentence for each setting that is not known, and so is not used."""


def read_config(path: str | Path) -> ConfigFile:
    """The settings in a file that ends in .toml or .json; ``parse_config`` says what is in it.

    Raises
    ------
    ValueError
        One sentence that names the file and the cause.
    OSError
        If there is no such file, or it cannot be opened.
    """
    path = Path(path)
    with path.open("rb") as file:
        return parse_config(file.read(BYTES + 1), path.name)


def parse_config(data: bytes, name: str) -> ConfigFile:
    r"""The settings in a file's bytes.

    It is at most 64 KB, and its depth is bounded before anything is parsed.

    Parameters
    ----------
    data : UTF-8 text
    name : what the file is called; its ending says which of the two formats it has

    Raises
    ------
    ValueError
        One sentence that names the file and the cause, with line and column where there are any.

    Examples
    --------
    >>> parse_config(b'cell = "lstm"\nhidden_siz = 32', "run.toml")
    ... # doctest: +NORMALIZE_WHITESPACE
    ConfigFile(settings={'cell': 'lstm'}, preset=None,
    notices=("unknown setting 'hidden_siz' is left out; did you mean hidden_size?",))
    """
    last = PureWindowsPath(name).name
    try:
        return _config(_parsed(_text(data), PureWindowsPath(name).suffix.lower()))
    except ValueError as refused:
        raise ValueError(f"the config file {short(last)}: {refused}") from None


def _text(data: bytes) -> str:
    if len(data) > BYTES:
        raise ValueError(f"it must be at most {BYTES >> 10} KB, and this one is larger")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ValueError("it must be UTF-8 text, got UTF-16")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"it must be UTF-8 text, got a byte {data[error.start]:#04x} at offset {error.start}"
        ) from None
    if not text.strip():
        raise ValueError("it must have settings in it, got an empty file")
    return text


def _parsed(text: str, ending: str) -> dict[str, Any]:
    readers: dict[str, Callable[[str], Any]] = {".toml": _toml, ".json": _json}
    if ending not in readers:
        raise ValueError(f"its name must end in {' or '.join(ENDINGS)}, got {short(ending)}")
    check_depth(text)
    read = readers[ending](text)
    if not isinstance(read, dict):
        raise ValueError(f"it must be an object of names and values, got {short(read)}")
    return read


def _toml(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = _PLACE.search(str(error))
        where = f"{place[1]}: " if place else ""
        raise ValueError(f"{where}{_told(_PLACE.sub('', str(error)))} (read as TOML)") from None
    except ValueError:
        raise ValueError("a number has too many digits to be read") from None


def _json(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise ValueError(f"{where}: {_told(error.msg)} (read as JSON)") from None
    except _GivenTwiceError as twice:
        raise ValueError(f"{short(str(twice))} is given twice") from None
    except ValueError:
        raise ValueError("a number has too many digits to be read") from None


class _GivenTwiceError(ValueError):
    """A name that an object has twice."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise _GivenTwiceError(name)
        found[name] = value
    return found


def _told(message: str) -> str:
    """A parser's sentence within ours, and not for ever."""
    words = message[:1].lower() + message[1:]
    return words if len(words) <= 100 else words[:97] + "..."


def _config(read: dict[str, Any]) -> ConfigFile:
    preset = read.pop(PRESET, None)
    if preset is not None and not isinstance(preset, str):
        raise ValueError(f"{PRESET} must be the name of a preset, got {_came(preset)}")
    settings = {name: value for name, value in read.items() if name in TrainConfig.model_fields}
    unknown = {name: value for name, value in read.items() if name not in settings}
    for name, value in settings.items():
        _check_type(name, value)
    TrainConfig(**settings)
    return ConfigFile(settings, preset, tuple(_notices(unknown)))


def _check_type(name: str, value: object) -> None:
    """Refuse what is no number, or too large a one to be shown, and text that is no name."""
    field = TrainConfig.model_fields[name]
    if choices := options(field):
        if not isinstance(value, str):
            raise ValueError(f"{name} must be one of {sorted(choices)}, got {_came(value)}")
        return
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or _is_endless(value):
        low, high = bounds(field)
        whole = "a whole number" if field.annotation is int else "a number"
        raise ValueError(f"{name} must be {whole} in [{low:g}, {high:g}], got {_came(value)}")


def _is_endless(value: object) -> bool:
    """Whether it is a whole number that Python refuses to write out, or nearly."""
    return isinstance(value, int) and value.bit_length() > 200


def _came(value: object) -> str:
    """What came, so that it can be shown."""
    if _is_endless(value):
        return "a whole number of more than 60 digits"
    return "nothing" if value is None else short(value)


def _notices(unknown: Mapping[str, Any]) -> Iterator[str]:
    paths = [*_paths(unknown)]
    for path in paths[:NOTICES]:
        meant = likely(path[-1], [*TrainConfig.model_fields, PRESET])
        asked = f"; did you mean {meant}?" if meant else ""
        yield f"unknown setting {short('.'.join(path))} is left out{asked}"
    if len(paths) > NOTICES:
        yield f"{len(paths) - NOTICES:,} more unknown settings are left out"


def _paths(read: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """The path to each setting of a table in a table, down to the value."""
    for name, value in read.items():
        if isinstance(value, dict) and value:
            yield from ((name, *below) for below in _paths(value))
        else:
            yield (name,)
