"""Config fields: a number with its range and unit, or a choice from a registry."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from difflib import get_close_matches
from typing import Any, Protocol, runtime_checkable

from pydantic import BaseModel, Field, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

Real = int | float

FAULTS_TOLD = 20
"""The most faults of one config that are told: to find what each of thousands meant takes long."""


@runtime_checkable
class Titled(Protocol):
    """An entry of a registry that can be offered by a title."""

    @property
    def title(self) -> str:
        """What people call it."""


def number(
    default: Real,
    low: Real,
    high: Real,
    title: str,
    description: str,
    unit: str = "",
    stops: Sequence[Real] = (),
) -> Any:
    """A field for a finite number in [low, high]; ``stops`` are where a slider rests."""
    rests = [stop for stop in stops if low <= stop <= high]
    return Field(
        default,
        ge=low,
        le=high,
        allow_inf_nan=False,
        title=title,
        description=description,
        json_schema_extra={"unit": unit, "stops": [*sorted({low, *rests, high})]},
    )


def count(
    default: int,
    low: int,
    high: int,
    title: str,
    description: str,
    unit: str = "",
    stops: Sequence[Real] = (),
) -> Any:
    """A field for a whole number in [low, high]; ``stops`` are where a slider rests."""
    rests = [int(stop) for stop in stops if low <= stop <= high and stop == int(stop)]
    return Field(
        default,
        ge=low,
        le=high,
        title=title,
        description=description,
        json_schema_extra={"unit": unit, "stops": [*sorted({low, *rests, high})]},
    )


def choice(default: str, offered: Mapping[str, Titled | str], title: str, description: str) -> Any:
    """A field for one of the names offered, each with the title that a page shows."""
    titles = {name: t if isinstance(t, str) else t.title for name, t in offered.items()}
    return Field(
        default,
        pattern=f"^({'|'.join(re.escape(name) for name in titles)})$",
        title=title,
        description=description,
        json_schema_extra={"options": {**titles}},
    )


def options(field: FieldInfo) -> dict[str, str]:
    """What a choice field offers, title by name; empty for a number."""
    extra = field.json_schema_extra
    assert isinstance(extra, dict)
    titles = extra.get("options", {})
    assert isinstance(titles, dict)
    return {name: str(title) for name, title in titles.items()}


def bounds(field: FieldInfo) -> tuple[Real, Real]:
    """The smallest and the largest value that a number field allows."""
    limits = {name: value for m in field.metadata for name, value in asdict(m).items()}
    return limits["ge"], limits["le"]


def stops(field: FieldInfo) -> list[Real]:
    """Where a number field's slider rests, from the smallest value to the largest."""
    extra = field.json_schema_extra
    assert isinstance(extra, dict)
    rests = extra["stops"]
    assert isinstance(rests, list)
    return [stop for stop in rests if isinstance(stop, int | float)]


def sentence(error: ErrorDetails, model: type[BaseModel]) -> str:
    """One sentence: which field, what is allowed, what came."""
    name, came = str(error["loc"][0]) if error["loc"] else "", error["input"]
    field = model.model_fields.get(name)
    if field is None:
        meant = likely(name, model.model_fields)
        choices = f"choose from {sorted(model.model_fields)}"
        return f"unknown setting {short(name)}; {f'did you mean {meant}?' if meant else choices}"
    if options(field):
        return f"{name} must be one of {sorted(options(field))}, got {short(came)}"
    low, high = bounds(field)
    whole = "a whole number " if error["type"].startswith("int") else ""
    return f"{name} must be {whole}in [{low:g}, {high:g}], got {short(came)}"


def likely(name: str, known: Iterable[str]) -> str | None:
    """The known name that is spelled most like it, if any is.

    Examples
    --------
    >>> likely("Hiden", ["hidden_size", "gain"])
    'hidden_size'
    """
    found = get_close_matches(name[:60].lower(), known, 1)
    return found[0] if found else None


def sentences(error: ValidationError, model: type[BaseModel]) -> str:
    """The faults of a config, one sentence each; of many the first few, and how many more."""
    found = error.errors()
    told = [sentence(e, model) for e in found[:FAULTS_TOLD]]
    more = len(found) - len(told)
    return "; ".join([*told, f"and {more:,} more"] if more else told)


def short(value: object) -> str:
    """What came, quoted and cut to 60 characters."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
