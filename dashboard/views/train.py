"""Train: watch the loss and the gradient change while the network learns."""

from dataclasses import replace
from functools import partial

import plotly.graph_objects as go
import streamlit as st

from dashboard import session, words
from dashboard.beside import beside, choose_runs, chosen_beside, configs
from dashboard.frame import escape, picture
from dashboard.guard.turns import turn
from dashboard.jobs import TrainJob
from dashboard.lab import Seen, seen
from dashboard.link import LOOKS as TITLES
from dashboard.pinned_training import panel, told
from dashboard.progress import progress
from dashboard.run_control import buttons, look_at, mine, selected, use_changes
from dashboard.runs import BUSY
from dashboard.scene import Shown
from dashboard.scrubber import scrub
from dashboard.stage import MAP, Stage, enter, offered
from dashboard.stage import told as caption_of
from dashboard.take_away import offer
from dashboard.taken import Taken, of_training, run_file
from dashboard.train_settings import settings
from rnnviz import run_bytes
from rnnviz.figures.theme import Theme
from rnnviz.takeaway import Training

EVERY = 0.25
"""Seconds between two looks at a running job."""


def render() -> None:
    """The training settings, the buttons, and the pictures of the run."""
    settings()
    job = selected()
    if job is not None:
        use_changes(job)
    # Taken before the buttons: a run that ends while they are drawn is to have them drawn again.
    were_busy = [one for one in mine().jobs if one.state in BUSY]
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
    alive = [drawn for drawn in (job, *chosen_beside(job)) if drawn in were_busy]
    with st.container(key="watched"):
        st.fragment(_watch, run_every=EVERY if alive else None)(job, alive)
    now: Seen | None = session.kept("seen")
    if now and now.config == job.config and len(now.history.rows):
        offer(_taken(job))


@turn()
def _watch(job: TrainJob, were_alive: list[TrainJob]) -> None:
    """The run so far; the whole page is drawn again where its buttons or its link must follow."""
    snapshot = job.poll()
    ended = any(drawn.state not in BUSY for drawn in were_alive)
    if ended or session.is_ahead():
        session.redraw()
    progress(job, snapshot)
    history = snapshot.history
    runs, is_empty = beside(job, history), len(history.rows) == 0
    if is_empty and runs is history:
        return
    stage = Stage(job.config, snapshot, runs, session.state().view.look, session.theme())
    session.keep("stage", enter(session.token(), stage))
    now = seen(job.config, snapshot, scrub(job, stage.moments))
    draw = partial(_draw, stage, now)
    draw(stage.loss(now))
    draw(stage.norm(now))
    told(runs, configs())
    if is_empty:  # it waits, and only those beside it are drawn
        return
    draw(stage.map(now))
    _choose_look(now, stage.look(now), is_still=not were_alive)
    draw(stage.below(now))
    if stage.look(now) == "panel":
        st.html(words.health({"": now.explored}))


def _draw(stage: Stage, now: Seen, shown: Shown) -> None:
    key, figure = shown
    on_click = _looked_at if key == MAP else None
    picture(figure, key, on_click=on_click, **stage.acts(key, now, session.token()))


def _taken(job: TrainJob) -> Taken:
    """What is on screen of a run, as it stands when it is taken."""
    now: Seen = session.kept("seen")
    stage: Stage = session.kept("stage")
    history = now.history

    def pictures(theme: Theme) -> list[go.Figure]:
        drawn = replace(stage, runs=beside(job, history), theme=theme)
        return [figure for _, figure in drawn.pictures(now)]

    training = Training(job.stages, len(history.rows))
    taken = of_training(training, history, caption_of(job.config), pictures)
    return replace(taken, files=(run_file(lambda: _run_file(now)), *taken.files))


def _run_file(now: Seen) -> bytes:
    """The weights that are looked at, on the held-out batch, with every step's numbers."""
    run = now.explored
    return run_bytes(run.record, config=now.config, loss=run.loss, history=now.history)


def _looked_at(step: float) -> None:
    look_at(round(step))


def _choose_look(now: Seen, look: str, *, is_still: bool) -> None:
    """The buttons for the looks."""
    (session.insist if is_still else session.show)("look", look)
    st.pills(
        "Look at",
        offered(now),
        format_func=TITLES.__getitem__,
        key="look",
        required=True,
        wrap=True,
        label_visibility="collapsed",
        on_change=session.looked,
        args=("look", "look"),
    )
