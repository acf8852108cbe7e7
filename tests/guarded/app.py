"""A small page behind the guard: one widget of each kind, and 20 MB that it keeps.

What is left is let go after a second, so that a test need not wait for a minute; a seat is held
for three.
"""

import streamlit as st

from dashboard import limits

limits.LEFT_SECONDS = limits.UPKEEP_SECONDS = 0.5  # type: ignore[misc]


def look_up(key: str) -> None:
    """As pages do with a choice: there is none but those."""
    chosen = st.session_state[key]
    for one in chosen if isinstance(chosen, list) else [chosen]:
        {"a": 1, "b": 2, None: 0}[one]


def main() -> None:
    """Every widget, and what they all say."""
    st.session_state.setdefault("kept", bytearray(b"x" * (20 << 20)))
    said = {
        "whole": st.number_input("whole", 1, 500, 7, key="whole"),
        "real": st.number_input("real", 0.0, 2.0, 1.0, key="real"),
        "slider": st.slider("slider", 0, 10, 3, key="slider"),
        "range": st.slider("range", 0.0, 1.0, (0.2, 0.8), key="range"),
        "stops": st.select_slider("stops", ["a", "b", "c"], "b", key="stops"),
        "select": st.selectbox(
            "select", ["a", "b"], key="select", on_change=look_up, args=("select",)
        ),
        "several": st.multiselect(
            "several", ["a", "b"], ["a"], key="several", on_change=look_up, args=("several",)
        ),
        "text": st.text_input("text", "t", max_chars=20, key="text"),
        "area": st.text_area("area", "t", max_chars=20, key="area"),
        "box": st.checkbox("box", key="box"),
        "pill": st.pills("pill", ["a", "b"], key="pill", on_change=look_up, args=("pill",)),
        "segment": st.segmented_control("segment", ["a", "b"], key="segment"),
        "button": st.button("button", key="button"),
        "file": st.file_uploader("file", key="file") is not None,
    }
    st.text(f"{said}")
    if st.query_params.get("fail"):
        raise RuntimeError("a secret in /srv/secret/path")


if __name__ == "__main__":
    main()
else:
    from dashboard import guard
    from dashboard.guard import seats

    seats.HELD_SECONDS = 3.0  # type: ignore[misc]
    app = st.App(
        __file__,
        middleware=guard.middleware(),
        lifespan=guard.lifespan(forget=lambda: None),
        on_script_error=guard.tell,
    )
