"""What is on screen as the query of a link, and back: each function is the other's inverse."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from dashboard import sweep_choice
from dashboard.sweep_choice import SweepChoice
from dashboard.variants import (
    FIRST_COLUMNS,
    Changes,
    Pin,
    columns_from_text,
    columns_to_text,
    number,
    pins_from_text,
    pins_to_text,
    plain,
)
from rnnviz import MEASURES, PRESETS, TrainConfig
from rnnviz.config.file import PRESET
from rnnviz.fields import likely, short

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
LOOKS = {
    "prediction": "Prediction",
    "panel": "Time panel",
    "ratios": "Update ratios",
    "spectrum": "Eigenvalues",
    "half-life": "Half-life",
    "radius": "Spectral radius",
    "units": "Units",
    "accuracy": "Accuracy",
    "recall": "Recall by lag",
}
"""Train's pictures below the curves."""
CHOICES = {
    "section": SECTIONS,
    "look": LOOKS,
    "scale": {"absolute": "Norms", "relative": "Shares of each state"},
    "colour": {"time": "Coloured by time", "factor": "Coloured by factor per step"},
    "surface": {"weights": "Two weights", "directions": "Two directions", "cliff": "One unit"},
    "compare": {"changes": "Changed settings", "pins": "Pinned runs"},
    "sizes": {"hidden_size": "Same hidden size", "parameters": "Same parameter count"},
    "measure": MEASURES,
}
"""What may be looked at in several ways: each way's name and title."""

COUNTS = ("sequence", "at", "seeds")
"""What of the view is a whole number."""

FIELDS = TrainConfig.model_fields
MOST_PARAMETERS = 128
"""A link with more than this is not one of ours."""
LATEST = "latest"
"""In a link, no moment gone by."""


@dataclass(frozen=True)
class View:
    """What is looked at: nothing in it changes a number."""

    section: str = "why"
    sequence: int = 0
    """Which sequence of the batch the heatmaps show."""
    scale: str = "absolute"
    colour: str = "time"
    surface: str = "weights"
    compare: str = "changes"
    """What stands beside the settings on Compare."""
    sizes: str = "hidden_size"
    seeds: int = 1
    """How many seeds Compare draws bands over."""
    measure: str = "factor"
    """Which of a sweep's measures is drawn, if it has it."""
    look: str = "prediction"
    at: int | None = None
    """Which moment of a training is looked at, by its step; None for the latest."""


@dataclass(frozen=True)
class State:
    """Everything that decides what is on screen."""

    config: TrainConfig = field(default_factory=TrainConfig)
    view: View = field(default_factory=View)
    pins: tuple[Pin, ...] = ()
    """Runs that are kept to compare with, on every page."""
    columns: tuple[Changes, ...] = FIRST_COLUMNS
    """Runs that Compare puts beside the settings."""
    sweep: SweepChoice = field(default_factory=SweepChoice)
    """What Sweep turns, and what it measures."""


def to_query(state: State) -> dict[str, str]:
    """Every setting by name, defaults too, so that an old link survives new defaults."""
    settings = {name: plain(value) for name, value in state.config.model_dump().items()}
    settings["pins"] = pins_to_text(state.pins, state.config)
    settings["columns"] = columns_to_text(state.columns)
    settings |= sweep_choice.to_texts(state.sweep)
    shown = {"at": LATEST if state.view.at is None else state.view.at}
    return settings | {name: str(v) for name, v in (asdict(state.view) | shown).items()}


def from_query(query: Mapping[str, Sequence[str]]) -> tuple[State, list[str]]:
    """The state that a link describes, and a sentence for each part of it that was not used.

    Parameters
    ----------
    query : every parameter with all of its values, as the address bar gave them
    """
    if len(query) > MOST_PARAMETERS:
        return State(), [f"The link has {len(query)} settings; at most {MOST_PARAMETERS} are read."]
    notices: list[str] = []
    rest = {**query}
    settings = _preset(rest.pop(PRESET, ()), notices)
    view: dict[str, Any] = {}
    others = {"pins": "", "columns": columns_to_text(FIRST_COLUMNS)}
    swept: dict[str, str] = {}
    for name, values in rest.items():
        if len(values) > 1:
            notices.append(f"{short(name)} is given {len(values)} times; the last is used.")
        value = values[-1] if values else ""
        if name in FIELDS:
            _take(name, value, settings, notices)
        elif name in CHOICES or name in COUNTS:
            _look(name, value, view, notices)
        elif name in others:
            others[name] = value
        elif name in sweep_choice.PARTS:
            swept[name] = value
        else:
            notices.append(_unknown(name))
    config = TrainConfig(**settings)
    pins, unused = pins_from_text(others["pins"], config)
    columns, unread = columns_from_text(others["columns"], config)
    sweep, unswept = sweep_choice.from_texts(swept)
    state = State(config, View(**view), pins, columns, sweep)
    return state, [*notices, *unused, *unread, *unswept]


def _preset(names: Sequence[str], notices: list[str]) -> dict[str, Any]:
    """The settings of a preset, which the link's other settings change."""
    name = names[-1] if names else ""
    if name in PRESETS:
        return PRESETS[name].config.model_dump()
    if names:
        allowed = f"one of {sorted(PRESETS)}"
        notices.append(f"{PRESET} must be {allowed}, got {short(name)}; none is used.")
    return {}


def _take(name: str, value: str, settings: dict[str, Any], notices: list[str]) -> None:
    """Add one setting, unless the config refuses it."""
    try:
        settings[name] = getattr(TrainConfig(**{name: number(name, value)}), name)
    except ValueError as error:
        used = settings.get(name, FIELDS[name].default)
        notices.append(f"{error}; {plain(used)} is used.")


def _look(name: str, value: str, view: dict[str, Any], notices: list[str]) -> None:
    """Add one part of the view, if there is such a thing to look at."""
    if value in CHOICES.get(name, ()):
        view[name] = value
    elif name == "at" and value == LATEST:
        view[name] = None
    elif name in COUNTS and value.isdecimal() and len(value) < 6:
        view[name] = int(value)
    else:
        notices.append(
            f"{name} must be {_allowed(name)}, got {short(value)}; {_first(name)} is used."
        )


def _allowed(name: str) -> str:
    """What a part of the view may be."""
    if name in CHOICES:
        return f"one of {sorted(CHOICES[name])}"
    either = f"{LATEST} or " if name == "at" else ""
    return f"{either}a whole number in [0, 99999]"


def _first(name: str) -> object:
    """What a part of the view is where nothing says otherwise."""
    first = getattr(View(), name)
    return LATEST if first is None else first


def _unknown(name: str) -> str:
    """That there is no such part of a link, with the one that may be meant."""
    near = likely(name, (*FIELDS, *CHOICES, *COUNTS, "pins", "columns", *sweep_choice.PARTS))
    hint = f"; did you mean {near}?" if near else "; it is left out."
    return f"There is no setting called {short(name)}{hint}"
