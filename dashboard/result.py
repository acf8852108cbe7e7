"""What is shown of a run: its verdict, its numbers, the time panel, and one section below it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

import plotly.graph_objects as go
import streamlit as st

from dashboard import scene, session, words
from dashboard.chart import Follow
from dashboard.explored import Explored
from dashboard.frame import escape, picture
from dashboard.guard.errors import instead
from dashboard.link import CHOICES
from dashboard.others import Other
from dashboard.section import Sight
from dashboard.sections import SECTIONS
from rnnviz.figures.theme import Theme


def show(
    explored: Explored,
    others: Sequence[Other] = (),
    *,
    under_verdict: Callable[[Explored], None] | None = None,
    under_numbers: Callable[[Explored], None] | None = None,
    follow: Follow | None = None,
) -> list[go.Figure]:
    """All of it, with other runs drawn into the pictures; gives the pictures.

    What a page has to offer beside is drawn under the verdict and under the numbers; ``follow`` is
    what its pictures follow a slider by.
    """
    above, sight = st.container(key="above"), Sight(session.state().view, session.theme())
    drawn: list[go.Figure] = []
    with instead(f"The picture above all others ({escape(explored.caption)})"):
        drawn.append(_picture(scene.panel(explored, others, sight), follow))
    below = st.container(key="below")
    with st.container(horizontal=True, vertical_alignment="bottom", key="views"):
        _choose_section(explored)
        _choose_sequence(explored.record.batch_size)
    section = CHOICES["section"][scene.section_of(explored, sight.view)]
    with instead(f"The section {section} ({escape(explored.caption)})"):
        drawn.extend(_draw(explored, others, sight))
    with above:  # sent after the pictures, which the browser takes longer to draw
        _verdict(explored, under_verdict)
        st.html(words.numbers(explored))
        if under_numbers:
            under_numbers(explored)
    with below:
        st.html(words.health({"": explored}, words.MORE))
    return drawn


def _verdict(explored: Explored, under: Callable[[Explored], None] | None) -> None:
    with st.container(key="verdict"):
        st.html(words.verdict(explored))
        if under:
            under(explored)


def again(explored: Explored, others: Sequence[Other], theme: Theme) -> list[go.Figure]:
    """The pictures that are on screen, in another theme."""
    sight = Sight(session.state().view, theme)
    drawn = [scene.panel(explored, others, sight)[1]]
    with suppress(ValueError):  # said where it is shown
        for one in scene.below(explored, others, sight):
            drawn += [] if isinstance(one, str) else [one[1]]
    return drawn


def _choose_section(explored: Explored) -> None:
    """The buttons for the sections."""
    open_now = scene.section_of(explored, session.state().view)
    _choose("section", scene.offered(explored), open_now)


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


def _draw(explored: Explored, others: Sequence[Other], sight: Sight) -> Iterator[go.Figure]:
    """Show what the open section draws, each picture as soon as it is computed."""
    name = SECTIONS[scene.section_of(explored, sight.view)].choice
    if name:
        _choose(name, list(CHOICES[name]), getattr(sight.view, name))
    try:
        for drawn in scene.below(explored, others, sight):
            if isinstance(drawn, str):
                st.markdown(drawn)
            else:
                yield _picture(drawn)
    except ValueError as error:
        st.info(escape(f"Not drawn: {error}."))


def _picture(shown: scene.Shown, follow: Follow | None = None) -> go.Figure:
    key, figure = shown
    picture(figure, key, follow=follow)
    return figure
