"""How a network is trained: the settings above the runs."""

import streamlit as st

from dashboard import session
from dashboard.controls import setting
from dashboard.costly import about
from rnnviz import TrainConfig, schedule_of
from rnnviz.cost import of_training

FIRST = ("optimizer", "learning_rate", "momentum", "clip_by", "clip", "clip_percentile")
LAST = ("iterations", "detail")
MORE = (
    *("weight_decay", "schedule", "warmup", "decay_every", "decay_factor"),
    *("noise", "reproject", "omega", "omega_form"),
    *("floss", "floss_exponents", "floss_sequences", "window", "stride", "carry"),
    *("target_loss", "time_limit"),
)
"""Settings behind a fold."""


def settings() -> None:
    """The settings that matter, the others behind a fold, and what the moments cost."""
    config = session.config()
    names = [name for name in (*FIRST, *LAST) if config.matters(name)]
    with st.container(key="train-settings"):
        for column, name in zip(st.columns(len(names)), names, strict=True):
            with column:
                setting(name)
    _more(config)
    plan = schedule_of(config)
    st.caption(
        f"All steps take {about(of_training(config).seconds)} where nothing else runs. "
        f"{len(plan.steps)} moments are kept to go back to: {plan.nbytes / 2**20:.1f} MB, and "
        f"about {plan.share:.0%} of the time. Learning rate and clip also change a run under way. "
        "It rests while no page of yours is open."
    )


def _more(config: TrainConfig) -> None:
    offered = [name for name in MORE if config.matters(name)]
    defaults = TrainConfig.model_fields
    changed = sum(getattr(config, name) != defaults[name].default for name in offered)
    label = f"More training settings, {changed} changed" if changed else "More training settings"
    fold = st.expander(label, key="more-training", on_change="rerun", type="compact")
    if fold.open:
        with fold, st.container(horizontal=True, key="more-training-settings"):
            for name in offered:
                with st.container(width=220):
                    setting(name)
