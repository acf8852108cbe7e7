"""rnnviz in a browser: a Streamlit app around the ``rnnviz`` package."""
