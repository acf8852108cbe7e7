"""Your model: whether the network here gives what yours gives, on a batch that is offered."""

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
import streamlit as st

from dashboard import session
from dashboard.asked import ask, asked
from dashboard.brought import bring, brought
from dashboard.frame import escape
from dashboard.own_weights import TITLES, Model, Weights, in_sentences, table
from dashboard.uploads import opened, opener
from rnnviz import Network
from rnnviz.arrays import Array
from rnnviz.interop import Parity, parity, probe, read_arrays, read_table, suggest
from rnnviz.interop.limits import shown

LINES = (
    "import numpy as np, torch\n\n"
    'x = torch.tensor(np.load("probe.npz")["x"], dtype=torch.float32)  # (T, B, I)\n'
    "y = model(x)  # of all steps, or of the last alone\n"
    'np.savez("outputs.npz", y=y.detach().numpy())'
)
WORST = 3
"""Steps that are listed."""


def parity_of(model: Model) -> None:
    """The probe batch, a place for the outputs, and how far apart they are."""
    if model.network is None or model.weights is None:
        return
    fold = st.expander("Is it the same network? Compare outputs", key="parity", on_change="rerun")
    if not fold.open:
        return
    with fold:
        network = model.network
        st.markdown(
            "1. Save the probe batch.\n"
            "2. Run your model on it, from the zero state.\n"
            "3. Open its outputs here, or paste those of the last step."
        )
        st.download_button(
            "Save probe.npz",
            lambda: _npz(probe(network)),
            file_name="probe.npz",
            mime="application/zip",
            key="probe",
            on_click="ignore",
        )
        st.code(LINES, "python", wrap_lines=True)
        outputs: tuple[str, Array] | None = brought("outputs")
        if outputs is None:
            _ask()
            return
        opened("outputs", outputs[0], f"shape {outputs[1].shape}")
        _compare(model.weights, network, outputs[1])


def _ask() -> None:
    opener("outputs", "Outputs: .npz", open_outputs)
    st.text_area(
        "Or the outputs of the last step, a line for each sequence",
        key="pasted",
        placeholder="0.1234, -0.5678",
        max_chars=100_000,
        on_change=_pasted,
    )


def open_outputs(data: bytes, name: str) -> None:
    """Read the outputs of the visitor's model.

    Raises
    ------
    ValueError
        One sentence that names the file and the cause.
    """
    arrays = read_arrays(data, name)
    y = arrays.get("y", next(iter(arrays.values())))
    bring("outputs", (shown(name), y), y.nbytes)


def _pasted() -> None:
    given = str(session.value("pasted"))
    session.keep("outputs-refused", None)
    if not given.strip():
        return
    try:
        found = read_table(given.encode(), "the pasted numbers")
        bring("outputs", ("Pasted numbers", found.values), found.values.nbytes)
    except ValueError as refused:
        session.keep("outputs-refused", str(refused).rstrip("."))


def _compare(weights: Weights, network: Network, y: Array) -> None:
    try:
        found = parity(network, probe(network), y)
    except ValueError as refused:
        st.error(escape(f"Not compared: {refused}."))
        return
    same = found.precision is not None
    (st.success if same else st.warning)(escape(found.sentence))
    if found.note:
        st.caption(escape(in_sentences([found.note])))
    if not same:
        _suggest(weights.arrays, network, y)
        table(_worst(found), "The steps that differ most")


def _worst(found: Parity) -> Any:
    return found.to_frame().nlargest(WORST, "difference")


def _suggest(arrays: Mapping[str, Array], network: Network, y: Array) -> None:
    """The correction that makes the outputs agree, if one does."""
    better = suggest(arrays, probe(network), y, **asked().corrections)
    if not better:
        st.caption("No single correction makes them agree.")
        return
    words = ", ".join(f"{TITLES.get(name, name)}: {value}" for name, value in better.items())
    st.button(
        f"Correct it: {words}",
        key="suggested",
        type="primary",
        on_click=ask,
        kwargs={"corrections": {**asked().corrections, **better}},
    )


def _npz(x: Array) -> bytes:
    packed = io.BytesIO()
    np.savez(packed, x=x)
    return packed.getvalue()
