"""Your model: sequences from a file, as a series of columns, a text, or arrays."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PureWindowsPath
from typing import Final, Literal, cast

import streamlit as st

from dashboard import session
from dashboard.asked import ask, asked, choose, choose_several
from dashboard.brought import bring, brought
from dashboard.frame import escape
from dashboard.own_weights import Model, in_sentences, table
from dashboard.uploads import opened, opener
from rnnviz.arrays import Array
from rnnviz.figures.text import count
from rnnviz.interop import Table, read_arrays, read_table, read_text, sequences, series, text
from rnnviz.interop.limits import amount, shown
from rnnviz.interop.series import OwnSeries
from rnnviz.tasks import Task

MISSING: Final = {"drop": "Leave their windows out", "interpolate": "Interpolate"}

Chosen = tuple[Task | None, tuple[object, ...], str]
"""A task, what it was chosen by, and its name."""


@dataclass(frozen=True, eq=False)
class Data:
    """What is in a file of data: a table, a text, or arrays of sequences."""

    name: str
    nbytes: int
    """Of the file."""
    what: Table | str | Mapping[str, Array]


def of_file(model: Model) -> Chosen:
    """The sequences of the file that is open; no task where none is."""
    data: Data | None = brought("data")
    if data is None:
        opener(
            "data",
            "A series (.csv, .parquet, .npz), a text (.txt), or arrays x (T, B, I) (.npz)",
            open_data,
        )
        return None, (), ""
    opened("data", data.name, _size(data))
    task, chosen = _task_of(data, model)
    return task, (data, *chosen), data.name


def open_data(data: bytes, name: str) -> None:
    """Read a file of data, and keep what is in it.

    Raises
    ------
    ValueError
        One sentence that names the file and the cause.
    """
    ending = PureWindowsPath(name).suffix.lower()
    what: Table | str | Mapping[str, Array]
    if ending == ".txt":
        what = read_text(data, name)
        size = 4 * len(what)
    elif ending == ".npz" and any(array.ndim == 3 for array in read_arrays(data, name).values()):
        what = read_arrays(data, name)
        size = sum(array.nbytes for array in what.values())
    else:
        what = read_table(data, name)
        size = 2 * what.values.nbytes
    ask(columns=(), answered=(), alphabet="", loss="answers")
    bring("data", Data(shown(name), len(data), what), size)


def _size(data: Data) -> str:
    what = data.what
    if isinstance(what, Table):
        columns = count(len(what.columns), "column")
        said = f"{count(len(what.values), 'row')}, {columns} of numbers"
    elif isinstance(what, str):
        said = f"{len(what):,} characters, {len(set(what))} different"
    else:
        said = count(len(what), "array")
    return f"{said}, {amount(data.nbytes)}"


def _task_of(data: Data, model: Model) -> tuple[Task, tuple[object, ...]]:
    if isinstance(data.what, Table):
        return _series(data.what, model)
    if isinstance(data.what, str):
        return _text(data.what, model, data.name)
    task = sequences(data.what, data.name)
    st.caption(escape(task.note))
    _check_inputs(task, model)
    return task, ()


def _series(found: Table, model: Model) -> tuple[Task, tuple[object, ...]]:
    """Which columns are read and answered, and what is done about gaps and scales."""
    if found.notes:
        st.caption(escape(in_sentences(found.notes)))
    inputs = model.network.input_size if model.network else None
    outputs = model.network.output_size if model.network else None
    if inputs is not None and inputs > len(found.columns):
        raise ValueError(
            f"the network reads {inputs} inputs, and {found.name} has {len(found.columns)} "
            f"columns of numbers"
        )
    read = choose_several("columns", "Columns that are read", found.columns, inputs or 1, inputs)
    fewest = min(outputs or 1, len(found.columns))
    answered = choose_several(
        "answered", "Columns whose next values are asked for", found.columns, fewest, outputs
    )
    missing = _missing(found, {*read, *answered})
    standardise, split = _prepared()
    if inputs is not None and len(read) != inputs:
        raise ValueError(f"the network reads {inputs} inputs: choose {inputs} columns")
    task = series(
        found,
        read,
        cast(Literal["drop", "interpolate"], missing),
        standardise,
        split / 100,
        answered,
    )
    _scales(task, is_standardised=standardise)
    return task, (read, answered, missing, standardise, split)


def _prepared() -> tuple[bool, int]:
    """Whether columns are standardised, and on which percentage of the rows is trained."""
    left, right = st.columns(2, vertical_alignment="bottom")
    with left:
        standardise = st.toggle(
            "Standardise", value=asked().standardise, key="own-scale", on_change=_scaled
        )
    with right:
        split = st.slider(
            "Trained on, % of the rows",
            10,
            95,
            round(100 * asked().split),
            5,
            key="own-share",
            on_change=_parted,
        )
    return standardise, split


def _missing(found: Table, used: set[str]) -> str:
    """What to do about missing values, where there are some; each is named."""
    gaps = {name: many for name, many in found.missing.items() if name in used}
    if not gaps:
        return "drop"
    for name, many in gaps.items():
        lines = ", ".join(f"{line:,}" for line in found.lacking(name))
        few = "" if many <= len(found.lacking(name)) else " and more"
        st.warning(escape(f"{name} lacks {count(many, 'value')}: line {lines}{few}."))
    return choose("missing", "Missing values", MISSING, widget=st.segmented_control, required=True)


def _scales(task: OwnSeries, *, is_standardised: bool) -> None:
    table(task.to_frame(), "Each column as it is read" if is_standardised else "Columns as read")
    if is_standardised and task.still:
        names = ", ".join(task.still)
        st.caption(escape(f"{names} does not change in the training part: it is not divided."))


def _text(found: str, model: Model, name: str) -> tuple[Task, tuple[object, ...]]:
    """The characters in the order of the network's inputs."""
    occur = "".join(sorted(set(found)))
    alphabet = st.text_input(
        "Characters, in the order of the inputs",
        asked().alphabet or _written(occur),
        key="own-characters",
        on_change=_spelt,
        help="Line ends are written \\n, and a backslash \\\\.",
    )
    task = text(found, _meant(alphabet), name)
    _check_inputs(task, model)
    st.caption(escape(task.note))
    return task, (alphabet,)


def _check_inputs(task: Task, model: Model) -> None:
    if model.network and task.input_size != model.network.input_size:
        raise ValueError(
            f"the network reads {model.network.input_size} inputs, and these sequences have "
            f"{task.input_size}"
        )


def _written(characters: str) -> str:
    return characters.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t")


def _meant(written: str) -> str:
    """The inverse of ``_written``."""
    meant = {"n": "\n", "t": "\t", "\\": "\\"}
    return re.sub(r"\\(.?)", lambda pair: meant.get(pair[1], "\\" + pair[1]), written)


def _scaled() -> None:
    ask(standardise=bool(session.value("own-scale")))


def _parted() -> None:
    ask(split=session.value("own-share") / 100)


def _spelt() -> None:
    ask(alphabet=str(session.value("own-characters")))
