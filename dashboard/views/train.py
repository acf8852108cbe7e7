"""Train: watch the loss and the gradient change while the network learns."""

from typing import Any

import streamlit as st

from dashboard import session
from dashboard.controls import setting
from dashboard.frame import escape, picture
from dashboard.jobs import Snapshot, TrainJob
from dashboard.lab import LOOKS, Seen
from dashboard.run_control import buttons, go_on_from, look_at, mine, selected, use_changes
from dashboard.runs import BUSY
from rnnviz import TASKS, History, Moment, TrainConfig, figures, schedule_of
from rnnviz.export import caption
from rnnviz.train import baseline

EVERY = 0.25
"""Seconds between two looks at a running job."""
PLAY_EVERY = 0.4
"""Seconds that each moment stays while the moments are played."""
FIRST = ("optimizer", "learning_rate", "momentum", "clip_by", "clip", "clip_percentile")
LAST = ("iterations", "detail")
MORE = (
    *("weight_decay", "schedule", "warmup", "decay_every", "decay_factor"),
    *("noise", "reproject", "omega", "omega_form", "window", "stride", "carry"),
    *("target_loss", "time_limit"),
)
STATES = {
    "queued": "Waiting for a free place: number {position} in the queue.",
    "running": "Step {steps:,} of {iterations:,} · {rate:.0f} steps a second · {left}",
    "paused": "Paused after {steps:,} of {iterations:,} steps.",
    "stopped": "Stopped after {steps:,} of {iterations:,} steps; what was computed is kept.",
    "finished": "Finished: {steps:,} steps. {sentence}",
    "diverged": "{sentence}.",
    "failed": "{sentence}.",
}


def render() -> None:
    """The training settings, the buttons, and the pictures of the run."""
    _settings()
    job = selected()
    if job is not None:
        use_changes(job)
    buttons(job)
    if refused := session.kept("refused"):
        st.error(escape(f"Nothing was started: {refused}."))
    _choose_runs(job)
    if job is None:
        st.info(
            "Start trains the network that the sidebar describes, from the weights of its seed, "
            "on fresh data at every step."
        )
        return
    if job.config != session.config():
        st.caption("The settings have changed since this run was started; start again to use them.")
    alive, playing = job.state in BUSY, bool(session.kept("playing"))
    every = PLAY_EVERY if playing else EVERY if alive else None
    st.fragment(_watch, run_every=every)(job, alive, playing)


def _settings() -> None:
    config = session.config()
    names = [name for name in (*FIRST, *LAST) if config.matters(name)]
    with st.container(key="train-settings"):
        for column, name in zip(st.columns(len(names)), names, strict=True):
            with column:
                setting(name)
    offered = [name for name in MORE if config.matters(name)]
    defaults = TrainConfig.model_fields
    changed = sum(getattr(config, name) != defaults[name].default for name in offered)
    label = f"More training settings, {changed} changed" if changed else "More training settings"
    fold = st.expander(label, key="more-training", on_change="rerun", type="compact")
    if fold.open:
        with fold, st.container(horizontal=True, key="more-training-settings"):
            for name in offered:
                with st.container(width=220):
                    setting(name)
    plan = schedule_of(config)
    st.caption(
        f"{len(plan.steps)} moments are kept to go back to: {plan.nbytes / 2**20:.1f} MB, and "
        f"about {plan.share:.0%} of the time. Learning rate and clip also change a run under way."
    )


def _choose_runs(job: TrainJob | None) -> None:
    """Which run is on screen, and which others are drawn beside it, where there are several."""
    jobs = mine().jobs
    if len(jobs) < 2:
        return
    names = _names()
    with st.container(horizontal=True, vertical_alignment="bottom", key="runs"):
        chosen = None if job is None else jobs.index(job)
        session.show("chosen-run", chosen)
        st.selectbox(
            "Run",
            range(len(jobs)),
            format_func=names.__getitem__,
            key="chosen-run",
            placeholder="The next one",
            on_change=_chosen,
        )
        others = [n for n in range(len(jobs)) if n != chosen]
        beside = [n for n in st.session_state.get("beside", []) if n in others]
        session.show("beside", beside)
        st.multiselect("Beside it", others, format_func=names.__getitem__, key="beside")


def _names() -> list[str]:
    """A short name for each run: its number, and what it is."""
    found = []
    for number, job in enumerate(mine().jobs, 1):
        c = job.config
        rate = f"{c.optimizer} {c.learning_rate:g}"
        found.append(f"{number}: {c.cell}, H = {c.hidden_size}, {rate}, seed {c.seed}")
    return found


def _chosen() -> None:
    jobs, number = mine().jobs, session.value("chosen-run")
    if number is not None and number < len(jobs):
        session.keep("run", jobs[number])
        look_at(None)


