"""A small app with charts, for the tests of the chart itself."""

import streamlit as st

from dashboard.chart import middleware, routes

app = st.App("main.py", routes=routes(), middleware=middleware())
