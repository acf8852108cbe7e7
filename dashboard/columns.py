"""What is different in each run beside the settings: up to three fields, each with a widget."""

from typing import Any

import streamlit as st

from dashboard import session
from dashboard.compared import DATA
from dashboard.controls import FIELDS
from dashboard.differences import FIELDS as OFFERED
from dashboard.variants import MOST_CHANGES, MOST_COLUMNS, Changes, Value
from rnnviz.fields import bounds, options

CHANGEABLE = [name for name in OFFERED if name not in DATA]


def columns() -> None:
    """A box for each run beside the settings, and a button for one more."""
    found = session.state().columns
    if found:
        for number, place in enumerate(st.columns(len(found))):
            with place, st.container(border=True, key=f"column-{number}"):
                _column(number, found[number])
    st.button(
        "Add a run",
        key="add-column",
        on_click=_add,
        disabled=len(found) >= MOST_COLUMNS,
        help=f"Puts another network beside the settings; at most {MOST_COLUMNS}.",
    )


def _column(number: int, changes: Changes) -> None:
    key = f"differs-{number}"
    session.show(key, [name for name, _ in changes])
    st.multiselect(
        f"Run {number + 2} differs in",
        CHANGEABLE,
        format_func=_title,
        key=key,
        max_selections=MOST_CHANGES,
        on_change=_choose,
        args=(number, key),
        help="The settings that are not those of the sidebar.",
    )
    for name, value in changes:
        _widget(number, name, value)
    st.button(
        "Remove",
        key=f"remove-column-{number}",
        type="tertiary",
        on_click=_remove,
        args=(number,),
        help=f"Takes run {number + 2} away.",
    )


def _widget(number: int, name: str, value: Value) -> None:
    """A field's widget: a box for a choice, and one to type a number in."""
    field, key = FIELDS[name], f"column-{number}-{name}"
    session.show(key, value)
    act: dict[str, Any] = {"key": key, "on_change": _set, "args": (number, name, key)}
    act["help"] = field.description
    if titles := options(field):
        st.selectbox(_title(name), list(titles), format_func=titles.__getitem__, **act)
        return
    low, high = bounds(field)
    if isinstance(value, float):
        st.number_input(_title(name), float(low), float(high), format="%.4g", step=0.1, **act)
    else:
        st.number_input(_title(name), int(low), int(high), **act)


def _title(name: str) -> str:
    return FIELDS[name].title or name


def _add() -> None:
    found = session.state().columns
    cell = "gru" if session.config().cell == "lstm" else "lstm"
    session.put_beside(columns=(*found, (("cell", cell),)))


def _remove(number: int) -> None:
    found = session.state().columns
    session.put_beside(columns=(*found[:number], *found[number + 1 :]))


def _choose(number: int, key: str) -> None:
    """Other fields differ: those that stay keep their values, new ones start at the settings'."""
    known, base = dict(session.state().columns[number]), session.config()
    names = session.value(key)[:MOST_CHANGES]
    _put(number, tuple((name, known.get(name, getattr(base, name))) for name in names))


def _set(number: int, name: str, key: str) -> None:
    value = session.value(key)
    changes = dict(session.state().columns[number]) | ({} if value is None else {name: value})
    _put(number, tuple(changes.items()))


def _put(number: int, changes: Changes) -> None:
    found = session.state().columns
    session.put_beside(columns=(*found[:number], changes, *found[number + 1 :]))
