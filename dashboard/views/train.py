"""Train: watch the loss and the gradient change while the network learns."""

from typing import Any

import streamlit as st

from dashboard import session
from dashboard.beside import beside, choose_runs, chosen_beside, configs
from dashboard.frame import escape, picture
from dashboard.health import health_line
from dashboard.jobs import TrainJob
from dashboard.lab import Seen, seen
from dashboard.link import LOOKS as TITLES
from dashboard.looks import LOOKS
from dashboard.pinned_training import panel, told
from dashboard.progress import progress
from dashboard.run_control import buttons, look_at, selected, use_changes
from dashboard.runs import BUSY
from dashboard.scrubber import PLAY_EVERY, is_playing, scrub
from dashboard.train_settings import settings
from rnnviz import TASKS, TrainConfig, figures
from rnnviz.export import caption
from rnnviz.train import baseline

EVERY = 0.25
"""Seconds between two looks at a running job."""


def render() -> None:
    """The training settings, the buttons, and the pictures of the run."""
    settings()
    job = selected()
    if job is not None:
        use_changes(job)
    buttons(job)
    if refused := session.kept("refused"):
        st.error(escape(f"Nothing was started: {refused}."))
    choose_runs(job)
    panel(job)
    if job is None:
        st.info(
            "Start trains the network that the sidebar describes, from the weights of its seed, "
            "on fresh data at every step."
        )
        return
    if job.config != session.config():
        st.caption("The settings have changed since this run was started; start again to use them.")
    alive = [drawn for drawn in (job, *chosen_beside(job)) if drawn.state in BUSY]
    playing = is_playing()
    every = PLAY_EVERY if playing else EVERY if alive else None
    with st.container(key="watched"):
        st.fragment(_watch, run_every=every)(job, alive, playing)


def _watch(job: TrainJob, were_alive: list[TrainJob], playing: bool) -> None:
    """The run so far; the whole page is drawn again where its buttons or its link must follow."""
    snapshot = job.poll()
    ended = any(drawn.state not in BUSY for drawn in were_alive)
    if ended or playing != is_playing() or session.is_ahead():
        session.redraw()
    progress(job, snapshot)
    history = snapshot.history
    runs, is_empty = beside(job, history), len(history.rows) == 0
    if is_empty and runs is history:
        return
    moment = scrub(job, {moment.step: moment for moment in history.moments}, playing)
    now, config = seen(job.config, snapshot, moment), job.config
    look: dict[str, Any] = {"at": now.at, "theme": session.theme(), "caption": _caption(config)}
    lowest = TASKS[config.task].optimum(config.steps, config.lag, config.loss_at)
    loss = figures.loss_curve(runs, baseline=baseline(config), optimum=lowest, **look)
    picture(loss, "loss")
    picture(figures.gradient_norm(runs, clip_by=config.clip_by, **look), "gradient-norm")
    told(runs, configs())
    if is_empty:  # it waits, and only those beside it are drawn
        return
    picture(figures.gradient_map(history, **look), "gradient-map", on_click=_looked_at)
    name = _choose_look(now, is_still=not (were_alive or playing))
    picture(LOOKS[name].draw(now, runs, look), f"look-{name}")
    if name == "panel":
        health_line({"": now.explored})


def _looked_at(step: float) -> None:
    session.keep("played", None)
    look_at(round(step))


def _choose_look(now: Seen, *, is_still: bool) -> str:
    """The look on screen: the one asked for, or the first where this run has none like it."""
    offered = [name for name, known in LOOKS.items() if known.offered(now)]
    look = session.state().view.look
    look = look if look in offered else offered[0]
    (session.insist if is_still else session.show)("look", look)
    st.pills(
        "Look at",
        offered,
        format_func=TITLES.__getitem__,
        key="look",
        required=True,
        wrap=True,
        label_visibility="collapsed",
        on_change=session.looked,
        args=("look", "look"),
    )
    return look


def _caption(config: TrainConfig) -> str:
    clip = f"clip {config.clip:g}" if config.matters("clip") and config.clip else config.clip_by
    window = f", window {config.window}" if config.window else ""
    how = f"{config.optimizer}, learning rate {config.learning_rate:g}, {clip}{window}"
    return f"{how} · {caption(config)}"
