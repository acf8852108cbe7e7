"""Runs that are pinned: kept to compare with, on every chart of Explore and in the link."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from dashboard import session
from dashboard.differences import told_apart
from dashboard.explored import Explored
from dashboard.frame import escape
from dashboard.link import State
from dashboard.others import Other
from dashboard.records import explore
from dashboard.table import Column, table
from dashboard.variants import NUMBERS, Pin, free_number
from rnnviz import TrainConfig
from rnnviz.figures.theme import PALETTES, run_colour


def pin_button(config: TrainConfig) -> None:
    """Keeps a run, while there is room for one more."""
    full = free_number(session.state().pins) is None
    st.button(
        "Pin this run",
        key="pin",
        on_click=_pin,
        args=(config,),
        disabled=full,
        type="tertiary",
        help=f"Keeps it as a thin line on every chart; at most {len(NUMBERS)} are kept.",
    )


def pinned(state: State) -> list[Other]:
    """The pinned runs that are not the one on screen, named by how they differ from it."""
    pins, base = state.pins, state.config
    names = told_apart([pin.config.run for pin in pins], base.run)
    return [
        Other(name, pin.number, pin.config.run)
        for name, pin in zip(names, pins, strict=True)
        if pin.config.run != base.run
    ]


def panel(explored: Explored) -> None:
    """Each pinned run with its colour, to open or remove it, and a table of what differs."""
    pins = session.state().pins
    if not pins:
        return
    names = told_apart([pin.config.run for pin in pins], session.config().run)
    columns = [Column("On screen", 0, explored)]
    for name, pin in zip(names, pins, strict=True):
        try:
            columns.append(Column(name, pin.number, explore(pin.config.run)))
        except ValueError as error:
            st.warning(escape(f"The pinned run {name} was not computed: {error}."))
    with st.container(key="pins"):
        for name, pin in zip(names, pins, strict=True):
            _listed(name, pin)
        table(columns)


def _listed(name: str, pin: Pin) -> None:
    colour = run_colour(pin.number, PALETTES[session.theme()])
    with st.container(horizontal=True, vertical_alignment="center", key=f"pin-{pin.number}"):
        st.html(f"<span class='swatch' style='background:{colour}'></span>", width="content")
        st.markdown(escape(name), width="content")
        open_or_remove(name, pin)


def open_or_remove(name: str, pin: Pin, act: Callable[[Pin], None] | None = None) -> None:
    """The two buttons of a pinned run; what opens it may be handed in."""
    as_link: dict[str, Any] = {"type": "tertiary", "args": (pin,)}
    st.button(
        "Open",
        key=f"open-{pin.number}",
        on_click=act or _open,
        help=f"Makes the settings those of the pinned run {name}.",
        **as_link,
    )
    st.button(
        "Remove",
        key=f"remove-{pin.number}",
        on_click=_remove,
        help=f"Forgets the pinned run {name}.",
        **as_link,
    )


def _pin(config: TrainConfig) -> None:
    pins = session.state().pins
    number = free_number(pins)
    if number is not None and all(pin.config != config for pin in pins):
        session.put_beside(pins=(*pins, Pin(number, config)))


def _open(pin: Pin) -> None:
    session.take(pin.config)


def _remove(pin: Pin) -> None:
    pins = session.state().pins
    session.put_beside(pins=tuple(other for other in pins if other.number != pin.number))
