"""One knob of a sweep: which setting it turns, and over which values."""

from dataclasses import replace
from typing import Any

import streamlit as st

from dashboard import session
from dashboard.controls import FIELDS
from dashboard.sweep_choice import SweepChoice
from rnnviz import Knob
from rnnviz.config.sweep import value_of
from rnnviz.fields import bounds, options, stops

SCALES = {"linear": "In a line", "log": "Equal ratios", "list": "A list"}
NOT_TURNED = ("seed", "data_seed", "time_limit", "detail")
FREE = ("gain", "input_scale", "forget_bias", "lag", "steps", "hidden_size")
"""What another knob is of, the first that is not turned yet."""


def box(choice: SweepChoice, number: int) -> None:
    """A box for the setting, and widgets for its values."""
    knob, key = choice.knobs[number], f"turned-{number}"
    taken = {other.name for other in choice.knobs if other is not knob}
    config = session.config()
    offered = [
        name
        for name in FIELDS
        if name == knob.name
        or (name not in NOT_TURNED and name not in taken and config.matters(name))
    ]
    session.show(key, knob.name)
    st.selectbox(
        f"Knob {number + 1}",
        offered,
        format_func=lambda name: FIELDS[name].title or name,
        key=key,
        on_change=_turn,
        args=(number, key),
        help=FIELDS[knob.name].description,
    )
    if not _matters(choice, knob):
        st.caption("Changes nothing here: no run of this sweep uses it.")
    if options(FIELDS[knob.name]):
        _choices(knob, number)
    else:
        _range(knob, number)
    if len(choice.knobs) > 1:
        st.button(
            "Remove",
            key=f"remove-knob-{number}",
            type="tertiary",
            on_click=_remove,
            args=(number,),
            help=f"No longer turns {knob.title}.",
        )


def _matters(choice: SweepChoice, knob: Knob) -> bool:
    """Whether a knob changes a run, of the settings on screen or of what another knob names."""
    base = session.config()
    named = [
        {other.name: value}
        for other in choice.knobs
        if other is not knob and options(FIELDS[other.name])
        for value in other.values
    ]
    return any(base.model_copy(update=changes).matters(knob.name) for changes in [{}, *named])


def _choices(knob: Knob, number: int) -> None:
    key, titles = f"values-{number}", options(FIELDS[knob.name])
    session.show(key, list(knob.values))
    st.multiselect(
        "Values", list(titles), format_func=titles.__getitem__, key=key, on_change=_pick,
        args=(number, key),
    )  # fmt: skip


def _range(knob: Knob, number: int) -> None:
    key = f"scale-{number}"
    session.show(key, knob.scale)
    act: dict[str, Any] = {"on_change": _space, "args": (number,)}
    st.segmented_control(
        "Spacing", list(SCALES), format_func=SCALES.__getitem__, key=key, required=True, **act
    )
    if knob.scale == "list":
        key = f"list-{number}"
        session.show(key, ", ".join(str(value) for value in knob.values))
        st.text_input("Values", key=key, max_chars=2000, **act)
        return
    with st.container(horizontal=True):
        _end(f"from-{number}", "From", knob.name, knob.values[0], act)
        _end(f"to-{number}", "To", knob.name, knob.values[-1], act)
        key = f"count-{number}"
        session.show(key, len(knob.values))
        st.number_input("Values", 1, 200, key=key, width=96, **act)


def _end(key: str, label: str, name: str, value: float | str, act: dict[str, Any]) -> None:
    """A box for an end of a range."""
    low, high = bounds(FIELDS[name])
    if FIELDS[name].annotation is int:
        session.show(key, int(value))
        st.number_input(label, int(low), int(high), key=key, width=96, **act)
    else:
        session.show(key, float(value))
        st.number_input(label, float(low), float(high), key=key, format="%.4g", width=96, **act)


def add() -> None:
    """Turn another setting, the first that is not turned yet."""
    knobs = session.state().sweep.knobs
    taken = {knob.name for knob in knobs}
    name = next(name for name in FREE if name not in taken)
    put(knobs=(*knobs, _first(name)))


def put(**changes: Any) -> None:
    """Sweep otherwise from now on."""
    session.put_beside(sweep=replace(session.state().sweep, **changes))


def _replace(number: int, knob: Knob) -> None:
    knobs = session.state().sweep.knobs
    put(knobs=(*knobs[:number], knob, *knobs[number + 1 :]))


def _tried(number: int, *words: Any) -> None:
    """Turn a knob to what was typed; what is not allowed is said and changes nothing."""
    name, scale, values = words
    try:
        if scale == "list":
            _replace(number, Knob.of(name, values))
        else:
            _replace(number, (Knob.log if scale == "log" else Knob.linear)(name, *values))
    except ValueError as error:
        session.say(f"{error}; nothing was changed")


def _remove(number: int) -> None:
    knobs = session.state().sweep.knobs
    put(knobs=(*knobs[:number], *knobs[number + 1 :]))


def _turn(number: int, key: str) -> None:
    _replace(number, _first(session.value(key)))


def _first(name: str) -> Knob:
    """A knob over a few values around the settings on screen."""
    field = FIELDS[name]
    if titles := options(field):
        return Knob.of(name, list(titles)[:4])
    rests = [stop for stop in stops(field) if stop > 0] or stops(field)
    value = getattr(session.config(), name)
    near = min(range(len(rests)), key=lambda n: abs(rests[n] - value))
    return Knob.of(name, rests[max(0, near - 4) : near + 4])


def _pick(number: int, key: str) -> None:
    name = session.state().sweep.knobs[number].name
    _tried(number, name, "list", session.value(key))


def _space(number: int) -> None:
    """Read the widgets of a knob again, or begin another spacing over the values there are."""
    knob, scale = session.state().sweep.knobs[number], session.value(f"scale-{number}")
    if scale == "list":
        _listed(number, knob)
        return
    spans: tuple[Any, ...]
    if knob.scale == "list":
        numbers = [value for value in knob.values if not isinstance(value, str)]
        spans = min(numbers), max(numbers), len(numbers)
    else:
        spans = tuple(session.value(f"{part}-{number}") for part in ("from", "to", "count"))
    if None not in spans:
        _tried(number, knob.name, scale, spans)


def _listed(number: int, knob: Knob) -> None:
    values: list[Any] = [*knob.values]
    try:
        if knob.scale == "list":
            typed = session.value(f"list-{number}").split(",")
            values = [value_of(knob.name, part.strip()) for part in typed if part.strip()]
    except ValueError as error:
        session.say(f"{error}; nothing was changed")
        return
    _tried(number, knob.name, "list", values)
