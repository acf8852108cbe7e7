"""The buttons of a training run: which may be pressed now, and what each does."""

import math
from collections.abc import Callable
from typing import Literal

import streamlit as st

from dashboard import guard, session, visitor
from dashboard.controls import draw_again
from dashboard.frame import escape
from dashboard.jobs import TrainJob
from dashboard.runs import BUSY, Runs
from rnnviz import Moment

GOES_ON = ("paused", "stopped", "interrupted", "failed")
"""States that one more step can be taken from."""


def mine() -> Runs:
    """What the visitor has started."""
    return Runs.of(visitor.token(), guard.is_here)


def selected() -> TrainJob | None:
    """The run on screen: the newest unless another was chosen; none after a reset."""
    jobs = mine().jobs
    chosen = session.kept("run")
    if chosen == "none" or not jobs:
        return None
    return next((job for job in jobs if job is chosen), jobs[-1])


def buttons(job: TrainJob | None) -> None:
    """A row of buttons; one that would do nothing now cannot be pressed."""
    state = job.state if job else "none"
    alive, waits = state in BUSY, state in GOES_ON
    free = not alive
    row: list[tuple[str, str, bool, Callable[[], None]]] = [
        ("start", "Start another" if alive else "Start", not _is_under_way(), _start),
        ("resume", "Resume", waits, _resume) if not alive else ("pause", "Pause", alive, _pause),
        ("one-step", "One step", free, lambda: _take(1)),
        ("ten-steps", "Ten steps", free, lambda: _take(10)),
        ("stop", "Stop", alive or state == "paused", _stop),
        ("reset", "Reset, same weights", job is not None and free, _reset),
        ("reset-new", "Reset, new weights", free, _reset_new),
    ]
    with st.container(horizontal=True, vertical_alignment="center", key="run-control"):
        for key, label, can, act in row:
            kind: Literal["primary", "secondary"] = "primary" if key == "start" else "secondary"
            st.button(label, key=key, type=kind, disabled=not can, on_click=tried, args=(act,))
    for sentence in mine().unread:
        st.caption(escape(f"A run of yours that was kept cannot be opened: {sentence}."))


def use_changes(job: TrainJob) -> None:
    """Hand a rate or a clip that was changed on the page to the run that is under way."""
    wanted = session.config()
    changed = {
        name: getattr(wanted, name)
        for name in ("learning_rate", "clip")
        if getattr(wanted, name) != getattr(job.config, name)
    }
    under_way = job.state in BUSY or (job.state == "paused" and len(job.poll().history.rows))
    if changed and under_way and job.config.replace(**changed) == wanted:
        job.change(**changed)


def go_on_from(job: TrainJob, moment: Moment) -> None:
    """A new run, paused at a moment of another."""
    session.keep("run", mine().start_from(job, moment))
    look_at(None)


def look_at(step: int | None) -> None:
    """The step that the page looks at; the latest if None."""
    session.look(at=step)


def tried(act: Callable[[], None]) -> None:
    """Do what a button says; what cannot be done is said once."""
    session.keep("refused", "")
    try:
        act()
    except ValueError as error:
        session.keep("refused", str(error))


def _is_under_way() -> bool:
    """Whether the settings on screen train or wait already: another such run would be the same."""
    return any(job.state in BUSY and job.config == session.config() for job in mine().jobs)


def _start() -> None:
    """Start or queue a run; the one on screen, if it is under way, is drawn beside it."""
    before = selected()
    if _is_under_way():  # the second half of a double click
        return
    _begin(math.inf)
    if before and before.state in BUSY:
        session.keep("beside", [*session.kept("beside", []), before])


def _begin(steps: float) -> None:
    session.keep("run", mine().start(session.config(), steps=steps))
    look_at(None)


def _take(steps: int) -> None:
    job = selected()
    if job is not None and job.state in GOES_ON:
        look_at(None)
        job.take(steps)
    else:
        _begin(steps)


def _resume() -> None:
    if job := selected():
        job.resume()


def _pause() -> None:
    if job := selected():
        job.pause()


def _stop() -> None:
    if job := selected():
        job.stop()


def _reset() -> None:
    session.keep("run", "none")
    look_at(None)


def _reset_new() -> None:
    _reset()
    draw_again("seed")