def _watch(job: TrainJob, was_alive: bool, playing: bool) -> None:
    """The run so far; once it has ended, the whole page is drawn again with its buttons."""
    snapshot = job.poll()
    if was_alive and snapshot.state not in BUSY:
        st.rerun()
    _progress(job, snapshot)
    if len(snapshot.history.rows) == 0:
        return
    moment = _scrub(job, snapshot, playing)
    seen = _seen(job, snapshot, moment)
    look: dict[str, Any] = {"theme": session.theme(), "caption": _caption(job.config)}
    runs = _beside(job, snapshot.history)
    config, at = job.config, seen.at
    lowest = TASKS[config.task].optimum(config.steps, config.lag, config.loss_at)
    loss = figures.loss_curve(runs, baseline=baseline(config), optimum=lowest, at=at, **look)
    picture(loss, "loss")
    norms = figures.gradient_norm(runs, clip_by=config.clip_by, at=at, **look)
    picture(norms, "gradient-norm")
    picture(figures.gradient_map(seen.history, at, **look), "gradient-map", on_click=look_at)
    offered = [name for name, known in LOOKS.items() if known.offered(seen)]
    name = session.kept("look", offered[0])
    name = name if name in offered else offered[0]
    session.show("look", name)
    st.pills(
        "Look at",
        offered,
        format_func=lambda name: LOOKS[name].title,
        key="look",
        required=True,
        wrap=True,
        label_visibility="collapsed",
        on_change=lambda: session.keep("look", session.value("look")),
    )
    picture(LOOKS[name].draw(seen, look), f"look-{name}")


def _scrub(job: TrainJob, snapshot: Snapshot, playing: bool) -> Moment | None:
    """The moment that was gone back to, or None for the latest."""
    moments = {moment.step: moment for moment in snapshot.history.moments}
    steps = [*moments]
    if len(steps) < 2:
        return None
    at = _nearest(steps, session.kept("at"))
    if playing:
        at = _next(steps, at)
    with st.container(horizontal=True, vertical_alignment="bottom", key="scrubber"):
        key = _scrub_key(snapshot, steps, at, playing)
        session.show(key, steps[-1] if at is None else at)
        st.select_slider(
            "Moment: the training step that every picture looks at",
            steps,
            format_func=lambda step: f"{step:,}",
            key=key,
            on_change=lambda: look_at(session.value(key)),
        )
        st.button("Pause" if playing else "Play", key="play", on_click=_toggle_play, args=(steps,))
        st.button("Latest", key="latest", disabled=at is None, on_click=look_at, args=(None,))
        st.button(
            "Go on from here",
            key="go-on",
            disabled=at is None,
            on_click=lambda: None if at is None else go_on_from(job, moments[at]),
            help="Starts another run at this moment, paused, and keeps this one.",
        )
    return None if at is None else moments[at]


def _scrub_key(snapshot: Snapshot, steps: list[int], at: int | None, playing: bool) -> str:
    """Another widget whenever the page itself moves it.

    A timed rerun brings what the browser showed when it was asked for: an older place of the
    slider would be taken for the visitor's.
    """
    if playing:
        return f"scrub-{at}"
    return f"scrub-of-{len(steps)}" if snapshot.state in BUSY else "scrub"


def _nearest(steps: list[int], wanted: float | None) -> int | None:
    return None if wanted is None else min(steps, key=lambda step: abs(step - wanted))


def _next(steps: list[int], at: int | None) -> int | None:
    """The moment after this one; behind the last, playing ends."""
    later = [step for step in steps if at is None or step > at]
    if not later or at is None:
        session.keep("playing", False)
        look_at(None)
        st.rerun()
    look_at(later[0])
    return later[0]


def _toggle_play(steps: list[int]) -> None:
    playing = not session.kept("playing", False)
    session.keep("playing", playing)
    if playing and session.kept("at") in (None, steps[-1]):
        look_at(steps[0])


def _seen(job: TrainJob, snapshot: Snapshot, moment: Moment | None) -> Seen:
    """The same answers as at the last look, where nothing new has come to answer."""
    before: Seen | None = session.kept("seen")
    found = Seen(job.config, snapshot, moment)
    if before is None or before.config != found.config or before.network is not found.network:
        session.keep("seen", found)
        return found
    for name in ("batch", "outputs", "explored"):
        if name in before.__dict__:
            found.__dict__[name] = before.__dict__[name]
    session.keep("seen", found)
    return found


def _beside(job: TrainJob, history: History) -> History | dict[str, History]:
    """The run alone, or with the others that were chosen, by their names."""
    jobs, names = mine().jobs, _names()
    chosen = [n for n in st.session_state.get("beside", []) if n < len(jobs) and jobs[n] is not job]
    if not chosen or job not in jobs:
        return history
    others = {names[n]: jobs[n].poll().history for n in chosen}
    drawn = {name: found for name, found in others.items() if len(found.rows)}
    return {names[jobs.index(job)]: history, **drawn} if drawn else history


def _progress(job: TrainJob, snapshot: Snapshot) -> None:
    steps, iterations = len(snapshot.history.rows), job.config.iterations
    left, sentence = snapshot.seconds_left, snapshot.sentence
    words = STATES[snapshot.state].format(
        position=snapshot.position,
        steps=steps,
        iterations=iterations,
        rate=snapshot.steps_per_second,
        left="starting" if left is None else f"{left:.0f} s left",
        sentence=sentence[:1].upper() + sentence[1:],
    )
    if snapshot.state in ("failed", "diverged"):
        st.error(escape(words))
    else:
        st.progress(min(1.0, steps / iterations), escape(words.strip()))


def _caption(config: TrainConfig) -> str:
    clip = f"clip {config.clip:g}" if config.matters("clip") and config.clip else config.clip_by
    return f"{config.optimizer}, learning rate {config.learning_rate:g}, {clip} · {caption(config)}"
