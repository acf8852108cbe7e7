"""The scrubber: which moment of a run every picture looks at."""

import streamlit as st

from dashboard import session
from dashboard.jobs import TrainJob
from dashboard.run_control import go_on_from, look_at
from rnnviz import Moment

PLAY_EVERY = 0.4
"""Seconds that each moment stays while the moments are played."""
LATEST = "latest"
"""Where the slider rests while the page follows the run: it need not move for a new moment."""

Place = int | str
"""Where the slider can rest: the step of a moment, or ``LATEST``."""


def is_playing() -> bool:
    """Whether the moments are being played."""
    return session.kept("played") is not None


def scrub(job: TrainJob, moments: dict[int, Moment], playing: bool) -> Moment | None:
    """The moment that is looked at, or None for the latest weights."""
    steps = [*moments]
    if not steps:
        return None
    at = _played(steps) if playing else _nearest(steps, session.state().view.at)
    with st.container(horizontal=True, vertical_alignment="bottom", key="scrubber"):
        _slider(steps, at, playing)
        st.button(
            "Pause playing" if playing else "Play",
            key="play",
            on_click=_pause if playing else _play,
            args=() if playing else (steps, at),
        )
        st.button("Latest", key="latest", disabled=at is None, on_click=_follow)
        st.button(
            "Go on from here",
            key="go-on",
            disabled=at is None or playing,
            on_click=lambda: None if at is None else go_on_from(job, moments[at]),
            help="Starts another run at this moment, paused, and keeps this one.",
        )
    return None if at is None else moments[at]


def _slider(steps: list[int], at: int | None, playing: bool) -> None:
    """Another widget whenever the page itself has moved it, and only then.

    A timed rerun brings what the browser showed when it was asked for: an older place of the
    slider would be taken for the visitor's. While the moments are played, nobody listens.
    """
    place: Place = LATEST if at is None else at
    last, number = session.kept("scrubbed", (place, 0))
    stands = "playing" if playing else place
    number += last != stands
    session.keep("scrubbed", (stands, number))
    key = f"scrub-{number}"
    session.show(key, place)
    places: list[Place] = [*steps, LATEST]
    st.select_slider(
        "Moment: the training step that every picture looks at",
        places,
        format_func=lambda place: place if isinstance(place, str) else f"{place:,}",
        key=key,
        disabled=playing,
        on_change=None if playing else _moved,
        args=(key, number),
    )


def _moved(key: str, number: int) -> None:
    place: Place = session.value(key)
    session.keep("scrubbed", (place, number))
    look_at(None if isinstance(place, str) else place)


def _nearest(steps: list[int], wanted: int | None) -> int | None:
    return None if wanted is None else min(steps, key=lambda step: abs(step - wanted))


def _played(steps: list[int]) -> int:
    """The moment after the one that was shown; behind the last, playing ends."""
    later = [step for step in steps if step > session.kept("played")]
    if not later:
        _follow()
        session.redraw()
    session.keep("played", later[0])
    return later[0]


def _play(steps: list[int], at: int | None) -> None:
    """Play from the moment that is looked at, or from the first."""
    session.keep("played", -1 if at in (None, steps[-1]) else at)


def _pause() -> None:
    look_at(session.kept("played"))
    session.keep("played", None)


def _follow() -> None:
    session.keep("played", None)
    look_at(None)
