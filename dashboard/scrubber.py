"""The scrubber: which moment of a run every picture looks at."""

import streamlit as st

from dashboard import session
from dashboard.jobs import TrainJob
from dashboard.run_control import go_on_from, look_at
from rnnviz import Moment

LATEST = "latest"
"""Where the slider rests while the page follows the run: it need not move for a new moment."""

Place = int | str
"""Where the slider can rest: the step of a moment, or ``LATEST``."""


def scrub(job: TrainJob, moments: dict[int, Moment]) -> Moment | None:
    """The moment that is looked at, or None for the latest weights."""
    steps = [*moments]
    if not steps:
        return None
    at = _nearest(steps, session.state().view.at)
    with st.container(horizontal=True, vertical_alignment="bottom", key="scrubber"):
        _slider(steps, at)
        st.button("Latest", key="latest", disabled=at is None, on_click=look_at, args=(None,))
        st.button(
            "Go on from here",
            key="go-on",
            disabled=at is None,
            on_click=lambda: None if at is None else go_on_from(job, moments[at]),
            help="Starts another run at this moment, paused, and keeps this one.",
        )
    return None if at is None else moments[at]


def _slider(steps: list[int], at: int | None) -> None:
    """Another widget whenever the page itself has moved it, and only then.

    A timed rerun brings what the browser showed when it was asked for: an older place of the
    slider would be taken for the visitor's.
    """
    place: Place = LATEST if at is None else at
    last, number = session.kept("scrubbed", (place, 0))
    number += last != place
    session.keep("scrubbed", (place, number))
    key = f"scrub-{number}"
    session.show(key, place)
    places: list[Place] = [*steps, LATEST]
    st.select_slider(
        "Moment: the training step that every picture looks at",
        places,
        format_func=lambda place: place if isinstance(place, str) else f"{place:,}",
        key=key,
        on_change=_moved,
        args=(key, number),
    )


def _moved(key: str, number: int) -> None:
    place: Place = session.value(key)
    session.keep("scrubbed", (place, number))
    look_at(None if isinstance(place, str) else place)


def _nearest(steps: list[int], wanted: int | None) -> int | None:
    return None if wanted is None else min(steps, key=lambda step: abs(step - wanted))
