"""Runs side by side: only the settings that differ, next to the numbers that changed."""

import html
from collections.abc import Sequence
from typing import NamedTuple

import streamlit as st

from dashboard import session
from dashboard.cards import cards
from dashboard.differences import FIELDS, differing, value_of
from dashboard.explored import Explored
from rnnviz.figures.theme import PALETTES, run_colour
from rnnviz.match import parameter_count


class Column(NamedTuple):
    """A run in the table."""

    name: str
    number: int
    """Of its colour: 0 for the one on screen."""
    explored: Explored


def table(columns: Sequence[Column]) -> None:
    """A row for each run: the settings that differ, and the numbers that changed with them."""
    if len(columns) < 2:
        return
    configs = [column.explored.config for column in columns]
    names = differing(configs)
    titles = [FIELDS[name].title or name for name in names]
    settings = [[value_of(config, name) for name in names] for config in configs]
    numbers = [_numbers(column.explored) for column in columns]
    changed = [label for label in numbers[0] if len({row.get(label) for row in numbers}) > 1]
    rows = "".join(
        _row(column, [*own, *(row.get(label, "none") for label in changed)])
        for column, own, row in zip(columns, settings, numbers, strict=True)
    )
    heads = "".join(
        f"<th scope='col'>{html.escape(title)}</th>" for title in ("Run", *titles, *changed)
    )
    caption = "<caption>What differs, and what changes with it</caption>"
    st.html(
        f"<div class='beside' tabindex='0'><table>{caption}<thead><tr>{heads}</tr></thead>"
        f"<tbody>{rows}</tbody></table></div>"
    )


def _numbers(explored: Explored) -> dict[str, str]:
    """The numbers of a run by label, a doubling time told as no half-life."""
    told = {label: value for label, value, _ in cards(explored)}
    if "Doubling time" in told:
        told = {"Factor per step": told["Factor per step"], "Half-life": "none"} | told
        del told["Doubling time"]
    return told | {"Parameters": f"{parameter_count(explored.config):,}"}


def _row(column: Column, values: Sequence[str]) -> str:
    palette = PALETTES[session.theme()]
    colour = palette.measured if column.number == 0 else run_colour(column.number, palette)
    swatch = f"<span class='swatch' style='background:{colour}'></span>"
    cells = "".join(f"<td>{html.escape(value)}</td>" for value in values)
    return f"<tr><th scope='row'>{swatch}{html.escape(column.name)}</th>{cells}</tr>"
