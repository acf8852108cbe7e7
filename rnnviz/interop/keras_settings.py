"""What the settings of a Keras model say that its weights do not: the order, the activations."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rnnviz.interop.limits import one_line

_GATED = {"LSTM": "lstm", "GRU": "gru"}
_PLAIN = {"tanh": "tanh", "relu": "relu", "sigmoid": "sigmoid", "linear": "linear"}


@dataclass(frozen=True)
class Told:
    """What is said of one layer."""

    place: int
    """Its number from the input on."""
    cell: str
    """The cell it is, or nothing for a layer of another kind."""
    note: str = ""


def told_of(layers: Sequence[Mapping[str, Any]]) -> dict[str, Told]:
    """What is said of each layer, by its own name and by that of its folder in Keras 3.

    Raises
    ------
    ValueError
        If a recurrent layer has an activation that no cell here has.
    """
    told: dict[str, Told] = {}
    counts: Counter[str] = Counter()
    for place, layer in enumerate(layers):
        kind = str(layer.get("class_name", ""))
        folder = _snake(kind)
        number = counts[folder]
        counts[folder] += 1
        said = _told(place, kind, layer["config"])
        for name in (f"{folder}_{number}" if number else folder, str(layer["config"].get("name"))):
            told.setdefault(name, said)
    return told


def _told(place: int, kind: str, config: Mapping[str, Any]) -> Told:
    name = one_line(str(config.get("name", kind)))
    if kind == "Bidirectional":
        inner = config.get("layer")
        if config.get("merge_mode") != "concat":
            raise ValueError(
                f"{name} must put its two directions side by side (merge_mode 'concat'), "
                f"got {config.get('merge_mode')!r}"
            )
        if isinstance(inner, Mapping) and isinstance(inner.get("config"), Mapping):
            said = _told(place, str(inner.get("class_name", "")), inner["config"])
            return Told(place, said.cell, said.note and _LAST_OF_BOTH.format(name=name))
        return Told(place, "")
    if kind in _GATED or kind == "SimpleRNN":
        return Told(place, _cell(name, kind, config), _note(name, config))
    activation = config.get("activation", "linear")
    note = "" if activation == "linear" or kind != "Dense" else _ACTIVATION
    return Told(place, "", note.format(name=name, activation=one_line(str(activation))))


def _cell(name: str, kind: str, config: Mapping[str, Any]) -> str:
    activation = config.get("activation", "tanh")
    if kind == "SimpleRNN":
        if activation not in _PLAIN:
            raise ValueError(
                f"{name} must have one of the activations {', '.join(_PLAIN)}, "
                f"got {one_line(str(activation))}"
            )
        return _PLAIN[activation]
    inner = config.get("recurrent_activation", "sigmoid")
    if (activation, inner) != ("tanh", "sigmoid"):
        raise ValueError(
            f"{name} must have the activations tanh and sigmoid, "
            f"got {one_line(str(activation))} and {one_line(str(inner))}"
        )
    after = config.get("reset_after", False)  # older files say nothing, and had it before
    return "gru_cho" if kind == "GRU" and not after else _GATED[kind]


def _note(name: str, config: Mapping[str, Any]) -> str:
    if config.get("go_backwards"):
        return f"{name} reads its sequence from the end: give it turned round"
    if not config.get("return_sequences", False):
        return f"{name} hands on its last step alone: compare the last step"
    return ""


_LAST_OF_BOTH = (
    "{name} hands on each direction's own last step, which is no step of the outputs here"
)
_ACTIVATION = "the {activation} behind {name} is left out: the outputs are those before it"


def _snake(kind: str) -> str:
    """A class's name as Keras 3 names its folder.

    Examples
    --------
    >>> _snake("SimpleRNN"), _snake("LSTM"), _snake("TimeDistributed")
    ('simple_rnn', 'lstm', 'time_distributed')
    """
    apart = re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", kind)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", apart).lower()
