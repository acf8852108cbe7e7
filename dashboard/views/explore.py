"""Explore: choose a network, and see at once what its gradient does and why."""

from collections.abc import Iterator, Sequence

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from dashboard import session
from dashboard.explored import Explored, explore
from dashboard.frame import escape, figure_of, numbers, picture
from dashboard.link import CHOICES
from dashboard.section import Look, sequence
from dashboard.sections import SECTIONS
from dashboard.take_away import take_away
from rnnviz import figures
from rnnviz.diagnostics import Remedy
from rnnviz.export import caption


def render() -> None:
    """The verdict, five numbers, the time panel, and one section below it."""
    config = session.config().run
    try:
        explored = explore(config)
    except ValueError as error:
        st.error(escape(f"Nothing was computed: {error}."))
        return
    above = st.container(key="above")
    look: Look = {"theme": session.theme(), "caption": caption(config)}
    drawn = [
        figures.time_panel(
            explored.record,
            explored.flow,
            total=explored.total if config.loss_at != "last" else None,
            spectrum=explored.theory,
            sequence=sequence(explored),
            **look,
        )
    ]
    picture(drawn[0], "time-panel")
    with st.container(horizontal=True, vertical_alignment="bottom", key="views"):
        section = _section(explored)
        _choose_sequence(explored.record.batch_size)
    drawn += _draw(section, explored, look)
    with above:  # sent after the pictures, which the browser takes longer to draw
        _verdict(explored)
        _numbers(explored)
    take_away(explored, drawn)


def _verdict(explored: Explored) -> None:
    verdict = explored.verdict
    kind, _, rest = verdict.sentence.partition(" ")
    with st.container(key=f"verdict-{verdict.kind}"):
        evidence = escape(" · ".join(verdict.evidence))
        st.markdown(f"**{kind}** {escape(rest)}  \n:small[:gray[{evidence}]]")
        st.button(
            f"Try: {verdict.remedy.text}",
            key="remedy",
            type="tertiary",
            on_click=_apply,
            args=(verdict.remedy,),
        )


def _apply(remedy: Remedy) -> None:
    changed = remedy.apply(session.config())
    session.change(**{remedy.control: getattr(changed, remedy.control)})


def _numbers(explored: Explored) -> None:
    verdict, steps = explored.verdict, explored.config.steps
    first, last = verdict.fit_lags
    grows = verdict.doubling_time is not None
    time = verdict.doubling_time if grows else verdict.half_life
    known = np.isfinite(verdict.factor)
    beyond = _steps(steps, "> ") if known else "none"
    reach = beyond if verdict.reach is None else _steps(verdict.reach)
    factor = f"×{figure_of(verdict.factor)}" if known else "NaN"
    cards = [
        ("Factor per step", factor, f"fitted over lags {first} to {last}"),
        (
            "Doubling time" if grows else "Half-life",
            "none" if time is None else f"{figure_of(time)} steps",
            "until the norm is doubled" if grows else "until half is left",
        ),
        ("Reach", reach, "until 1 % is left"),
        (
            "Spectral radius",
            figure_of(explored.eigenvalues.spectral_radius),
            f"of the top layer's {explored.eigenvalues.of}",
        ),
        ("Lyapunov exponent", figure_of(explored.lyapunov.largest), "the largest, nats per step"),
    ]
    numbers(cards)


def _steps(count: int, sign: str = "") -> str:
    return f"{sign}{count} step{'' if count == 1 else 's'}"


def _section(explored: Explored) -> str:
    """The section on screen: the one asked for, or the first where this cell has none like it."""
    offered = [
        name for name, known in SECTIONS.items() if not known.offered or known.offered(explored)
    ]
    section = session.state().view.section
    section = section if section in offered else offered[0]
    _choose("section", offered, section)
    return section


def _choose(name: str, offered: Sequence[str], chosen: str) -> None:
    """A row of buttons, one for each way to look."""
    session.show(name, chosen)
    st.pills(
        name.capitalize(),
        offered,
        format_func=CHOICES[name].__getitem__,
        key=name,
        required=True,
        wrap=True,
        label_visibility="collapsed",
        on_change=session.looked,
        args=(name, name),
    )


def _choose_sequence(batch_size: int) -> None:
    """Which sequence the heatmaps show, where there are several."""
    if batch_size == 1:
        return
    session.show("view-sequence", min(session.state().view.sequence, batch_size - 1) + 1)
    st.number_input(
        f"Sequence shown, of {batch_size}",
        1,
        batch_size,
        key="view-sequence",
        on_change=_shown,
        width=160,
    )


def _shown() -> None:
    session.look(sequence=session.value("view-sequence") - 1)


def _draw(section: str, explored: Explored, look: Look) -> Iterator[go.Figure]:
    """Show what a section draws, each picture as soon as it is computed."""
    shown = SECTIONS[section]
    if shown.choice:
        view = session.state().view
        _choose(shown.choice, list(CHOICES[shown.choice]), getattr(view, shown.choice))
    number = 0
    try:
        for drawn in shown.draw(explored, look):
            if isinstance(drawn, str):
                st.markdown(drawn)
                continue
            picture(drawn, f"{section}-{number}")
            number += 1
            yield drawn
    except ValueError as error:
        st.info(escape(f"Not drawn: {error}."))
