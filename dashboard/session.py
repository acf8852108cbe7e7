"""The state behind a page: the only module that touches the URL and the session.

What is on screen is one frozen ``State``. Widgets are written from it before they are drawn
and change it through callbacks, and the address bar follows it. An empty address means the
defaults, so that Back leads to where a visit began.
"""

import secrets
from dataclasses import replace
from typing import Any, NoReturn

import streamlit as st
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx

from dashboard.link import State, from_query, to_query
from dashboard.settle import changed, settle
from rnnviz import TrainConfig
from rnnviz.figures.theme import Theme

_NOTHING = object()


def start() -> None:
    """Bring session and address together: a new address wins, else the address follows."""
    st.session_state.told_again = st.session_state.pop("unheard", False)
    address = st.query_params.to_dict()
    if "state" not in st.session_state or _is_opened(address):
        opened, said = from_query({name: st.query_params.get_all(name) for name in address})
        fitting, changed = settle(opened.config)
        pins = tuple(replace(pin, config=settle(pin.config)[0]) for pin in opened.pins)
        st.session_state.state = replace(opened, config=fitting, pins=pins)
        st.session_state.notices = [*said, *changed]
        st.session_state.address = address
    elif st.session_state.changed:
        st.session_state.address = to_query(state())
        st.query_params.from_dict(st.session_state.address)
    st.session_state.changed = False


def _is_opened(address: dict[str, str]) -> bool:
    """Whether an address is a link that was opened, and not one that the browser still showed.

    A click, or a part drawn by the clock, brings the address of when the browser sent it, which
    may be older than the one written since. It opens nothing if a widget has changed something in
    this same run, or if the clock drew the page with that change before the click itself came.
    """
    kept, is_own = st.session_state, st.session_state.pop("redraws", False)
    if is_own:
        kept.older = address
    elif address == kept.address:
        kept.older = None
    run = get_script_run_ctx()
    if run and run.is_history_navigation:
        return True
    is_known = address in (kept.address, kept.get("older"))
    return not (is_own or is_known or kept.changed)


def is_ahead() -> bool:
    """Whether something has changed that the address and the links do not tell yet."""
    ahead: bool = st.session_state.changed
    return ahead


def redraw() -> NoReturn:
    """Draw the whole page again from within a part of it."""
    run = get_script_run_ctx()
    st.session_state.redraws = True
    st.session_state.unheard = run is not None and not run.fragment_ids_this_run
    st.rerun()


def state() -> State:
    """What is on screen."""
    found: State = st.session_state.state
    return found


def config() -> TrainConfig:
    """The settings on screen."""
    return state().config


def link() -> dict[str, str]:
    """The query that opens what is on screen."""
    return to_query(state())


def notices() -> list[str]:
    """What the visitor should know about the last link or change."""
    found: list[str] = st.session_state.notices
    return found


def change(**settings: Any) -> None:
    """Change settings; what no longer fits is brought into range, and said."""
    try:
        settled, said = changed(config(), **settings)
    except ValueError as error:
        _set(state(), [f"{error}; nothing was changed"])
        return
    _set(replace(state(), config=settled), said)


def say(*sentences: str) -> None:
    """Tell the visitor something about the last change."""
    _set(state(), [*sentences])


def take(whole: TrainConfig) -> None:
    """Use a whole config, such as a preset's."""
    _set(replace(state(), config=whole), [])


def look(**view: Any) -> None:
    """Change what is looked at: no number changes."""
    _set(replace(state(), view=replace(state().view, **view)), notices())


def put_beside(**others: Any) -> None:
    """Change which other runs stand beside the settings."""
    _set(replace(state(), **others), notices())


def link_to(**others: Any) -> dict[str, str]:
    """The query that opens what is on screen with something else beside or in it."""
    return to_query(replace(state(), **others))


def moved(field: str, key: str) -> None:
    """A widget's callback: its value becomes the setting's."""
    value = st.session_state[key]
    if value is not None:
        change(**{field: value})


def looked(field: str, key: str) -> None:
    """A widget's callback: its value becomes what is looked at."""
    value = st.session_state[key]
    if value is not None:
        look(**{field: value})


def show(key: str, value: object) -> None:
    """Have the widget of this key show a value when it is drawn; one that does is left alone.

    Not where the page is drawn for the second time in a row: the browser was told the value once,
    and may never have heard it.
    """
    if st.session_state.get("told_again") or st.session_state.get(key, _NOTHING) != value:
        st.session_state[key] = value


def insist(key: str, value: object) -> None:
    """Have the widget of this key show a value, though the page was just drawn twice in a row.

    The browser is told once, and never hears it if the next drawing overtakes that one. Not where
    the clock draws: told again and again, the widget would fall back under a click.
    """
    st.session_state[key] = value


def value(key: str) -> Any:
    """What the widget of this key shows."""
    return st.session_state[key]


def forget_upload(file_id: str) -> None:
    """Have the server keep the bytes of an uploaded file no longer."""
    run = get_script_run_ctx()
    if run and isinstance(run.uploaded_file_mgr, MemoryUploadedFileManager):
        run.uploaded_file_mgr.remove_file(run.session_id, file_id)


def kept(name: str, default: Any = None) -> Any:
    """Something of this visitor's that is not part of the link, such as a training job."""
    return st.session_state.get(f"kept-{name}", default)


def keep(name: str, value: Any) -> None:
    """Keep something of this visitor's under a name."""
    st.session_state[f"kept-{name}"] = value


def token() -> str:
    """What only this visitor's pages know: by it their pictures find them."""
    found: str = st.session_state.setdefault("token", secrets.token_urlsafe())
    return found


def theme() -> Theme:
    """The page's theme: "light" or "dark"."""
    return "dark" if st.context.theme.type == "dark" else "light"


def _set(new: State, said: list[str]) -> None:
    st.session_state.changed |= new != state()
    st.session_state.state, st.session_state.notices = new, said
