"""The peer: the same lecture as most would write it, with four pictures, by Streamlit alone."""

import numpy as np
import plotly.graph_objects as go
import streamlit as st

H, T, B = 64, 100, 16

gain = st.select_slider("Gain", [round(0.1 * n, 1) for n in range(1, 74)], 1.0, key="set-gain")
rng = np.random.default_rng(0)
W_ih, W_hh = rng.normal(0, 0.2, (H, 1)), gain * rng.normal(0, H**-0.5, (H, H))
x, h = rng.normal(size=(T, B, 1)), np.zeros((T + 1, B, H))
for t in range(T):
    h[t + 1] = np.tanh(x[t] @ W_ih.T + h[t] @ W_hh.T)
dh = np.zeros_like(h)
dh[T] = h[T]
for t in reversed(range(T)):
    dh[t] = (dh[t + 1] * (1 - h[t + 1] ** 2)) @ W_hh
norm = np.sqrt((dh**2).sum(axis=2)).mean(axis=1)
spectrum = np.linalg.eigvals(W_hh)

st.plotly_chart(go.Figure(go.Heatmap(z=h[:, 0].T)), key="states")
st.plotly_chart(go.Figure(go.Heatmap(z=np.log10(np.abs(dh[:, 0].T) + 1e-300))), key="gradients")
st.plotly_chart(go.Figure(go.Scatter(y=norm)).update_yaxes(type="log"), key="norm")
plane = go.Scatter(x=spectrum.real, y=spectrum.imag, mode="markers")
st.plotly_chart(go.Figure(plane), key="eigenvalues")
