"""Which run is on screen, and which others are drawn beside it."""

import streamlit as st

from dashboard import session
from dashboard.differences import MOST_NAMED, value_of
from dashboard.jobs import TrainJob
from dashboard.pinned_training import pinned_jobs
from dashboard.run_control import look_at, mine
from rnnviz import History, TrainConfig

SHORT = {"hidden_size": "H", "steps": "T", "batch_size": "B", "learning_rate": "rate"}
"""Names that find room at the end of a line."""


def choose_runs(job: TrainJob | None) -> None:
    """Boxes to choose the run and others beside it, where there are several."""
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
        pinned = pinned_jobs(job)
        others = [n for n in range(len(jobs)) if n != chosen and jobs[n] not in pinned]
        if others:
            session.show("beside", [n for n in others if jobs[n] in _kept()])
            st.multiselect(
                "Beside it",
                others,
                format_func=names.__getitem__,
                key="beside",
                placeholder="None",
                on_change=_put_beside,
            )


def beside(job: TrainJob, history: History) -> History | dict[str, History]:
    """The run alone, or with the others that were chosen or pinned, by their names."""
    jobs, names = mine().jobs, _names()
    others = {names[jobs.index(other)]: other.poll().history for other in chosen_beside(job)}
    drawn = {name: found for name, found in others.items() if len(found.rows)}
    return {names[jobs.index(job)]: history, **drawn} if drawn and job in jobs else history


def chosen_beside(job: TrainJob) -> list[TrainJob]:
    """The other runs that are drawn with this one, oldest first."""
    chosen = [*_kept(), *pinned_jobs(job)]
    return [other for other in mine().jobs if other in chosen and other is not job]


def configs() -> dict[str, TrainConfig]:
    """The settings of each run, by its name."""
    return {name: job.config for name, job in zip(_names(), mine().jobs, strict=True)}


def _names() -> list[str]:
    """A short name for each run: its number, and what sets it apart from the others."""
    configs = [job.config for job in mine().jobs]
    fields = [
        name
        for name in TrainConfig.model_fields
        if len({value_of(config, name) for config in configs}) > 1
    ] or ["cell", "hidden_size"]
    return [f"{number}: {_told(config, fields)}" for number, config in enumerate(configs, 1)]


def _told(config: TrainConfig, fields: list[str]) -> str:
    """Words speak for themselves; numbers have a symbol or a name before them."""
    words = [
        value_of(config, name)
        if isinstance(getattr(config, name), str)
        else f"{SHORT.get(name, name.replace('_', ' '))} {value_of(config, name)}"
        for name in fields[:MOST_NAMED]
    ]
    return ", ".join(words)


def _kept() -> list[TrainJob]:
    found: list[TrainJob] = session.kept("beside", [])
    return found


def _chosen() -> None:
    jobs, number = mine().jobs, session.value("chosen-run")
    if number is not None and number < len(jobs):
        session.keep("run", jobs[number])
        look_at(None)


def _put_beside() -> None:
    jobs = mine().jobs
    session.keep("beside", [jobs[n] for n in session.value("beside") if n < len(jobs)])
