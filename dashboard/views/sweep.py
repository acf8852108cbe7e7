"""Sweep: one to three settings turned over their range, as a map with the theory drawn on it."""

import plotly.graph_objects as go
import streamlit as st

from dashboard import session, sweeps
from dashboard.chart import OnPick
from dashboard.frame import escape, picture
from dashboard.guard.turns import turn
from dashboard.limits import SWEEP_AT_ONCE
from dashboard.link import CHOICES
from dashboard.runs import BUSY
from dashboard.section import Look
from dashboard.sweep_controls import controls
from dashboard.sweep_job import GOES_ON, Shown, SweepJob
from dashboard.take_away import offer
from dashboard.taken import of_sweep
from rnnviz import Knob, SweepConfig, figures
from rnnviz.export import caption
from rnnviz.figures.text import count
from rnnviz.figures.theme import Theme
from rnnviz.sweep.sweep import SweepPlan
from rnnviz.sweep.table import SweepTable

EVERY = 0.5
"""Seconds between two looks at a running sweep."""
STATES = {
    "queued": "Waiting for a free place: number {position} in the queue.",
    "running": "{runs:,} of {all:,} runs · {rate:,.0f} a second · {left}",
    "paused": "Paused after {runs:,} of {all:,} runs.",
    "stopped": "Stopped after {runs:,} of {all:,} runs; what was computed is kept.",
    "finished": "Finished: {runs:,} runs.",
    "failed": "{sentence}; {runs:,} of {all:,} runs are kept.",
}


def render() -> None:
    """What is swept, what that costs, the buttons, and the map so far."""
    if place := session.kept("opens"):
        session.keep("opens", None)
        st.switch_page(session.kept("explore-page"), query_params=session.link_to(config=place))
    st.caption(
        "One to three settings are turned over their range, and every point is a run of the "
        "network that the sidebar describes."
    )
    choice = session.state().sweep
    controls(choice)
    job = sweeps.mine()
    config: SweepConfig | None = None
    plan: SweepPlan | None = None
    try:
        whole = choice.config(session.config())
        plan, config = sweeps.planned(whole), whole
    except ValueError as error:
        st.error(escape(f"Not swept: {error}."))
    if job is None and config and plan and plan.seconds <= SWEEP_AT_ONCE:
        job = sweeps.start(config)
    _buttons(job, config, plan)
    if job is None:
        return
    if config and job.config != config:
        st.caption("The settings have changed since this sweep was started; start again.")
    alive = job.state in BUSY
    with st.container(key="watched"):
        st.fragment(_watch, run_every=EVERY if alive else None)(job, alive)


def _buttons(job: SweepJob | None, config: SweepConfig | None, plan: SweepPlan | None) -> None:
    state = job.state if job else "none"
    goes = state in GOES_ON
    with st.container(horizontal=True, vertical_alignment="center", key="sweep-buttons"):
        st.button(
            "Start",
            key="start-sweep",
            type="primary",
            disabled=config is None or (state in BUSY and job is not None and job.config == config),
            on_click=_start,
            args=(config,),
        )
        if goes and job:
            st.button("Resume", key="resume-sweep", on_click=job.resume)
        else:
            st.button(
                "Pause",
                key="pause-sweep",
                disabled=state not in BUSY,
                on_click=job.pause if job else None,
            )
        st.button(
            "Stop",
            key="stop-sweep",
            disabled=state not in (*BUSY, "paused"),
            on_click=job.stop if job else None,
        )
        if plan:
            st.markdown(
                f":small[:gray[{count(plan.runs, 'run')}, about {_time(plan.seconds)} of one core "
                f"and {max(1, plan.nbytes / 2**20):,.0f} MB.]]"
            )


def _start(config: SweepConfig) -> None:
    sweeps.start(config)


@turn()
def _watch(job: SweepJob, was_alive: bool) -> None:
    """The sweep so far; the whole page is drawn again where its buttons must follow."""
    shown = job.poll()
    ended = was_alive and shown.state not in BUSY
    if ended or session.kept("opens") or session.is_ahead():
        session.redraw()
    _progress(job, shown)
    rows = job.rows()
    if len(rows) == 0:
        return
    table = SweepTable(job.config, rows)
    _failures(table)
    _pictures(table)
    if not was_alive:
        _open(table)
        offer(of_sweep(job.config, rows, _caption(job.config), lambda theme: [_map(table, theme)]))


