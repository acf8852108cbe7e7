"""What a widget can show: a value that it cannot would break every later run of its session.

Streamlit keeps a value as it came and reads it when the page is next drawn. Where that fails it
fails again in each run, before the next value is looked at.
"""

from json import JSONDecodeError, loads
from typing import Any, Final

from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.runtime import exists, get_instance

from dashboard.guard.frames import Believes

LISTS: Final = frozenset({"double_array_value", "int_array_value", "string_array_value"})
PLAIN: Final = LISTS | {"bool_value", "double_value", "int_value", "string_value"}
"""Values that are read by a function of nothing else."""
JSON: Final = frozenset({"json_value", "json_trigger_value"})
CHOICES: Final = "formatted_option_to_option_index"
"""Where Streamlit's reader of a box of choices has what the box shows."""
UNREADABLE: Final = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


def of(session: str | None) -> Believes:
    """What the widgets of a session can show; where there is no such session there are none."""
    widgets = _widgets(session) if session is not None else {}
    return lambda state: can_show(widgets.get(state.id), state)


def can_show(widget: Any, state: WidgetState) -> bool:
    """Whether a widget, as Streamlit has registered it, can read a value."""
    kind = state.WhichOneof("value")
    if widget is None or kind is None:
        return widget is not None
    if _family(kind) != _family(widget.value_type or kind):
        return False
    value = getattr(state, kind)
    try:
        if kind in JSON:
            loads(value)
        elif kind in PLAIN:
            plain = list(value.data) if kind in LISTS else value
            widget.deserializer(plain)
            return _is_offered(plain, widget.deserializer)
    except (*UNREADABLE, JSONDecodeError, RecursionError):
        return False
    return True


def _is_offered(value: Any, reader: Any) -> bool:
    """Whether a box of choices has this one, or all of these; any other widget has everything.

    Streamlit reads another as it came, and what is called on a change would look it up.
    """
    choices = getattr(getattr(reader, "__self__", None), CHOICES, None)
    chosen = value if isinstance(value, list) else [value]
    return choices is None or all(one in choices for one in chosen)


def _family(kind: str) -> str:
    """A kind of value; a box of whole numbers is said to show any, and the browser says a whole."""
    return kind.replace("int_", "double_")


def _widgets(session: str) -> dict[str, Any]:
    found = get_instance().get_app_session(session) if exists() else None
    if found is None:
        return {}
    # Not public, and nothing that is says which widgets there are: a test looks whether it is so.
    return found.session_state._new_widget_state.widget_metadata
