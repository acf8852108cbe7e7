"""Widgets built from the config's fields: title, range, stops, unit and help are read there."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import streamlit as st

from dashboard import session
from rnnviz import PRESETS, TASKS, TrainConfig
from rnnviz.fields import options, stops

FIELDS = TrainConfig.model_fields
NETWORK = (
    *("cell", "hidden_size", "layers", "init", "gain", "input_variance", "input_scale"),
    *("gate_bias", "forget_bias", "t_max", "step_size", "diffusion", "alpha"),
    *("ring_min", "ring_max", "max_phase"),
)
MORE = (
    "directions",
    "residual",
    "readout",
    "input_init",
    "bias",
    "bias_value",
    "shortest",
    "dtype",
)
"""Settings behind a fold: each widget on the page is paid for at every move of a slider."""
MOST: dict[str, Callable[[TrainConfig], float]] = {
    "steps": lambda config: config.longest,
    "lag": lambda config: config.steps - 1,
}
"""Where a slider ends before its field's range does."""
FREE = ("seed", "data_seed")
"""Settings that may differ from a preset's without leaving it."""


def sidebar() -> None:
    """Everything that decides the run, in six short groups, whose headings are in style.css."""
    config = session.config()
    preset(config)
    for name in NETWORK:
        if config.matters(name):
            setting(name)
    setting("steps")
    setting("batch_size")
    setting("task")
    st.caption(TASKS[config.task].note, help=TASKS[config.task].paper)
    if config.matters("lag"):
        setting("lag")
    setting("loss_at")
    chance(config)
    more(config)


def more(config: TrainConfig) -> None:
    """The settings that are rarely changed, drawn while their fold is open."""
    offered = [name for name in MORE if config.matters(name)]
    changed = sum(getattr(config, name) != FIELDS[name].default for name in offered)
    label = f"More settings, {changed} changed" if changed else "More settings"
    fold = st.expander(label, key="more", on_change="rerun", type="compact")
    if not fold.open:
        return
    with fold:
        for name in offered:
            setting(name)


def setting(name: str) -> None:
    """The widget of one field: a box for a choice, a slider for a number."""
    field, value, key = FIELDS[name], getattr(session.config(), name), f"set-{name}"
    title = field.title or name
    act: dict[str, Any] = {"key": key, "on_change": session.moved, "args": (name, key)}
    if titles := options(field):
        session.show(key, value)
        words = titles.__getitem__
        st.selectbox(title, list(titles), format_func=words, help=field.description, **act)
        return
    places = rests(session.config(), name)
    if len(places) == 1:
        st.text_input(title, str(value), help=field.description, disabled=True)
        return
    session.show(key, value)
    st.select_slider(title, places, format_func=_figure, help=field.description, **act)


def rests(config: TrainConfig, name: str) -> list[float]:
    """Where the slider of a number can rest."""
    most = MOST[name](config) if name in MOST else None
    return _rests(name, getattr(config, name), most)


@lru_cache(maxsize=512)
def _rests(name: str, value: float, most: float | None) -> list[float]:
    """Where the slider can rest: at its stops up to ``most``, and where it stands."""
    stands = [value, value if most is None else most]
    below = [stop for stop in stops(FIELDS[name]) if most is None or stop <= most]
    return sorted({type(value)(stop) for stop in (*below, *stands)})


def _figure(stop: float) -> str:
    return f"{stop:,.6g}"


def preset(config: TrainConfig) -> None:
    """A box that takes a whole named config, and names the one on screen if it is one."""
    on_screen = next((name for name, known in PRESETS.items() if _is(known.config, config)), None)
    session.show("preset", on_screen)
    st.selectbox(
        "Preset",
        list(PRESETS),
        format_func=lambda name: PRESETS[name].title,
        key="preset",
        placeholder="Your own settings",
        on_change=_take_preset,
        help="A named experiment: framework defaults, cures, and results from papers.",
    )
    if on_screen:
        known = PRESETS[on_screen]
        told = f"{known.claim} Measured ×{known.factor:.2f} a step ({known.measured_on})."
        st.caption(told, help=known.source)


def chance(config: TrainConfig) -> None:
    """The seed, and two ways to draw again: other weights, or the same weights on other data."""
    session.show("set-seed", config.seed)
    low, high = stops(FIELDS["seed"])
    st.number_input(
        FIELDS["seed"].title or "Seed",
        int(low),
        int(high),
        key="set-seed",
        help=FIELDS["seed"].description,
        on_change=session.moved,
        args=("seed", "set-seed"),
    )
    with st.container(horizontal=True, key="draw-again"):
        st.button(
            "New weights",
            key="new-weights",
            on_click=draw_again,
            args=("seed",),
            help="Draws the weights and the data again, from the next seed.",
        )
        st.button(
            "Same weights, new data",
            key="same-weights",
            on_click=draw_again,
            args=("data_seed",),
            help="Keeps these weights and draws other sequences for them.",
        )


def _is(known: TrainConfig, config: TrainConfig) -> bool:
    bound = (name for name in FIELDS if name not in FREE)
    return all(getattr(known, name) == getattr(config, name) for name in bound)


def _take_preset() -> None:
    if (name := session.value("preset")) is not None:
        session.take(PRESETS[name].config)


def draw_again(field: str) -> None:
    """The next seed, or the next draw of data."""
    low, high = (int(stop) for stop in stops(FIELDS[field]))
    following = getattr(session.config(), field) + 1
    session.change(**{field: low if following > high else following})