def _progress(job: SweepJob, shown: Shown) -> None:
    left = "starting" if shown.seconds_left is None else f"{_time(shown.seconds_left)} left"
    sentence = shown.sentence[:1].upper() + shown.sentence[1:]
    words = STATES[shown.state].format(
        position=shown.position, runs=shown.runs, all=job.config.runs, rate=shown.runs_per_second,
        left=left, sentence=sentence,
    )  # fmt: skip
    if shown.state == "failed":
        st.error(escape(words))
    else:
        st.progress(shown.runs / job.config.runs, escape(words))


def _failures(table: SweepTable) -> None:
    """How many runs could not be computed, and why the first could not."""
    reasons = [reason for reason in table.errors.flat if reason]
    if reasons:
        many = f"{int(table.failed.sum()):,} of {count(table.count, 'run')} failed"
        st.warning(escape(f"{many}; the first of them: {reasons[0]}."))


def _pictures(table: SweepTable) -> None:
    measures, measure = table.config.measures, _measure(table)
    if len(measures) > 1 and len(table.config.knobs) < 3:  # the picture of three shows them all
        session.show("measure", measure)
        st.pills(
            "Drawn",
            list(measures),
            format_func=CHOICES["measure"].__getitem__,
            key="measure",
            required=True,
            label_visibility="collapsed",
            on_change=session.looked,
            args=("measure", "measure"),
        )
    names = {1: "sweep-lines", 2: "phase-map"}
    drawn = _map(table, session.theme())
    picture(drawn, names.get(len(table.config.knobs), "parallel"), on_pick=_picked(table))


def _map(table: SweepTable, theme: Theme) -> go.Figure:
    """The measure on screen over one knob, two, or three."""
    look: Look = {"theme": theme, "caption": _caption(table.config)}
    count = len(table.config.knobs)
    if count > 2:
        return figures.parallel(table, **look)
    draw = figures.sweep_lines if count == 1 else figures.phase_map
    return draw(table, measure=_measure(table), **look)


def _measure(table: SweepTable) -> str:
    """The measure that was asked for, or the first where there is none like it."""
    measures, wanted = table.config.measures, session.state().view.measure
    return wanted if wanted in measures else measures[0]


def _caption(config: SweepConfig) -> str:
    turned = ", ".join(f"{knob.title} {_span(knob)}" for knob in config.knobs)
    seeds = count(len(config.seeds), "seed")
    return f"{turned}; {seeds}. The first run: {caption(config.base.run)}"


def _span(knob: Knob) -> str:
    """The values of a knob: names one by one, numbers by the first and the last."""
    if isinstance(knob.values[0], str):
        return " / ".join(knob.labels)
    return " to ".join(dict.fromkeys((knob.labels[0], knob.labels[-1])))


def _picked(table: SweepTable) -> OnPick:
    """What a click does: it has the page open the run of the cell's first seed."""

    def pick(at: tuple[int, ...]) -> None:
        fits = len(at) >= len(table.shape) and all(
            0 <= n < size for n, size in zip(at, table.shape, strict=False)
        )
        if fits:
            _opens(table, at[: len(table.shape)], table.config.seeds[0])

    return pick


def _open(table: SweepTable) -> None:
    """The same without a click: a box for each knob's value and the seed, and a button."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="open-run"):
        at = tuple(
            st.selectbox(
                knob.title,
                range(len(knob.values)),
                format_func=knob.labels.__getitem__,
                key=f"open-{knob.name}",
                width=180,
            )
            for knob in table.config.knobs
        )
        seed = st.selectbox("Seed", table.config.seeds, key="open-seed", width=110)
        st.button(
            "Open this run in Explore",
            key="open-in-explore",
            on_click=_opens,
            args=(table, at, seed),
        )


def _opens(table: SweepTable, at: tuple[int, ...], seed: int) -> None:
    try:
        session.keep("opens", table.run_at(*at, seed))
    except ValueError as error:
        session.say(f"That run cannot be opened: {error}")


def _time(seconds: float) -> str:
    if seconds >= 120:
        return f"{seconds / 60:,.0f} min"
    return f"{seconds:,.0f} s" if seconds >= 10 else f"{max(seconds, 0.1):.1f} s"
