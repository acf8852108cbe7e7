"""Runs side by side: only the settings that differ, next to the numbers that changed."""

import html
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import streamlit as st

from dashboard import session
from dashboard.cards import cards
from dashboard.differences import FIELDS, differing, value_of
from dashboard.explored import Explored
from rnnviz import RunConfig
from rnnviz.figures.theme import PALETTES, run_colour
from rnnviz.match import parameter_count


class Column(NamedTuple):
    """A run in the table."""

    name: str
    number: int
    """Of its colour: 0 for the one on screen."""
    explored: Explored


class Row(NamedTuple):
    """What the table says of a run."""

    name: str
    colour: str
    config: RunConfig
    numbers: Mapping[str, str]
    """By their labels, in words."""


def table(columns: Sequence[Column]) -> None:
    """A row for each run: the settings that differ, and the numbers that changed with them."""
    rows_of(
        [
            Row(
                column.name,
                _colour(column.number),
                column.explored.settings,
                _numbers(column.explored),
            )
            for column in columns
        ]
    )


def rows_of(runs: Sequence[Row]) -> None:
    """The same for runs whose numbers are known; nothing for one alone."""
    if len(runs) < 2:
        return
    names = differing([run.config for run in runs])
    titles = [FIELDS[name].title or name for name in names]
    labels = runs[0].numbers
    changed = [label for label in labels if len({run.numbers.get(label) for run in runs}) > 1]
    rows = "".join(_row(run, names, changed) for run in runs)
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
    return told | {"Parameters": f"{parameter_count(explored.settings):,}"}


def _colour(number: int) -> str:
    palette = PALETTES[session.theme()]
    return palette.measured if number == 0 else run_colour(number, palette)


def _row(run: Row, names: Sequence[str], labels: Sequence[str]) -> str:
    swatch = f"<span class='swatch' style='background:{run.colour}'></span>"
    values = [value_of(run.config, name) for name in names]
    values += [run.numbers.get(label, "none") for label in labels]
    cells = "".join(f"<td>{html.escape(value)}</td>" for value in values)
    return f"<tr><th scope='row'>{swatch}{html.escape(run.name)}</th>{cells}</tr>"
