"""Your model: weights and sequences from files, and everything that Explore shows of them."""

import streamlit as st

from dashboard.frame import escape
from dashboard.own_data import choose_data
from dashboard.own_parity import parity_of
from dashboard.own_run import explored_of
from dashboard.own_weights import choose_model
from dashboard.result import show
from dashboard.take_away import take_away


def render() -> None:
    """Whose weights, which sequences, and then the verdict, the panel and the sections."""
    st.markdown(
        "**What does the gradient do in your own network?** Open its weights from PyTorch, Keras "
        "or Flax, choose what it reads, and see everything that Explore shows."
    )
    left, right = st.columns(2)
    with left:
        model = choose_model()
    if model is None:
        with right:
            _before()
        return
    with right:
        drawing = choose_data(model)
    parity_of(model)
    if drawing is None:
        return
    try:
        with st.spinner("Running the network"):
            explored = explored_of(model, drawing)
    except ValueError as error:
        st.error(escape(f"Nothing was computed: {error}."))
        return
    take_away(explored, show(explored))


def _before() -> None:
    """What comes once there are weights."""
    with st.container(border=True, key="before-box"):
        st.markdown("**2. Sequences**")
        st.markdown(
            "Then choose what it reads: your own series (CSV, Parquet, npz), a text, arrays "
            "(T, B, I), one of the tasks here that fits its sizes, or random numbers."
        )
        st.markdown("**3. What is seen**")
        st.markdown(
            "The verdict in a sentence, every hidden state and its gradient, where the loss comes "
            "from, the eigenvalues, the gates, and whether the numbers are right. A probe batch "
            "tells whether the network here is yours, to rounding."
        )
