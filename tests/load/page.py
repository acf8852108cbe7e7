"""What a visitor's page shows: its elements by place, and what its widgets say."""

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.Slider_pb2 import Slider
from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates

from dashboard.chart.wire import decode, encode

Place = tuple[int, ...]


class Page:
    """Everything that the server has sent of one page, as a browser holds it."""

    def __init__(self) -> None:
        self.shown: dict[Place, Any] = {}
        """Elements, and blocks that can be folded, by their place."""
        self.values: dict[str, WidgetState] = {}
        """What each widget says, by its id."""
        self.query = ""
        self._known: dict[str, tuple[int, ForwardMsg]] = {}
        self._runs = 0
        self._touched: set[Place] = set()

    @property
    def known(self) -> list[str]:
        """What the server need not send again: it sends a hash, and the message is kept here."""
        return list(self._known)

    def begin(self) -> None:
        """A run of the script begins."""
        self._touched = set()

    def hear(self, message: ForwardMsg) -> None:
        """Take in one message of a run."""
        if message.WhichOneof("type") == "ref_hash":
            metadata = message.metadata
            message = self._known[message.ref_hash][1]
            message.metadata.CopyFrom(metadata)
            message.metadata.cacheable = True
        if message.metadata.cacheable:
            self._known[message.hash] = self._runs, message
        kind = message.WhichOneof("type")
        if kind == "page_info_changed":
            self.query = message.page_info_changed.query_string
        elif kind == "delta":
            self._put(tuple(message.metadata.delta_path), message.delta)

    def end(self, *, whole: bool) -> None:
        """A run has ended; what a run of the whole script did not draw is no longer there."""
        if whole:
            self.shown = {place: self.shown[place] for place in self._touched & {*self.shown}}
            alive = {widget.id for widget in self.shown.values() if hasattr(widget, "id")}
            self.values = {name: said for name, said in self.values.items() if name in alive}
            self._runs += 1
            self._known = {h: kept for h, kept in self._known.items() if kept[0] >= self._runs - 2}

    def states(self, *changed: WidgetState) -> WidgetStates:
        """What every widget says, as it goes to the server."""
        said = self.values | {state.id: state for state in changed}
        return WidgetStates(widgets=said.values())

    def widget(self, key: str) -> Any:
        """The widget that the script gave this key."""
        return next(found for found in self.shown.values() if _key(found) == key)

    def charts(self) -> dict[str, bytes]:
        """The payload of each chart, by its key."""
        return {_key(c): c.bytes for c in self.shown.values() if hasattr(c, "component_name")}

    def words(self) -> Iterator[str]:
        """What is written on the page outside of its widgets."""
        for element in self.shown.values():
            yield str(getattr(element, "body", "") or getattr(element, "text", ""))

    def _put(self, place: Place, delta: Any) -> None:
        self._touched.add(place)
        drawn = getattr(delta, delta.WhichOneof("type"))
        kind = drawn.WhichOneof("type")
        self.shown.pop(place, None)
        if kind is None:
            return
        element = self.shown[place] = getattr(drawn, kind)
        if kind in SAYS and (element.id not in self.values or getattr(element, "set_value", False)):
            state = WidgetState(id=element.id)
            SAYS[kind](element, state)
            self.values[element.id] = state


def pressed(button: Any) -> WidgetState:
    """What a button says once it has been pressed."""
    return WidgetState(id=button.id, trigger_value=True)


def fingerprint(payload: bytes) -> bytes:
    """A chart's figure to the bit, whoever it was sent to and when."""
    return sealed(decode(payload)["figure"])


def sealed(figure: Any) -> bytes:
    """The same of a figure that was not sent."""
    return hashlib.sha256(encode({"figure": figure})).digest()


def _key(element: Any) -> str:
    """What the script named a widget: an id is ``$$ID-``, 32 digits, ``-`` and the key."""
    return str(getattr(element, "id", ""))[38:]


def _slider(shown: Slider, state: WidgetState) -> None:
    chosen = [shown.options[int(number)] for number in shown.default]
    state.string_array_value.data[:] = shown.raw_value if shown.set_value else chosen


def _selectbox(shown: Any, state: WidgetState) -> None:
    if shown.set_value:  # to nothing, where it has no value
        if shown.HasField("raw_value"):
            state.string_value = shown.raw_value
    elif shown.HasField("default"):
        state.string_value = shown.options[shown.default]


def _number(shown: Any, state: WidgetState) -> None:
    state.double_value = shown.value if shown.set_value else shown.default


def _pills(shown: Any, state: WidgetState) -> None:
    chosen = [shown.options[number].content for number in shown.default]
    state.string_array_value.data[:] = shown.raw_values if shown.set_value else chosen


def _checkbox(shown: Any, state: WidgetState) -> None:
    state.bool_value = shown.value if shown.set_value else shown.default


def _text(shown: Any, state: WidgetState) -> None:
    state.string_value = shown.value if shown.set_value else shown.default


SAYS: dict[str, Callable[[Any, WidgetState], None]] = {
    "slider": _slider,
    "selectbox": _selectbox,
    "number_input": _number,
    "button_group": _pills,
    "checkbox": _checkbox,
    "text_input": _text,
}
"""How a widget says what it shows, by its kind; a fold that nobody opens says nothing."""
