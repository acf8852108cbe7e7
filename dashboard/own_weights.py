"""Your model, first part: whose weights, what they were taken for, and how that is corrected."""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

import pandas as pd
import streamlit as st

from dashboard import session
from dashboard.asked import ask, asked, choose
from dashboard.brought import bring, brought
from dashboard.frame import escape
from dashboard.uploads import opened, opener, tried
from rnnviz import Network
from rnnviz.arrays import Array
from rnnviz.figures.text import count
from rnnviz.interop import Recognised, read_arrays, recognise
from rnnviz.interop.kinds import ENDINGS
from rnnviz.interop.limits import amount, one_line, shown

EXAMPLE: Final = "adding_lstm.safetensors"
"""An LSTM trained on the adding problem, named as PyTorch names its weights."""
SOURCES: Final = {"file": "A file", "settings": "As in the settings"}
TITLES: Final = {
    "framework": "Framework",
    "modules": "Recurrent modules",
    "directions": "Directions",
    "layers": "Layers",
    "cell": "Cell",
    "gates": "Order of the gates in the file",
    "readout": "Readout",
}
LINES: Final = {
    "PyTorch": (
        "from safetensors.torch import save_file\n\n"
        'save_file(model.state_dict(), "weights.safetensors")'
    ),
    "Keras": 'model.save("weights.keras")',
    "Flax": (
        "import flax, numpy as np\n\n"
        'flat = flax.traverse_util.flatten_dict(params, sep="/")\n'
        'np.savez("weights.npz", **flat)'
    ),
}
"""What makes a file that is read here."""


@dataclass(frozen=True, eq=False)
class Weights:
    """A file of weights."""

    name: str
    arrays: Mapping[str, Array]
    nbytes: int
    """Of the file."""


@dataclass(frozen=True)
class Model:
    """A network to be looked at."""

    name: str
    network: Network | None
    """None where the settings draw it, of the sizes that the data ask for."""
    weights: Weights | None = None
    found: Recognised | None = None


def choose_model() -> Model | None:
    """Whose network it is, and what it was taken for; None where there is none yet."""
    with st.container(border=True, key="weights-box"):
        st.markdown("**1. Weights**")
        source = choose(
            "source",
            "Weights",
            SOURCES,
            widget=st.segmented_control,
            label_visibility="collapsed",
            required=True,
        )
        session.keep("settings-matter", source == "settings")
        if source == "settings":
            st.caption(
                "Untrained: cell, size and weights are those of the sidebar, its inputs and "
                "outputs those of your data. Task, length and batch are chosen here."
            )
            return Model("untrained", None)
        weights: Weights | None = brought("weights")
        if weights is None:
            _open()
            return None
        arrays = count(len(weights.arrays), "array")
        opened("weights", weights.name, f"{arrays}, {amount(weights.nbytes)}")
        return _recognised(weights)


def open_weights(data: bytes, name: str) -> None:
    """Read a file of weights, and keep it where it holds a network.

    Raises
    ------
    ValueError
        One sentence that names the file and the cause.
    """
    arrays = read_arrays(data, name)
    try:
        recognise(arrays)
    except ValueError as refused:
        raise ValueError(f"{shown(name)}: {refused}") from None
    ask(corrections={})
    size = sum(array.nbytes for array in arrays.values())
    bring("weights", Weights(shown(name), arrays, len(data)), size)


def open_example() -> None:
    """The network that ships, on the task that it was trained on."""
    data = (files("rnnviz") / "data" / EXAMPLE).read_bytes()
    tried("weights", open_weights, data, EXAMPLE)
    ask(source="file", data="task", task="adding", loss="answers", loss_at="last")


def _open() -> None:
    """What an empty page offers."""
    opener("weights", f"Weights: {', '.join(ENDINGS)}", open_weights)
    st.button(
        "Open the example: an LSTM trained on the adding problem",
        key="example",
        type="primary",
        on_click=open_example,
    )
    st.caption(
        "A file stays in this server's memory while you look at it, and is written nowhere. "
        "No pickle is opened and no framework is imported."
    )
    for tab, code in zip(st.tabs([f"From {name}" for name in LINES]), LINES.values(), strict=True):
        tab.code(code, "python", wrap_lines=True)


def _recognised(weights: Weights) -> Model | None:
    """What a file was taken for, as a table, and the corrections."""
    try:
        found = recognise(weights.arrays, **asked().corrections)
        network = found.network()
    except ValueError as refused:
        st.error(escape(f"Not a network: {refused}."))
        st.button("Undo the corrections", key="undo", on_click=ask, kwargs={"corrections": {}})
        return None
    table(found.to_frame(), "What the file was taken for")
    said = [*found.notes]
    if found.unused:
        some = ", ".join(map(one_line, found.unused[:3])) + " …" * (len(found.unused) > 3)
        said.append(f"{count(len(found.unused), 'array')} not part of the network: {some}")
    if said:
        st.caption(escape(in_sentences(said)))
    _corrections(found)
    return Model(weights.name, network, weights, found)


def _corrections(found: Recognised) -> None:
    offered = {name: options for name, options in found.choices.items() if len(options) > 1}
    if not offered:
        return
    changed = len(asked().corrections)
    label = f"Corrected in {changed}" if changed else "Correct it"
    fold = st.expander(label, key="corrections", on_change="rerun", type="compact")
    if not fold.open:
        return
    with fold:
        for name, options in offered.items():
            session.show(f"correct-{name}", found.chosen[name])
            st.selectbox(
                TITLES.get(name, name),
                options,
                key=f"correct-{name}",
                on_change=_correct,
                args=(name,),
            )


def _correct(name: str) -> None:
    ask(corrections={**asked().corrections, name: session.value(f"correct-{name}")})


def in_sentences(notes: Sequence[str]) -> str:
    """Notes as a text."""
    return " ".join(f"{note[:1].upper()}{note[1:]}." for note in notes)


def table(rows: pd.DataFrame, caption: str) -> None:
    """A small table whose first column names its rows."""
    heads = "".join(f"<th scope='col'>{html.escape(str(name))}</th>" for name in rows.columns)
    body = "".join(_row([_word(value) for value in row]) for row in rows.itertuples(index=False))
    st.html(
        f"<div class='beside' tabindex='0'><table><caption>{html.escape(caption)}</caption>"
        f"<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _row(words: Sequence[str]) -> str:
    first, *others = map(html.escape, words)
    return f"<tr><th scope='row'>{first}</th>{''.join(f'<td>{w}</td>' for w in others)}</tr>"


def _word(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
