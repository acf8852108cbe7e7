"""What is chosen on Your model, and the widgets that choose it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import streamlit as st

from dashboard import session

MOST_STEPS: Final = 1000
MOST_SEQUENCES: Final = 64


@dataclass(frozen=True)
class Asked:
    """Everything that is chosen, but for the files."""

    source: str = "file"
    """Whose weights: of a file, or those that the settings draw."""
    corrections: Mapping[str, str] = field(default_factory=dict)
    data: str = "probe"
    task: str = "adding"
    lag: int = 10
    columns: tuple[str, ...] = ()
    answered: tuple[str, ...] = ()
    missing: str = "drop"
    standardise: bool = True
    split: float = 0.8
    alphabet: str = ""
    part: str = "training"
    loss: str = "answers"
    loss_at: str = "last"
    steps: int = 50
    batch_size: int = 8
    seed: int = 0


def asked() -> Asked:
    """What this visitor has chosen."""
    found: Asked = session.kept("asked", Asked())
    return found


def ask(**changes: Any) -> None:
    """Choose something else."""
    session.keep("asked", replace(asked(), **changes))


def key_of(name: str) -> str:
    """The key of the widget that chooses something."""
    return f"own-{name}"


def choose(
    name: str,
    label: str,
    options: Mapping[str, str],
    *,
    widget: Callable[..., Any] = st.selectbox,
    **how: Any,
) -> str:
    """One of some options; the first where what was chosen is none of them."""
    chosen = getattr(asked(), name)
    if chosen not in options:
        chosen = next(iter(options))
        ask(**{name: chosen})
    session.show(key_of(name), chosen)
    widget(
        label,
        [*options],
        format_func=options.__getitem__,
        key=key_of(name),
        on_change=took,
        args=(name,),
        **how,
    )
    return str(chosen)


def choose_several(
    name: str, label: str, options: Sequence[str], count: int, most: int | None
) -> tuple[str, ...]:
    """Some of the options, the first ``count`` to begin with."""
    chosen = tuple(one for one in getattr(asked(), name) if one in options)[:most]
    if not chosen:
        chosen = tuple(options[:count])
        ask(**{name: chosen})
    session.show(key_of(name), [*chosen])
    st.multiselect(
        label,
        options,
        key=key_of(name),
        max_selections=most,
        on_change=took,
        args=(name,),
    )
    return chosen


def choose_number(name: str, label: str, least: int, most: int, **how: Any) -> int:
    """A whole number within bounds."""
    chosen = min(most, max(least, int(getattr(asked(), name))))
    session.show(key_of(name), chosen)
    st.number_input(
        label, least, max(least, most), key=key_of(name), on_change=took, args=(name,), **how
    )
    return chosen


def took(name: str) -> None:
    """A widget's callback: what it shows is chosen."""
    value = session.value(key_of(name))
    if value is not None:
        ask(**{name: tuple(value) if isinstance(value, list) else value})
