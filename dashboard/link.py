"""What is on screen as the query of a link, and back: each function is the other's inverse."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from difflib import get_close_matches
from typing import Any

from rnnviz import TrainConfig
from rnnviz.fields import short

SECTIONS = {
    "why": "Why",
    "sources": "Where it comes from",
    "products": "Products",
    "exponents": "Exponents",
    "bounds": "Bounds",
    "theory": "Mean field",
    "gates": "Gates",
    "depth": "Depth",
    "batch": "Batch",
    "truncation": "Truncation",
    "precision": "Precision",
    "states": "States",
    "surface": "Loss surface",
    "weights": "Weights",
    "check": "Check",
}
"""Explore's sections below the time panel."""
CHOICES = {
    "section": SECTIONS,
    "scale": {"absolute": "Norms", "relative": "Shares of each state"},
    "colour": {"time": "Coloured by time", "factor": "Coloured by factor per step"},
    "surface": {"weights": "Two weights", "directions": "Two directions", "cliff": "One unit"},
}
"""What may be looked at in several ways: each way's name and title."""

FIELDS = TrainConfig.model_fields
MOST_PARAMETERS = 64
"""A link with more than this is not one of ours."""


@dataclass(frozen=True)
class View:
    """What is looked at: nothing in it changes a number."""

    section: str = "why"
    sequence: int = 0
    """Which sequence of the batch the heatmaps show."""
    scale: str = "absolute"
    colour: str = "time"
    surface: str = "weights"


@dataclass(frozen=True)
class State:
    """Everything that decides what is on screen."""

    config: TrainConfig = field(default_factory=TrainConfig)
    view: View = field(default_factory=View)


def to_query(state: State) -> dict[str, str]:
    """Every setting by name, defaults too, so that an old link survives new defaults."""
    settings = {name: _text(value) for name, value in state.config.model_dump().items()}
    return settings | {name: str(value) for name, value in asdict(state.view).items()}


def from_query(query: Mapping[str, Sequence[str]]) -> tuple[State, list[str]]:
    """The state that a link describes, and a sentence for each part of it that was not used.

    Parameters
    ----------
    query : every parameter with all of its values, as the address bar gave them
    """
    if len(query) > MOST_PARAMETERS:
        return State(), [f"The link has {len(query)} settings; at most {MOST_PARAMETERS} are read."]
    notices: list[str] = []
    settings: dict[str, Any] = {}
    view: dict[str, Any] = {}
    for name, values in query.items():
        if len(values) > 1:
            notices.append(f"{short(name)} is given {len(values)} times; the last is used.")
        value = values[-1]
        if name in FIELDS:
            _take(name, value, settings, notices)
        elif value in CHOICES.get(name, ()):
            view[name] = value
        elif name == "sequence" and value.isdecimal() and len(value) < 6:
            view[name] = int(value)
        elif name == "sequence" or name in CHOICES:
            notices.append(f"{name} was not used: there is none called {short(value)}.")
        else:
            notices.append(_unknown(name))
    return State(TrainConfig(**settings), View(**view)), notices


def _take(name: str, value: str, settings: dict[str, Any], notices: list[str]) -> None:
    """Add one setting, unless the config refuses it."""
    try:
        settings[name] = getattr(TrainConfig(**{name: _number(name, value)}), name)
    except ValueError as error:
        notices.append(f"{error}; {_text(FIELDS[name].default)} is used.")


def _number(name: str, value: str) -> str | int | float:
    """Text as the number it spells; anything else is left for the config to refuse."""
    kind = FIELDS[name].annotation
    try:
        return int(value) if kind is int else float(value) if kind is float else value
    except ValueError:
        return value


def _unknown(name: str) -> str:
    near = get_close_matches(name[:80], FIELDS, 1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"There is no setting called {short(name)}{hint or '.'}"


def _text(value: object) -> str:
    return repr(value) if isinstance(value, float) else str(value)
