"""Your model, second part: which sequences it reads, and what is asked of it there."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import streamlit as st

from dashboard.asked import MOST_SEQUENCES, MOST_STEPS, asked, choose, choose_number
from dashboard.frame import escape
from dashboard.own_file import Chosen, of_file
from dashboard.own_weights import Model, in_sentences
from rnnviz import TASKS
from rnnviz.tasks import LOSS_AT, Task

KINDS: Final = {"probe": "Random", "task": "A task", "file": "A file"}
PARTS: Final = {"training": "Training part", "validation": "Held-out part"}
WIDTH: Final = 98
"""Pixels of a box for a number: a phone has room for three."""
LOSSES: Final = {"answers": "Of its answers", "outputs": "Mean square of its outputs"}


@dataclass(frozen=True)
class Drawing:
    """How a batch is drawn, and what loss it has."""

    task: Task | None
    """None for random numbers."""
    key: tuple[object, ...]
    """Equal for equal batches."""
    name: str
    steps: int
    batch_size: int
    loss_at: str
    part: str
    """Of real data: what is trained on, or what is held out."""
    seed: int
    lag: int
    has_answers: bool
    """Whether the loss is that of the task's answers, and not the mean square of the outputs."""


def choose_data(model: Model) -> Drawing | None:
    """Which sequences, and which loss; None where something is missing yet."""
    with st.container(border=True, key="data-box"):
        st.markdown("**2. Sequences**")
        kinds = {**KINDS} if model.network else {"task": KINDS["task"], "file": KINDS["file"]}
        kind = choose(
            "data",
            "Sequences",
            kinds,
            widget=st.segmented_control,
            label_visibility="collapsed",
            required=True,
        )
        try:
            task, key, name = _CHOSEN[kind](model)
        except ValueError as refused:
            st.info(escape(in_sentences([str(refused)])))
            return None
        if task is None and kind != "probe":
            return None
        return _drawing(model, task, key, name)


def _probe(model: Model) -> Chosen:
    assert model.network
    st.caption(
        f"Normal random numbers for each of its {model.network.input_size} inputs: what is asked "
        "is how the gradient passes, not what it means."
    )
    return None, (), "random numbers"


def _of_task(model: Model) -> Chosen:
    fitting = {name: task.title for name, task in TASKS.items() if _fits(task, model)}
    if not fitting:
        network = model.network
        assert network
        raise ValueError(
            f"no task here has {network.input_size} inputs and {network.output_size} outputs, as "
            f"this network has: take random numbers, or a file"
        )
    name = choose("task", "Task", fitting)
    task = TASKS[name]
    st.caption(escape(task.note), help=escape(task.paper))
    lag = choose_number("lag", "Lag", 1, asked().steps - 1) if task.uses_lag else 0
    return task, (name, lag), name


def _fits(task: Task, model: Model) -> bool:
    """Whether the network can read a task, and answer it."""
    if model.network is None:
        return not task.network
    sizes = (model.network.input_size, model.network.output_size)
    return not task.network and (task.input_size, task.output_size) == sizes


def _drawing(model: Model, task: Task | None, key: tuple[object, ...], name: str) -> Drawing | None:
    """How long and how many, and the loss."""
    longest = min(MOST_STEPS, (task and task.max_steps()) or MOST_STEPS)
    with st.container(horizontal=True, vertical_alignment="bottom", key="sizes-row"):
        steps = choose_number("steps", "Steps", 2, longest, width=WIDTH)
        batch_size = choose_number("batch_size", "Sequences", 1, MOST_SEQUENCES, width=WIDTH)
        seed = choose_number("seed", "Seed", 0, 9999, width=WIDTH)
    part = "training"
    if task and task.real:
        part = choose("part", "From", PARTS, widget=st.segmented_control, required=True)
    outputs = model.network.output_size if model.network else None
    can = task is not None and outputs in {None, task.output_size}
    if task and not can:
        st.caption(
            f"The answers have {task.output_size} outputs and the network has {outputs}, so the "
            "loss is the mean square of its outputs."
        )
    losses = {name: title for name, title in LOSSES.items() if can or name == "outputs"}
    with st.container(horizontal=True, vertical_alignment="bottom", key="loss-row"):
        loss = choose("loss", "Loss", losses) if can else "outputs"
        at = {name: title for name, title in LOSS_AT.items() if task or name != "task"}
        loss_at = choose("loss_at", "Loss at", at)
    return Drawing(
        task,
        (name, *key, part, steps, batch_size, seed, loss, loss_at),
        name,
        steps,
        batch_size,
        loss_at,
        part,
        seed,
        asked().lag if task and task.uses_lag else 0,
        loss == "answers",
    )


_CHOSEN: Final[Mapping[str, Callable[[Model], Chosen]]] = {
    "probe": _probe,
    "task": _of_task,
    "file": of_file,
}
