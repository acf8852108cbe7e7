"""Train: watch the loss and the gradient's norm while the network learns."""

from typing import Any

import streamlit as st

from dashboard import jobs, session
from dashboard.controls import setting
from dashboard.frame import escape, picture
from dashboard.jobs import Snapshot, TrainJob
from rnnviz import TrainConfig, TrainStep, figures, predict
from rnnviz.arrays import Array
from rnnviz.export import caption
from rnnviz.run import draw
from rnnviz.train import baseline

EVERY = 0.25
"""Seconds between two looks at a running job."""
STATES = {
    "queued": "Waiting for a free place: number {position} in the queue.",
    "running": "Step {steps:,} of {iterations:,} · {rate:.0f} steps a second · {left}",
    "stopped": "Stopped after {steps:,} of {iterations:,} steps; what was computed is kept.",
    "finished": "Finished: {steps:,} steps.",
    "diverged": "{sentence}.",
    "failed": "{sentence}.",
}


def render() -> None:
    """The training settings, start and stop, and the pictures of the run."""
    job: TrainJob | None = session.kept("job")
    alive = job is not None and job.state in ("queued", "running")
    _settings()
    with st.container(horizontal=True, vertical_alignment="center", key="run-control"):
        st.button("Start", key="start", type="primary", disabled=alive, on_click=_start)
        st.button("Stop", key="stop", disabled=not alive, on_click=_stop)
    if job is None:
        st.info(
            "Start trains the network that the sidebar describes, from the weights of its seed, "
            "on fresh data at every step."
        )
        return
    if job.config != session.config():
        st.caption("The settings have changed since this run was started; start again to use them.")
    st.fragment(_watch, run_every=EVERY if alive else None)(job, alive)


def _settings() -> None:
    names = ["optimizer", "learning_rate", "clip", "iterations"]
    if session.config().optimizer == "momentum":
        names.insert(2, "momentum")
    with st.container(key="train-settings"):
        for column, name in zip(st.columns(len(names)), names, strict=True):
            with column:
                setting(name)


def _start() -> None:
    session.keep("job", jobs.start(session.config()))


def _stop() -> None:
    session.kept("job").stop()


def _watch(job: TrainJob, was_alive: bool) -> None:
    """The run so far; once it has ended, the whole page is drawn again with its buttons."""
    snapshot = job.poll()
    if was_alive and snapshot.state not in ("queued", "running"):
        st.rerun()
    _progress(job, snapshot)
    if len(snapshot.history.rows) == 0:
        return
    look: dict[str, Any] = {"theme": session.theme(), "caption": _caption(job.config)}
    history, config = snapshot.history, job.config
    picture(figures.loss_curve(history, baseline=baseline(config), **look), "loss")
    picture(figures.gradient_norm(history, clip=config.clip, **look), "gradient-norm")
    if snapshot.step is not None:
        batch = draw(config, "validation")
        mask = batch.loss(config.loss_at).mask
        y = _outputs(snapshot.step, batch.x)
        picture(figures.prediction(y, batch, mask=mask, **look), "prediction")


def _progress(job: TrainJob, snapshot: Snapshot) -> None:
    steps, iterations = len(snapshot.history.rows), job.config.iterations
    left = snapshot.seconds_left
    words = STATES[snapshot.state].format(
        position=snapshot.position,
        steps=steps,
        iterations=iterations,
        rate=snapshot.steps_per_second,
        left="starting" if left is None else f"{left:.0f} s left",
        sentence=snapshot.sentence[:1].upper() + snapshot.sentence[1:],
    )
    if snapshot.state in ("failed", "diverged"):
        st.error(escape(words))
    else:
        st.progress(min(1.0, steps / iterations), escape(words))


def _outputs(step: TrainStep, x: Array) -> Array:
    """What the latest network answers, computed again only when a newer one has come."""
    before: tuple[TrainStep, Array] | None = session.kept("outputs")
    if before is None or before[0] is not step:
        before = step, predict(step.network, x)
        session.keep("outputs", before)
    return before[1]


def _caption(config: TrainConfig) -> str:
    clip = f"clip {config.clip:g}" if config.clip else "no clipping"
    return f"{config.optimizer}, learning rate {config.learning_rate:g}, {clip} · {caption(config)}"
