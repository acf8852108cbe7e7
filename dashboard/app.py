"""rnnviz in a browser: its state, its pages, and what stands around every page.

``streamlit run`` imports this file for ``app`` and runs it as a script for each visitor.
"""

import gc

import streamlit as st

from dashboard import chart, controls, guard, heap, moved, records, session, stage
from dashboard.frame import header, style
from dashboard.views import compare, explore, runs, sweep, train, your_model


@guard.turn()
def main() -> None:
    """Draw the page that is open."""
    st.set_page_config(page_title="rnnviz", layout="wide")
    style()
    session.start()
    pages = [
        st.Page(explore.render, title="Explore", url_path="explore", default=True),
        st.Page(train.render, title="Train", url_path="train"),
        st.Page(compare.render, title="Compare", url_path="compare"),
        st.Page(sweep.render, title="Sweep", url_path="sweep"),
        st.Page(your_model.render, title="Your model", url_path="your-model"),
        st.Page(runs.render, title="Runs", url_path="runs"),
    ]
    session.keep("explore-page", pages[0])
    session.keep("compare-page", pages[2])
    page = st.navigation(pages, position="hidden")
    top = st.container(key="top")
    session.keep("settings-matter", True)
    page.run()
    with top:
        header(pages)
    if session.kept("settings-matter"):
        with st.sidebar:  # after the page: what is looked at while a slider moves is the pictures
            controls.sidebar()
    records.rest()


if __name__ == "__main__":
    main()
else:
    heap.share()
    gc.freeze()  # what the imports made lives as long as the server: no collection need visit it
    gc.set_threshold(20_000, 20, 20)  # a rerun makes thousands of objects, and no cycles of weight
    app = st.App(
        __file__,
        routes=[*chart.routes(), moved.route(), stage.route()],
        middleware=[*guard.middleware(), *chart.middleware()],
        lifespan=guard.lifespan(records.forget),
        on_script_error=guard.tell,
    )
