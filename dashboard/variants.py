"""Other runs in a link, each as how it differs from the settings on screen."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from rnnviz import TrainConfig
from rnnviz.fields import short

Value: TypeAlias = str | int | float
Changes: TypeAlias = tuple[tuple[str, Value], ...]
"""Settings by name that differ from those on screen."""

NUMBERS: Final = (1, 2, 3, 5)
"""Of the colours that runs beside the one on screen may have: those that are told apart best."""
MOST_COLUMNS: Final = 3
MOST_CHANGES: Final = 3
"""Settings that one column of Compare may change."""
FIRST_COLUMNS: Final[tuple[Changes, ...]] = ((("cell", "lstm"),),)
"""What Compare begins with."""
NOTHING: Final = "none"
FIELDS = TrainConfig.model_fields


@dataclass(frozen=True)
class Pin:
    """A run that is kept to compare with."""

    number: int
    """Of its colour, which it keeps while others come and go."""
    config: TrainConfig


def free_number(pins: Sequence[Pin]) -> int | None:
    """The first colour that no pin has; None where as many are pinned as may be."""
    taken = {pin.number for pin in pins}
    return next((number for number in NUMBERS if number not in taken), None)


def changes_between(config: TrainConfig, base: TrainConfig) -> Changes:
    """What has to be changed of ``base`` to get ``config``."""
    return tuple(
        (name, getattr(config, name))
        for name in FIELDS
        if getattr(config, name) != getattr(base, name)
    )


def pins_to_text(pins: Sequence[Pin], base: TrainConfig) -> str:
    """Every pin as one text, such as ``1:gain=1.2;3:cell=lstm,init=orthogonal``."""
    told = [f"{pin.number}:{_text(changes_between(pin.config, base))}" for pin in pins]
    return ";".join(told) or NOTHING


def columns_to_text(columns: Sequence[Changes]) -> str:
    """Every column as one text, such as ``gain=1.2;cell=lstm,init=orthogonal``."""
    return ";".join(_text(changes) for changes in columns) or NOTHING


def pins_from_text(text: str, base: TrainConfig) -> tuple[tuple[Pin, ...], list[str]]:
    """The pins that a link describes, and a sentence for each that was not used."""
    pins: list[Pin] = []
    said: list[str] = []
    for part in _parts(text):
        number, colon, changes = part.partition(":")
        try:
            if not colon or not number.isdecimal() or int(number[:4]) not in NUMBERS:
                raise ValueError(f"a pin must begin with one of {list(NUMBERS)}, got {short(part)}")
            if int(number) in {pin.number for pin in pins}:
                raise ValueError(f"a pin's number may come once, got {number} again")
            pins.append(Pin(int(number), base.replace(**dict(_read(changes, len(FIELDS))))))
        except ValueError as error:
            said.append(f"A pinned run was not used: {error}.")
    return tuple(pins), said


def columns_from_text(text: str, base: TrainConfig) -> tuple[tuple[Changes, ...], list[str]]:
    """The columns of Compare that a link describes, and what of them was not used."""
    columns: list[Changes] = []
    said: list[str] = []
    for part in _parts(text):
        try:
            if len(columns) >= MOST_COLUMNS:
                raise ValueError(f"at most {MOST_COLUMNS} may stand beside the settings")
            changes = _read(part, MOST_CHANGES)
            base.replace(**dict(changes))
            columns.append(changes)
        except ValueError as error:
            said.append(f"A run to compare with was not used: {error}.")
    return tuple(columns), said


def _parts(text: str) -> Iterable[str]:
    return [] if text in ("", NOTHING) else text.split(";")[: 2 * len(NUMBERS)]


def _read(text: str, most: int) -> Changes:
    pairs = [pair.partition("=") for pair in text.split(",", most + 1)] if text else []
    if len(pairs) > most:
        raise ValueError(f"at most {most} settings may differ, got more")
    if unknown := [name for name, _, _ in pairs if name not in FIELDS]:
        raise ValueError(f"there is no setting called {short(unknown[0])}")
    read: Mapping[str, Value] = {name: number(name, value) for name, _, value in pairs}
    return tuple(read.items())


def number(name: str, value: str) -> Value:
    """Text as the number it spells; anything else is left for the config to refuse."""
    kind = FIELDS[name].annotation
    try:
        return int(value) if kind is int else float(value) if kind is float else value
    except ValueError:
        return value


def _text(changes: Changes) -> str:
    return ",".join(f"{name}={plain(value)}" for name, value in changes)


def plain(value: object) -> str:
    """A setting's value as a link spells it."""
    return repr(value) if isinstance(value, float) else str(value)
