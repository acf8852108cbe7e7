"""Our own names: ``l0.W_hh``, ``l0_reverse.W_ih``, ``readout.W_hy``; or one layer's, unprefixed.

``W_xh`` is taken for ``W_ih``, and ``b`` or ``b_h`` for ``b_ih``.
"""

import re
from collections import defaultdict
from collections.abc import Mapping

from rnnviz.arrays import Array, Params
from rnnviz.cells import CELLS
from rnnviz.interop.limits import one_line
from rnnviz.interop.raw import BIASES, Found, Level, RawLayer, RawReadout, readout

_LAYER = re.compile(r"(?:l(?P<level>\d{1,4})(?P<reverse>_reverse)?\.)?(?P<name>[A-Za-z]\w*)")
_OTHER = {"W_xh": "W_ih", "W_hx": "W_ih", "b": "b_ih", "b_h": "b_ih"}


def find(arrays: Mapping[str, Array]) -> Found | None:
    """The layers of a network of ours; None if the names are others.

    Raises
    ------
    ValueError
        If no cell has parameters of these names and shapes.
    """
    places: dict[tuple[int, bool], dict[str, str]] = defaultdict(dict)
    for name in arrays:
        match = _LAYER.fullmatch(name)
        if match and match["name"] not in {"W_hy", "b_y"}:
            ours = _OTHER.get(match["name"], match["name"])
            places[int(match["level"] or 0), bool(match["reverse"])][ours] = name
    places = {place: names for place, names in places.items() if "W_ih" in names}
    if not places:
        return None
    levels: dict[int, Level] = {}
    for number, reverse in sorted(places):
        layer = _layer(arrays, f"l{number}" + "_reverse" * reverse, places[number, reverse])
        levels[number] = (*levels.get(number, ()), layer)
    return Found("rnnviz", {"network": tuple(levels.values())}, tuple(_readouts(arrays)))


def _layer(arrays: Mapping[str, Array], title: str, names: Mapping[str, str]) -> RawLayer:
    weights = {ours: arrays[name] for ours, name in names.items()}
    reverse, used = title.endswith("_reverse"), tuple(names.values())
    if weights["W_ih"].ndim != 2:
        raise ValueError(f"{title} must have a matrix W_ih, got {weights['W_ih'].shape}")
    if "W_hh" in weights:
        RawLayer(title, "", (), weights, used)  # which refuses shapes that are no layer's
    sizes = {size for W in weights.values() for size in W.shape if size}
    for hidden in sorted(sizes | {2 * size for size in sizes}):
        if cells := _fitting(weights, hidden):
            order = CELLS[cells[0]].gate_names
            return RawLayer(title, cells[0], order, weights, used, reverse, cells, hidden)
    shapes = ", ".join(f"{one_line(name)} {W.shape}" for name, W in weights.items())
    raise ValueError(f"{title} must have the parameters of a cell, got {shapes}")


def _fitting(weights: Params, hidden: int) -> tuple[str, ...]:
    """The cells of H units that have such parameters, biases left out or not."""
    found = []
    for name, kind in CELLS.items():
        if hidden % 2 and kind.in_pairs:
            continue
        shapes = kind(weights["W_ih"].shape[1], hidden).shapes
        needed = {key for key in shapes if key not in BIASES}
        if needed <= set(weights) <= set(shapes) and all(
            W.shape == shapes[key] for key, W in weights.items()
        ):
            found.append(name)
    return tuple(found)


def _readouts(arrays: Mapping[str, Array]) -> list[RawReadout]:
    for start in ("readout.", ""):
        W_hy, b_y = arrays.get(f"{start}W_hy"), arrays.get(f"{start}b_y")
        if W_hy is not None and W_hy.ndim == 2:
            names = [f"{start}{name}" for name in ("W_hy", "b_y")[: 1 + (b_y is not None)]]
            return [readout("readout", W_hy, b_y, *names)]
    return []
