"""Everything on a page as files: its pictures, the page itself, its Python, its sources."""

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go
import streamlit as st

from dashboard import session
from dashboard.explored import Explored
from dashboard.frame import escape
from dashboard.others import Other
from dashboard.result import again
from dashboard.taken import File, Taken, of_run
from rnnviz.figures.theme import Theme
from rnnviz.takeaway import FORMATS, MIME, WIDTHS, Page, as_html, as_notebook, as_python, questions
from rnnviz.takeaway.bibliography import bibliography
from rnnviz.takeaway.method import method
from rnnviz.takeaway.picture import BY_BROWSER, browser, picture

THEMES: dict[Theme, str] = {"light": "Light", "dark": "Dark"}
CODE_HEIGHT = 260
SHOWN = ("png", "svg")
"""What is shown before it is saved, so many pixels wide."""
PREVIEW = 260


@dataclass(frozen=True)
class Asked:
    """Which picture is wanted, and how."""

    page: Page
    name: str
    form: str
    width: str
    theme: Theme
    headed: bool


def take_away(explored: Explored, drawn: Sequence[go.Figure], others: Sequence[Other] = ()) -> None:
    """The menu of a run whose pictures are ``drawn``, with ``others`` in them."""
    offer(of_run(explored, drawn, lambda theme: again(explored, others, theme)))


def offer(taken: Taken) -> None:
    """A menu of a page's files; nothing in it is made before it is asked for."""
    menu = st.popover("Take away", key="take-away", on_change="rerun")
    if not menu.open:
        return
    with menu:
        drawn = taken.draw(session.theme())
        if drawn:
            _picture(taken, drawn)
        _files(taken, drawn)
        st.markdown("**Copy as Python** :small[:gray[gives these numbers to the bit]]")
        script = as_python(taken.page, questions(drawn), taken.title)
        st.code(script, "python", height=CODE_HEIGHT)


def _files(taken: Taken, drawn: Sequence[go.Figure]) -> None:
    """The page and its numbers, each file made when its button is pressed."""
    st.markdown("**Files**")
    with st.container(horizontal=True, key="take-files"):
        for file in (*_of_page(taken, drawn), *taken.files):
            st.download_button(
                file.label,
                file.make,
                file_name=file.name,
                mime=file.mime,
                key=f"take-{file.name}",
                on_click="ignore",
                type="tertiary",
            )
    if taken.note:
        st.caption(escape(taken.note))


def _of_page(taken: Taken, drawn: Sequence[go.Figure]) -> tuple[File, ...]:
    page, asked, stem = taken.page, questions(drawn), f"rnnviz-{taken.name}"
    return (
        File(
            "This page as HTML",
            f"{stem}.html",
            "text/html",
            lambda: as_html(page, drawn, taken.title, taken.verdict),
        ),
        File(
            "Notebook",
            f"{stem}.ipynb",
            "application/x-ipynb+json",
            lambda: as_notebook(page, asked, taken.title, method(page)),
        ),
        File(
            "Sources as BibTeX",
            f"{stem}.bib",
            "application/x-bibtex",
            lambda: bibliography(page, asked),
        ),
    )


def _picture(taken: Taken, drawn: Sequence[go.Figure]) -> None:
    """One picture: what is chosen, and once it is drawn, how it looks and its file."""
    st.markdown("**One picture**")
    asked = _asked(taken, drawn)
    made: tuple[Asked, bytes] | None = session.kept("taken-picture")
    with st.container(horizontal=True, key="take-drawn"):
        if st.button("Draw it", key="take-draw"):
            made = _made(taken, asked)
            session.keep("taken-picture", made)
        if not made or made[0] != asked:
            return
        name = f"rnnviz-{asked.name}.{asked.form}"
        st.download_button(
            f"Save {name}",
            made[1],
            file_name=name,
            mime=MIME[asked.form],
            key="take-picture",
            on_click="ignore",
            type="primary",
        )
    if asked.form in SHOWN:
        st.image(made[1] if asked.form == "png" else made[1].decode(), width=PREVIEW)


def _asked(taken: Taken, drawn: Sequence[go.Figure]) -> Asked:
    named = questions(drawn)
    name = st.selectbox("Picture", [*named], format_func=named.__getitem__, key="take-name")
    drawable = [form for form in FORMATS if browser() or form not in BY_BROWSER]
    with st.container(horizontal=True, key="take-how"):
        form = st.selectbox("Format", drawable, format_func=FORMATS.__getitem__, key="take-form")
        width = st.selectbox(
            "Width", [*WIDTHS], format_func=lambda one: WIDTHS[one].title, key="take-width"
        )
        theme = st.selectbox("Theme", [*THEMES], format_func=THEMES.__getitem__, key="take-theme")
    headed = st.checkbox("Its question above it", value=True, key="take-headed")
    if len(drawable) < len(FORMATS):
        st.caption(
            "PNG, SVG and PDF of a set width are drawn by Chrome or Chromium, and none was found "
            "where this app runs; PNG and SVG are also at the head of each picture."
        )
    return Asked(taken.page, name, form, width, theme, headed)


def _made(taken: Taken, asked: Asked) -> tuple[Asked, bytes] | None:
    """The file; or, in a sentence, why there is none."""
    with st.spinner("Drawing"):
        try:
            found = [one for one in taken.draw(asked.theme) if asked.name in questions([one])]
            if not found:
                raise ValueError("the picture is not on the page any more")
            return asked, picture(found[0], asked.form, asked.width, headed=asked.headed)
        except ValueError as error:
            st.error(escape(f"Not drawn: {error}."))
            return None
