"""Train: watch the loss and the gradient change while the network learns."""

from dataclasses import replace
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from dashboard import session, words
from dashboard.beside import beside, choose_runs, chosen_beside, configs
from dashboard.frame import escape, picture
from dashboard.jobs import TrainJob
from dashboard.lab import Seen, seen
from dashboard.link import LOOKS as TITLES
from dashboard.looks import LOOKS, gradient_map
from dashboard.pinned_training import panel, told
from dashboard.progress import progress
from dashboard.run_control import buttons, look_at, selected, use_changes
from dashboard.runs import BUSY
from dashboard.scrubber import PLAY_EVERY, is_playing, scrub
from dashboard.take_away import offer
from dashboard.taken import Taken, of_training, run_file
from dashboard.train_settings import settings
from rnnviz import TASKS, TrainConfig, figures, run_bytes
from rnnviz.export import caption
from rnnviz.figures.theme import Theme
from rnnviz.figures.training import Runs
from rnnviz.takeaway import Training
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
    now: Seen | None = session.kept("seen")
    if now and now.config == job.config and len(now.history.rows):
        offer(_taken(job))


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
    look = _look(now, session.theme())
    picture(_loss(config, runs, look), "loss")
    picture(figures.gradient_norm(runs, clip_by=config.clip_by, **look), "gradient-norm")
    told(runs, configs())
    if is_empty:  # it waits, and only those beside it are drawn
        return
    picture(gradient_map(history, runs, look), "gradient-map", on_click=_looked_at)
    name = _choose_look(now, is_still=not (were_alive or playing))
    picture(LOOKS[name].draw(now, runs, look), f"look-{name}")
    if name == "panel":
        st.html(words.health({"": now.explored}))


def _look(now: Seen, theme: Theme) -> dict[str, Any]:
    return {"at": now.at, "theme": theme, "caption": _caption(now.config)}


def _loss(config: TrainConfig, runs: Runs, look: dict[str, Any]) -> go.Figure:
    lowest = TASKS[config.task].optimum(config.steps, config.lag, config.loss_at)
    return figures.loss_curve(runs, baseline=baseline(config), optimum=lowest, **look)


def _taken(job: TrainJob) -> Taken:
    """What is on screen of a run, as it stands when it is taken."""
    now: Seen = session.kept("seen")
    history = now.history

    def pictures(theme: Theme) -> list[go.Figure]:
        look, runs = _look(now, theme), beside(job, history)
        return [
            _loss(now.config, runs, look),
            figures.gradient_norm(runs, clip_by=now.config.clip_by, **look),
            gradient_map(history, runs, look),
            LOOKS[_look_of(now)].draw(now, runs, look),
        ]

    training = Training(job.stages, len(history.rows))
    taken = of_training(training, history, _caption(job.config), pictures)
    return replace(taken, files=(run_file(lambda: _run_file(now)), *taken.files))


def _run_file(now: Seen) -> bytes:
    """The weights that are looked at, on the held-out batch, with every step's numbers."""
    run = now.explored
    return run_bytes(run.record, config=now.config, loss=run.loss, history=now.history)


def _looked_at(step: float) -> None:
    session.keep("played", None)
    look_at(round(step))


def _offered(now: Seen) -> list[str]:
    return [name for name, known in LOOKS.items() if known.offered(now)]


def _look_of(now: Seen) -> str:
    """The look that was asked for, or the first where this run has none like it."""
    look, offered = session.state().view.look, _offered(now)
    return look if look in offered else offered[0]


def _choose_look(now: Seen, *, is_still: bool) -> str:
    """The look on screen, with the buttons for the others."""
    look, offered = _look_of(now), _offered(now)
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
