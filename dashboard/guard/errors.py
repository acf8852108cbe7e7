"""What a visitor is told of an error that nobody foresaw: a number, and the log has the rest."""

import logging
import secrets

import streamlit as st

_log = logging.getLogger("rnnviz")


def tell(error: Exception) -> bool:
    """Say on the page that something failed; the log says under the same number what.

    Streamlit has written the error itself just before.
    """
    number = secrets.token_hex(4)
    _log.error("error %s: %s", number, type(error).__name__)
    st.error(
        f"Something failed here that should not (error {number} in the server's log). "
        f"What was set before is kept."
    )
    st.button("Draw the page again", key="draw-again")
    return True
