"""What is swept: a box for each knob, the seeds and the measures."""

from dataclasses import replace
from typing import Any

import streamlit as st

from dashboard import session
from dashboard.controls import FIELDS
from dashboard.sweep_choice import MOST_SEEDS, SweepChoice
from rnnviz import MEASURES, SWEEPS, Knob
from rnnviz.config.sweep import MOST_KNOBS, value_of
from rnnviz.fields import bounds, options, stops

SCALES = {"linear": "In a line", "log": "Equal ratios", "list": "A list"}
NOT_TURNED = ("seed", "data_seed", "time_limit", "detail")
FREE = ("gain", "input_scale", "forget_bias", "lag", "steps", "hidden_size")
"""What another knob is of, the first that is not turned yet."""


def controls(choice: SweepChoice) -> None:
    """Everything that a sweep adds to the settings of the sidebar."""
    _named(choice)
    for number, place in enumerate(st.columns(len(choice.knobs))):
        with place, st.container(border=True, key=f"knob-{number}"):
            _knob(choice, number)
    with st.container(horizontal=True, vertical_alignment="bottom", key="sweep-by"):
        st.button(
            "Add a knob",
            key="add-knob",
            on_click=_add,
            disabled=len(choice.knobs) >= MOST_KNOBS,
            help=f"Turns another setting; at most {MOST_KNOBS}.",
        )
        _seeds(choice)
        _measures(choice)


def _named(choice: SweepChoice) -> None:
    """A box that takes a whole named sweep, and names the one on screen if it is one."""
    base = session.config()
    known = {name: SweepChoice.of(sweep.config) for name, sweep in SWEEPS.items()}
    on_screen = next(
        (name for name, own in known.items() if own == choice and SWEEPS[name].config.base == base),
        None,
    )
    session.show("named-sweep", on_screen)
    st.selectbox(
        "Start from",
        list(SWEEPS),
        format_func=lambda name: SWEEPS[name].title,
        key="named-sweep",
        placeholder="Your own sweep",
        on_change=_take,
        width=420,
        help="A result from a paper, at a size that takes a minute or two.",
    )
    if on_screen:
        st.caption(SWEEPS[on_screen].claim, help=SWEEPS[on_screen].source)


def _take() -> None:
    if (name := session.value("named-sweep")) is not None:
        config = SWEEPS[name].config
        session.take(config.base)
        _put(**vars(SweepChoice.of(config)))


def _knob(choice: SweepChoice, number: int) -> None:
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


def _seeds(choice: SweepChoice) -> None:
    session.show("sweep-seeds", choice.sweep_seeds)
    st.number_input(
        "Seeds",
        1,
        MOST_SEEDS,
        key="sweep-seeds",
        width=110,
        on_change=lambda: _put(sweep_seeds=session.value("sweep-seeds")),
        help="How many networks are drawn at each point, from the seed of the sidebar on.",
    )


def _measures(choice: SweepChoice) -> None:
    session.show("measures", list(choice.measures))
    st.multiselect(
        "What is measured",
        list(MEASURES),
        format_func=MEASURES.__getitem__,
        key="measures",
        width=420,
        wrap=True,
        on_change=lambda: _put(measures=tuple(session.value("measures")) or ("factor",)),
        help="Held-out loss and success take a training at every point.",
    )
    if "success" in choice.measures:
        session.show("solved", choice.solved)
        st.number_input(
            "Solved at",
            0.001,
            1.0,
            key="solved",
            format="%.3g",
            width=110,
            on_change=lambda: _put(solved=session.value("solved")),
            help="A run succeeds where its held-out loss falls below this share of the loss of "
            "ignoring the past.",
        )


def _put(**changes: Any) -> None:
    session.put_beside(sweep=replace(session.state().sweep, **changes))


def _replace(number: int, knob: Knob) -> None:
    knobs = session.state().sweep.knobs
    _put(knobs=(*knobs[:number], knob, *knobs[number + 1 :]))


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


def _add() -> None:
    knobs = session.state().sweep.knobs
    taken = {knob.name for knob in knobs}
    name = next(name for name in FREE if name not in taken)
    _put(knobs=(*knobs, _first(name)))


def _remove(number: int) -> None:
    knobs = session.state().sweep.knobs
    _put(knobs=(*knobs[:number], *knobs[number + 1 :]))


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
