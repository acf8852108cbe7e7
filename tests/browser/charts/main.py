"""Curves, a matrix and a chart that never changes, redrawn as a slider moves."""

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from dashboard.chart import chart

STEPS = np.arange(5)
VALUES = np.array([0.1, 1 / 3, 1e-300, np.nan, np.inf])
DARK = st.context.theme.type == "dark"
TEMPLATE = go.layout.Template(
    layout={
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": "#e3e8ef" if DARK else "#1f2733"},
        "margin": {"l": 50, "r": 20, "t": 10, "b": 40},
    }
)

st.set_page_config(layout="wide")
gain = st.slider("Gain", 0.0, 2.0, 1.0, 0.1)
shown = st.sidebar.toggle("Show the third chart", value=True)

curves = go.Figure(
    data=[
        {
            "type": "scatter",
            "x": STEPS,
            "y": gain * VALUES,
            "name": "=measured, <b>h</b><sub>t</sub>",
        },
        {"type": "scatter", "y": [1, -2.5, 4], "name": "theory"},
        {"type": "scatter", "y": [9, 9], "name": "hidden", "visible": "legendonly"},
    ],
    layout={"template": TEMPLATE},
)
chart(
    curves,
    key="curves",
    question="How much <b>gradient</b> reaches each step?",
    subtitle="∂L/∂hₜ of the last step's loss; time runs right to left",
    how_to_read="The line is the norm at each step.\n\n<i>Steep</i> means fast.",
    filename="gradient-flow",
    alt="Gradient norm against time step",
    on_click=lambda x: st.session_state.update(at=x),
)
if "at" in st.session_state:
    st.text(f"Clicked at {st.session_state.at:g}")

matrix = go.Figure(
    data=[
        {
            "type": "heatmap",
            "z": gain * np.arange(6, dtype=np.float32).reshape(2, 3) / 7,
            "x": ["a", "-b", "c"],
            "name": "h",
        }
    ],
    layout={"template": TEMPLATE, "height": 300},
)
chart(matrix, key="matrix", question="Which units?", filename="units", alt="Units by step")

if shown:
    still = go.Figure(
        data=[{"type": "scatter", "y": [1, 2, 3], "mode": "markers"}],
        layout={"template": TEMPLATE},
    )
    chart(still, key="still", question="What stays?", filename="still", alt="Dots", height=200)
