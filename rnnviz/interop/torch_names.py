"""PyTorch's names: what a ``state_dict`` of RNN, LSTM, GRU, their cells and Linear says.

PyTorch documentation, torch.nn.RNN, LSTM and GRU: ``weight_ih_l0`` (G*H, I), gates i f g o and
r z n, the reset gate behind the product.
"""

import re
from collections import defaultdict
from collections.abc import Mapping

from rnnviz.arrays import Array
from rnnviz.interop.limits import one_line
from rnnviz.interop.raw import BY_GATES, Found, Level, RawLayer, RawReadout, gates_of, readout

_RECURRENT = re.compile(
    r"(?P<module>.*?)\.?(?P<what>weight|bias)_(?P<part>ih|hh|hr)"
    r"(?:_l(?P<level>\d{1,4})(?P<reverse>_reverse)?)?"
)
_NAMES = {
    ("weight", "ih"): "W_ih",
    ("weight", "hh"): "W_hh",
    ("bias", "ih"): "b_ih",
    ("bias", "hh"): "b_hh",
}
_ORDERS: Mapping[int, tuple[str, ...]] = {1: (), 3: ("r", "z", "n"), 4: ("i", "f", "g", "o")}
_Place = tuple[str, int, bool]


def find(arrays: Mapping[str, Array]) -> Found | None:
    """The recurrent modules and linear layers of a ``state_dict``; None if it is none.

    Raises
    ------
    ValueError
        If a layer is not whole, or of a kind that is not read: an LSTM with a projection.
    """
    places: dict[_Place, dict[str, str]] = defaultdict(dict)
    for name in arrays:
        if match := _RECURRENT.fullmatch(name):
            if match["part"] == "hr":
                raise ValueError(
                    f"{one_line(name)} is the projection of an LSTM with proj_size, which no cell "
                    f"here has; use proj_size=0 and a linear layer behind"
                )
            place = match["module"], int(match["level"] or 0), bool(match["reverse"])
            places[place][_NAMES[match["what"], match["part"]]] = name
    if not places:
        return None
    modules: dict[str, dict[int, Level]] = defaultdict(dict)
    for place in sorted(places, key=lambda place: place[1:]):
        module, number, _ = place
        levels = modules[module]
        levels[number] = (*levels.get(number, ()), _layer(arrays, place, places[place]))
    in_order = dict.fromkeys(module for module, _, _ in places)
    stacks = {module or "the module": tuple(modules[module].values()) for module in in_order}
    notes = (
        ("PyTorch's names do not say which nonlinearity an RNN has: tanh is assumed",)
        if any(layer.cell == "tanh" for stack in stacks.values() for (layer, *_) in stack)
        else ()
    )
    return Found("PyTorch", stacks, tuple(_readouts(arrays)), ordered=True, notes=notes)


def _layer(arrays: Mapping[str, Array], place: _Place, names: dict[str, str]) -> RawLayer:
    module, number, reverse = place
    title = f"{module or 'the module'}, level {number}" + ", in reverse" * reverse
    if not {"W_ih", "W_hh"} <= set(names):
        raise ValueError(
            f"{one_line(title)} must have weight_ih and weight_hh, got {sorted(names.values())}"
        )
    weights = {ours: arrays[name] for ours, name in names.items()}
    gates = gates_of(title, weights["W_hh"], names["W_hh"])
    return RawLayer(
        title,
        BY_GATES[gates][0],
        _ORDERS[gates],
        weights,
        tuple(names.values()),
        reverse,
        BY_GATES[gates],
    )


def _readouts(arrays: Mapping[str, Array]) -> list[RawReadout]:
    found = []
    for name, W in arrays.items():
        start, _, last = name.rpartition("weight")
        if last == "" and name.endswith("weight") and W.ndim == 2 and start[-1:] in {"", "."}:
            b = arrays.get(f"{start}bias")
            fits = b is not None and b.shape == W.shape[:1]
            used = (name, f"{start}bias") if fits else (name,)
            found.append(readout(start.rstrip(".") or name, W, b if fits else None, *used))
    return found
