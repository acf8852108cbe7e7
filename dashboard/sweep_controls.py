"""What is swept: a box for each knob, the seeds and the measures."""

import streamlit as st

from dashboard import session, sweep_knobs
from dashboard.sweep_choice import MOST_SEEDS, SweepChoice
from dashboard.sweep_knobs import put
from rnnviz import MEASURES, SWEEPS
from rnnviz.config.sweep import MOST_KNOBS


def controls(choice: SweepChoice) -> None:
    """Everything that a sweep adds to the settings of the sidebar."""
    _named(choice)
    for number, place in enumerate(st.columns(len(choice.knobs))):
        with place, st.container(border=True, key=f"knob-{number}"):
            sweep_knobs.box(choice, number)
    with st.container(horizontal=True, vertical_alignment="bottom", key="sweep-by"):
        st.button(
            "Add a knob",
            key="add-knob",
            on_click=sweep_knobs.add,
            disabled=len(choice.knobs) >= MOST_KNOBS,
            help=f"Turns another setting; at most {MOST_KNOBS}.",
        )
        _seeds(choice)
        _measures(choice)


def _named(choice: SweepChoice) -> None:
    """A box that takes a whole named sweep, and names the one on screen if it is one."""
    base = session.config()
    known = {name: SweepChoice.of(sweep.config) for name, sweep in SWEEPS.items()}
    on_screen = next(
        (name for name, own in known.items() if own == choice and SWEEPS[name].config.base == base),
        None,
    )
    session.show("named-sweep", on_screen)
    st.selectbox(
        "Start from",
        list(SWEEPS),
        format_func=lambda name: SWEEPS[name].title,
        key="named-sweep",
        placeholder="Your own sweep",
        on_change=_take,
        width=420,
        help="A result from a paper, at a size that takes a minute or two.",
    )
    if on_screen:
        st.caption(SWEEPS[on_screen].claim, help=SWEEPS[on_screen].source)


def _take() -> None:
    if (name := session.value("named-sweep")) is not None:
        config = SWEEPS[name].config
        session.take(config.base)
        put(**vars(SweepChoice.of(config)))


def _seeds(choice: SweepChoice) -> None:
    session.show("sweep-seeds", choice.sweep_seeds)
    st.number_input(
        "Seeds",
        1,
        MOST_SEEDS,
        key="sweep-seeds",
        width=110,
        on_change=lambda: put(sweep_seeds=session.value("sweep-seeds")),
        help="How many networks are drawn at each point, from the seed of the sidebar on.",
    )


def _measures(choice: SweepChoice) -> None:
    session.show("measures", list(choice.measures))
    st.multiselect(
        "What is measured",
        list(MEASURES),
        format_func=MEASURES.__getitem__,
        key="measures",
        width=420,
        wrap=True,
        on_change=lambda: put(measures=tuple(session.value("measures")) or ("factor",)),
        help="Held-out loss and success take a training at every point.",
    )
    if "success" in choice.measures:
        session.show("solved", choice.solved)
        st.number_input(
            "Solved at",
            0.001,
            1.0,
            key="solved",
            format="%.3g",
            width=110,
            on_change=lambda: put(solved=session.value("solved")),
            help="A run succeeds where its held-out loss falls below this share of the loss of "
            "ignoring the past.",
        )
