"""What a visitor is told of an error that nobody foresaw: a number, and the log has the rest."""

import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

_log = logging.getLogger("rnnviz")


def tell(error: Exception) -> bool:
    """Say on the page that something failed; the log says under the same number what.

    Streamlit has written the error itself just before.
    """
    number = _number()
    _log.error("error %s: %s", number, type(error).__name__)
    st.error(
        f"Something failed here that should not (error {number} in the server's log). "
        f"What was set before is kept."
    )
    st.button("Draw the page again", key="draw-again")
    return True


@contextmanager
def instead(what: str) -> Iterator[None]:
    """Where drawing something fails as nobody foresaw, say so in its place: the rest stays.

    Parameters
    ----------
    what : the picture and its settings, as the beginning of a sentence
    """
    try:
        yield
    except Exception:  # whatever it is: one picture's fault is not to take the others along
        number = _number()
        _log.exception("error %s: %s", number, what)
        st.error(f"{what} failed as nothing should (error {number} in the server's log).")


def _number() -> str:
    return secrets.token_hex(4)
