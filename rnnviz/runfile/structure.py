"""A network without its weights, as plain data, and back."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

from rnnviz.arrays import Array
from rnnviz.cells import CELLS, Cell
from rnnviz.network import Layer, Network, Readout

LAYERS = 64
"""The most layers that a file may tell of."""


def structure(network: Network) -> dict[str, Any]:
    """Each layer's cell with its sizes and constants, whether it reads in reverse, and the rest.

    Raises
    ------
    ValueError
        If a cell is not one of ``CELLS``, so that a file could not name it.
    """
    return {
        "layers": [
            {"cell": _name(layer.cell), "reverse": layer.reverse, **asdict(layer.cell)}
            for layer in network.layers
        ],
        "residual": network.residual,
        "params": list(network.params),
    }


def network_from(told: Mapping[str, Any], params: Mapping[str, Array]) -> Network:
    """The network of a structure and its parameters under their full names.

    Raises
    ------
    ValueError
        If the structure names what there is not, or the parameters do not fit it.
    """
    layers, residual, names = (told.get(key) for key in ("layers", "residual", "params"))
    if not isinstance(layers, list) or not 0 < len(layers) <= LAYERS:
        raise ValueError(f"its network must have 1 to {LAYERS} layers")
    if type(residual) is not bool:
        raise ValueError("its network must say whether it is residual")
    if not isinstance(names, list) or sorted(map(str, names)) != sorted(params):
        raise ValueError("its network must name the parameters it holds")
    in_order = {name: params[name] for name in names}
    read = [_cell(layer) for layer in layers]
    stack = [
        Layer(cell, _own(in_order, own), reverse)
        for own, (cell, reverse) in zip(_names([reverse for _, reverse in read]), read, strict=True)
    ]
    readout = Readout(own) if (own := _own(in_order, "readout")) else None
    found = Network(stack, readout, residual)
    if unused := set(params) - set(found.params):
        raise ValueError(f"its network has no parameter {sorted(unused)[0]}")
    return found


def _name(cell: Cell) -> str:
    for name, kind in CELLS.items():
        if type(cell) is kind:
            return name
    raise ValueError(f"a run file names a cell of {sorted(CELLS)}, got {type(cell).__name__}")


def _names(reverses: Sequence[bool]) -> list[str]:
    """What ``Network.names`` will be: a reverse layer counts with the one before it."""
    levels = [sum(not reverse for reverse in reverses[: n + 1]) for n in range(len(reverses))]
    return [
        f"l{level - 1}_reverse" if reverse else f"l{level - 1}"
        for level, reverse in zip(levels, reverses, strict=True)
    ]


def _own(params: Mapping[str, Array], part: str) -> dict[str, Array]:
    start = f"{part}."
    return {name.removeprefix(start): W for name, W in params.items() if name.startswith(start)}


def _cell(told: Any) -> tuple[Cell, bool]:
    if not isinstance(told, dict) or told.get("cell") not in [*CELLS]:
        raise ValueError(f"a layer's cell must be one of {sorted(CELLS)}")
    if type(told.get("reverse")) is not bool:
        raise ValueError("a layer must say whether it reads in reverse")
    kind = CELLS[told["cell"]]
    constants = {name: value for name, value in told.items() if name not in ("cell", "reverse")}
    if set(constants) != {field.name for field in fields(kind)}:
        raise ValueError(f"the cell {told['cell']} must have its sizes and constants, and no more")
    for field in fields(kind):
        _check_constant(field.name, constants[field.name], whole=field.name.endswith("_size"))
    return kind(**constants), told["reverse"]


def _check_constant(name: str, value: object, *, whole: bool) -> None:
    whole = whole and name != "step_size"
    allowed = (int,) if whole else (int, float)
    if type(value) not in allowed or not math.isfinite(value):  # type: ignore[arg-type]
        raise ValueError(f"{name} of a cell must be a {'whole' if whole else 'finite'} number")
