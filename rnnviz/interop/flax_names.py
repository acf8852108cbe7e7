"""Flax's names: SimpleCell, LSTMCell and GRUCell of linen and nnx, a kernel for each gate.

Flax documentation, flax.linen.LSTMCell and GRUCell: a kernel is (I, H) or (H, H); the
gates i, f, g, o and r, z, n are ours; the biases of an LSTM stand at the kernels of h, those of a
GRU at the kernels of x, and one more at h's of n, within the reset gate.
"""

from collections import defaultdict
from collections.abc import Mapping

import numpy as np

from rnnviz.arrays import Array, Params
from rnnviz.interop.limits import one_line
from rnnviz.interop.raw import BY_GATES, Found, Level, RawLayer, RawReadout, gates_of, readout

_ORDERS: Mapping[int, tuple[str, ...]] = {1: (), 3: ("r", "z", "n"), 4: ("i", "f", "g", "o")}
_PAIRS = ("i", "h"), ("dense_i", "dense_h")
_CELLS = {
    frozenset(f"{side}{gate}" for side in "ih" for gate in gates): gates
    for gates in ("ifgo", "rzn", "fn")
}
_Parts = dict[str, dict[str, str]]


def find(arrays: Mapping[str, Array]) -> Found | None:
    """The recurrent cells and dense layers of a Flax model; None if the names are not Flax's.

    Raises
    ------
    ValueError
        If a cell is not whole, or is Flax's MGUCell.
    """
    folders = _folders(arrays)
    modules: dict[str, Level] = {}
    for path, parts in folders.items():
        if layer := _layer(arrays, path, parts):
            module = _module(path)[0] or "the layer"
            modules[module] = tuple(
                sorted((*modules.get(module, ()), layer), key=lambda layer: layer.reverse)
            )
    if not modules:
        return None
    used = {name for level in modules.values() for layer in level for name in layer.used}
    return Found(
        "Flax",
        {module: (level,) for module, level in modules.items()},
        tuple(_readouts(arrays, folders, used)),
        ordered=False,
    )


def _folders(arrays: Mapping[str, Array]) -> dict[str, _Parts]:
    """Names of arrays by the path of the cell, by the part of the cell, by kernel or bias."""
    folders: dict[str, _Parts] = defaultdict(lambda: defaultdict(dict))
    for name in arrays:
        path = name.replace("/", ".").removeprefix("params.").removesuffix(".value").split(".")
        if len(path) >= 2 and path[-1] in {"kernel", "bias"}:
            folders[".".join(path[:-2])][path[-2].rstrip("_")][path[-1]] = name
    return folders


def _module(path: str) -> tuple[str, bool]:
    parts = path.split(".")
    for place, part in enumerate(parts):
        if part in {"forward_rnn", "backward_rnn"}:
            return ".".join(parts[:place]), part == "backward_rnn"
    return path, False


def _layer(arrays: Mapping[str, Array], path: str, parts: _Parts) -> RawLayer | None:
    """The cell whose parts lie in a folder; None if they are no cell's."""
    for names, gates in _CELLS.items():
        if names <= set(parts):
            if gates == "fn":
                raise ValueError(
                    f"{one_line(path) or 'the cell'} must be a SimpleCell, LSTMCell or GRUCell, "
                    f"got an MGUCell, whose gate acts behind the product as in no cell here"
                )
            pairs = [(f"i{gate}", f"h{gate}") for gate in gates]
            return _joined(arrays, path, parts, pairs)
    found = [pair for pair in _PAIRS if set(pair) <= set(parts)]
    return _joined(arrays, path, parts, found[:1]) if found else None


def _joined(
    arrays: Mapping[str, Array], path: str, parts: _Parts, pairs: list[tuple[str, str]]
) -> RawLayer:
    sides = [[_part(arrays, path, parts, pair[side]) for pair in pairs] for side in (0, 1)]
    W_ih, W_hh = (_stacked(path, [kernel for kernel, _ in side]) for side in sides)
    weights: Params = {"W_ih": W_ih, "W_hh": W_hh}
    for name, side in zip(("b_ih", "b_hh"), sides, strict=True):
        if any(bias is not None for _, bias in side):
            weights[name] = np.concatenate(
                [np.zeros(kernel.shape[1]) if bias is None else bias for kernel, bias in side]
            )
    gates = gates_of(path, W_hh, "the kernels of h")
    used = tuple(name for pair in pairs for part in pair for name in parts[part].values())
    title = path or "the cell"
    reverse = _module(path)[1]
    return RawLayer(
        title, BY_GATES[gates][0], _ORDERS[gates], weights, used, reverse, BY_GATES[gates]
    )


def _part(
    arrays: Mapping[str, Array], path: str, parts: _Parts, part: str
) -> tuple[Array, Array | None]:
    names = parts[part]
    if "kernel" not in names or arrays[names["kernel"]].ndim != 2:
        raise ValueError(f"{one_line(path)} {part} must have a kernel with two axes")
    bias = arrays[names["bias"]] if "bias" in names else None
    if bias is not None and bias.ndim != 1:
        raise ValueError(f"{one_line(path)} {part} must have a bias with one axis")
    return arrays[names["kernel"]], bias


def _stacked(path: str, kernels: list[Array]) -> Array:
    if len({kernel.shape for kernel in kernels}) > 1:
        raise ValueError(
            f"{one_line(path) or 'the cell'} must have kernels of one shape for all gates, "
            f"got {[kernel.shape for kernel in kernels]}"
        )
    return np.concatenate([kernel.T for kernel in kernels])


def _readouts(
    arrays: Mapping[str, Array], folders: Mapping[str, _Parts], used: set[str]
) -> list[RawReadout]:
    found = []
    for path, parts in folders.items():
        for part, names in parts.items():
            kernel, bias = arrays.get(names.get("kernel", "")), arrays.get(names.get("bias", ""))
            if kernel is None or kernel.ndim != 2 or names["kernel"] in used:
                continue
            fits = bias is not None and bias.shape == kernel.shape[1:]
            own = [names[key] for key in ("kernel", "bias")[: 1 + fits]]
            name = f"{path}.{part}" if path else part
            found.append(readout(name, kernel.T, bias if fits else None, *own))
    return found
