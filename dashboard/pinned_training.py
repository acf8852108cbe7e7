"""Pinned runs on Train: those that were trained here are drawn, the others can be with a click."""

from collections.abc import Mapping

import numpy as np
import streamlit as st

from dashboard import session
from dashboard.differences import told_apart
from dashboard.frame import escape, figure_of
from dashboard.jobs import TrainJob
from dashboard.pins import open_or_remove, pin_button
from dashboard.run_control import mine, selected, tried
from dashboard.runs import BUSY
from dashboard.table import Row, rows_of
from dashboard.variants import Pin
from rnnviz import History, TrainConfig
from rnnviz.figures.theme import PALETTES
from rnnviz.figures.training import colour_of

NUMBERS = {
    "Training loss": "loss",
    "Held-out loss": "validation_loss",
    "Factor per step": "factor",
}
"""Columns of a history whose last number the table tells, and what it calls them."""


def training_of(config: TrainConfig) -> TrainJob | None:
    """The newest training of these settings that is kept here; None if there is none."""
    return next((job for job in reversed(mine().jobs) if job.config == config), None)


def pinned_jobs(job: TrainJob | None) -> list[TrainJob]:
    """The trainings of the pinned runs beside this one, oldest first."""
    pins = [pin.config for pin in session.state().pins]
    found = [training_of(config) for config in pins if job is None or job.config != config]
    return [other for other in mine().jobs if other in found]


def panel(job: TrainJob | None) -> None:
    """A button that pins the run, and each pinned one with what became of it here."""
    pins = session.state().pins
    names = told_apart([pin.config for pin in pins], job.config if job else session.config())
    with st.container(key="pins"):
        if job is not None:
            pin_button(job.config)
        for name, pin in zip(names, pins, strict=True):
            _listed(name, pin, job)


def told(runs: History | Mapping[str, History], configs: Mapping[str, TrainConfig]) -> None:
    """A table of the runs that are drawn: where they differ, and how far each has come."""
    if isinstance(runs, History):
        return
    palette = PALETTES[session.theme()]
    rows_of(
        [
            Row(name, colour_of(name, runs, palette), configs[name], _numbers(history))
            for name, history in runs.items()
        ]
    )


def _listed(name: str, pin: Pin, job: TrainJob | None) -> None:
    own = training_of(pin.config)
    with st.container(horizontal=True, vertical_alignment="center", key=f"pin-{pin.number}"):
        st.markdown(f"Pinned: {escape(name)}", width="content")
        st.caption(_state(pin.config, own, job), width="content")
        if own is None:
            st.button(
                "Train it",
                key=f"train-{pin.number}",
                type="tertiary",
                on_click=tried,
                args=(lambda: _train(pin),),
                help=f"Trains the pinned run {name}; it is then drawn beside the one on screen.",
            )
        open_or_remove(name, pin, _open)


def _state(config: TrainConfig, own: TrainJob | None, job: TrainJob | None) -> str:
    if job is not None and job.config == config:
        return "on screen"
    if own is None:
        return "not trained here"
    return "under way" if own.state in BUSY else "trained"


def _train(pin: Pin) -> None:
    """Train a pinned run; the run on screen stays there."""
    before = selected()
    if training_of(pin.config) is None:  # not at the second half of a double click
        begun = mine().start(pin.config)
        session.keep("run", before or begun)


def _open(pin: Pin) -> None:
    """Bring a pinned run's settings on screen, and its training if there is one."""
    session.take(pin.config)
    session.look(at=None)
    session.keep("run", training_of(pin.config) or "none")


def _numbers(history: History) -> dict[str, str]:
    numbers = {label: _last(history.column(column)) for label, column in NUMBERS.items()}
    return {"Steps": f"{len(history.rows):,}", **numbers}


def _last(column: np.ndarray) -> str:
    """The last number that was taken, in words."""
    taken = column[~np.isnan(column)]
    return figure_of(float(taken[-1])) if len(taken) else "none"
