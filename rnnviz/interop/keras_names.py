"""Keras's names and layouts: SimpleRNN, LSTM, GRU and Dense, of Keras 2 and 3.

Keras documentation, keras.layers.LSTM and GRU: a ``kernel`` is (I, G*H), a ``recurrent_kernel``
(H, G*H), the gates i f c o and z r h. A GRU with ``reset_after`` has two rows of biases and its
reset gate behind the product; without, it is the unit of Cho et al. (2014).
"""

import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import numpy as np

from rnnviz.arrays import Array, Params
from rnnviz.interop.hdf5 import SETTINGS, classes
from rnnviz.interop.keras_settings import Told, told_of
from rnnviz.interop.limits import one_line
from rnnviz.interop.raw import BY_GATES, Found, Level, RawLayer, RawReadout, gates_of, readout

_ORDERS: Mapping[int, tuple[str, ...]] = {1: (), 3: ("z", "r", "n"), 4: ("i", "f", "g", "o")}
_CELL = re.compile(r"cell|.*_cell(_\d+)?")
_VARS = {"0": "kernel", "1": "recurrent_kernel", "2": "bias"}
_DENSE = {"0": "kernel", "1": "bias"}
_Parts = dict[str, str]


def find(arrays: Mapping[str, Array]) -> Found | None:
    """The recurrent and dense layers of a Keras model; None if the names are not Keras's.

    Raises
    ------
    ValueError
        If a layer is not whole, or its settings make it another than any cell here.
    """
    cells, others = _grouped(arrays)
    if not cells:
        return None
    told = told_of(classes(arrays[SETTINGS].tobytes()) if SETTINGS in arrays else [])
    modules: dict[str, Level] = {}
    for path, parts in cells.items():
        module, reverse = _module(path)
        layer = _layer(arrays, parts, path, reverse, told.get(_last(module)))
        modules[module] = tuple(
            sorted((*modules.get(module, ()), layer), key=lambda layer: layer.reverse)
        )
    ranks = {module: told[_last(module)].place for module in modules if _last(module) in told}
    in_order = sorted(modules, key=lambda module: ranks.get(module, len(told)))
    return Found(
        "Keras",
        dict(zip(_short(in_order), ((modules[module],) for module in in_order), strict=True)),
        tuple(_readouts(arrays, others, told)),
        ordered=len(ranks) == len(modules),
        notes=_notes(modules, told, ranks),
    )


def _grouped(arrays: Mapping[str, Array]) -> tuple[dict[str, _Parts], dict[str, _Parts]]:
    """The names of each recurrent layer's arrays, and of every other's, by the layer's path."""
    groups: dict[str, _Parts] = defaultdict(dict)
    for name in arrays:
        folder, _, last = name.replace(".", "/").removesuffix(":0").rpartition("/")
        groups[folder][last] = name
    cells, others = {}, {}
    for folder, parts in groups.items():
        above, _, last = folder.rpartition("/")
        if "recurrent_kernel" in parts:
            cells[above if _CELL.fullmatch(last) else folder] = parts
        elif folder.endswith("cell/vars") and {"0", "1"} <= set(parts):
            cells[folder.removesuffix("/cell/vars")] = {
                _VARS[key]: name for key, name in parts.items() if key in _VARS
            }
        elif last == "vars":
            others[above] = {_DENSE[key]: name for key, name in parts.items() if key in _DENSE}
        elif "kernel" in parts:
            others[folder] = parts
    return cells, others


def _module(path: str) -> tuple[str, bool]:
    """The path of the layer, without that of one of its two directions; whether it is reverse."""
    above, _, last = path.rpartition("/")
    for word in ("forward_", "backward_"):
        if last.startswith(word) and above:
            return above, word == "backward_"
    return path, False


def _last(path: str) -> str:
    return path.rpartition("/")[2]


def _short(paths: list[str]) -> list[str]:
    """The last folders, where they tell the layers apart."""
    last = [_last(path) or "the layer" for path in paths]
    return last if len(set(last)) == len(last) else paths


def _layer(
    arrays: Mapping[str, Array], parts: _Parts, path: str, reverse: bool, told: Told | None
) -> RawLayer:
    name = _last(path) or "the layer"
    if not {"kernel", "recurrent_kernel"} <= set(parts):
        raise ValueError(
            f"{one_line(name)} must have a kernel and a recurrent_kernel, got {sorted(parts)}"
        )
    weights: Params = {
        "W_ih": arrays[parts["kernel"]].T,
        "W_hh": arrays[parts["recurrent_kernel"]].T,
    }
    gates = gates_of(name, weights["W_hh"], parts["recurrent_kernel"])
    bias = arrays.get(parts.get("bias", ""))
    if bias is not None:
        rows = np.atleast_2d(bias)
        weights |= dict(zip(("b_ih", "b_hh"), rows, strict=False))
    options = BY_GATES[gates]
    cell = told.cell if told and told.cell in options else options[0]
    if gates == 3 and bias is not None:
        cell = "gru" if bias.ndim == 2 else "gru_cho"
    used = tuple(parts[part] for part in ("kernel", "recurrent_kernel", "bias") if part in parts)
    return RawLayer(name, cell, _ORDERS[gates], weights, used, reverse, options)


def _readouts(
    arrays: Mapping[str, Array], others: dict[str, _Parts], told: Mapping[str, Told]
) -> list[RawReadout]:
    found = []
    for path, parts in others.items():
        kernel, bias = arrays.get(parts.get("kernel", "")), arrays.get(parts.get("bias", ""))
        if kernel is not None and kernel.ndim == 2:
            fits = bias is not None and bias.shape == kernel.shape[1:]
            used = [parts[part] for part in ("kernel", "bias")[: 1 + fits]]
            name = _last(path)
            note = told[name].note if name in told else ""
            found.append(readout(name, kernel.T, bias if fits else None, *used, note=note))
    return found


def _notes(
    modules: Mapping[str, Level], told: Mapping[str, Told], ranks: Mapping[str, Any]
) -> tuple[str, ...]:
    notes = [told[_last(module)].note for module in ranks if told[_last(module)].note]
    layers = [layer for level in modules.values() for layer in level]
    if len(ranks) < len(modules) and any(layer.cell == "tanh" for layer in layers):
        notes.append("the file does not say which activation a SimpleRNN has: tanh is assumed")
    if any("b_ih" not in layer.weights and layer.cell == "gru" for layer in layers) and not told:
        notes.append("a GRU without biases does not show whether reset_after: True is assumed")
    return tuple(notes)
