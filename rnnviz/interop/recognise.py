"""What network a file of weights holds: from names and shapes, and open to correction."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np

from rnnviz.arrays import Array
from rnnviz.interop import flax_names, keras_names, own_names, torch_names
from rnnviz.interop.asked import Asked
from rnnviz.interop.hdf5 import SETTINGS
from rnnviz.interop.limits import WIDTH, one_line, shown
from rnnviz.interop.raw import Found, Level, RawReadout
from rnnviz.interop.read import read_arrays
from rnnviz.interop.recognised import BOTH_WAYS, NO_READOUT, ONE_WAY, Recognised
from rnnviz.interop.stacks import BEHIND, chains, in_pairs, orders, stacked
from rnnviz.network import Network

FINDERS: Final = (torch_names.find, own_names.find, keras_names.find, flax_names.find)
"""What is asked in turn whether names and shapes are those of its framework."""
HUGE: Final = 1e6
"""Weights from here on are remarked on: no training leaves them so."""


def load(
    path_or_bytes: str | Path | bytes,
    name: str | None = None,
    **corrections: object,
) -> Network:
    """The network in a file of weights, or in the bytes of one; ``recognise`` says how.

    Parameters
    ----------
    path_or_bytes : a path, or what is in the file
    name : what the file is called, where its bytes are given
    corrections : as for ``recognise``

    Raises
    ------
    ValueError
        One sentence that names the file and the cause.
    """
    if isinstance(path_or_bytes, bytes):
        data, name = path_or_bytes, name or "the file"
    else:
        path = Path(path_or_bytes)
        data, name = path.read_bytes(), name or path.name
    arrays = read_arrays(data, name)
    try:
        return recognise(arrays, **corrections).network()
    except ValueError as refused:
        raise ValueError(f"{shown(name)}: {refused}") from None


def recognise(arrays: Mapping[str, Array], **corrections: object) -> Recognised:
    """The network that named arrays are the weights of.

    Parameters
    ----------
    arrays : from ``read_arrays``, or any other by their names in PyTorch, Keras, Flax or here
    corrections : of those in ``choices``: ``framework``, ``modules`` (which recurrent modules, in
        which order), ``directions``, ``layers`` (how many, from the input on), ``cell``, ``gates``
        (their order in the file), ``readout``; ``reset_after`` is another word for a GRU's ``cell``

    Raises
    ------
    ValueError
        If there is no recurrent layer in the names, the shapes do not fit together, a weight is
        not finite, or a correction is not among the choices.

    Examples
    --------
    >>> import numpy as np
    >>> weights = {"rnn.weight_ih_l0": np.ones((5, 2)), "rnn.weight_hh_l0": np.eye(5)}
    >>> found = recognise(weights, cell="relu")
    >>> found.framework, found.cell, found.input_size, found.hidden_size
    ('PyTorch', 'relu', 2, 5)
    >>> found.choices["cell"]
    ('tanh', 'relu', 'sigmoid', 'linear')
    """
    asked = Asked(corrections)
    found = _found(arrays, asked)
    levels = _levels(found, asked)
    levels = _cells(levels, asked)
    linear = _readout(found, levels, asked)
    asked.check()
    used = _used(levels, linear)
    _check_finite({name: arrays[name] for name in used})
    unused = tuple(name for name in arrays if name not in used and name != SETTINGS)
    notes = (*found.notes, *asked.notes, *_notes(arrays, levels, linear))
    return Recognised(
        found.framework,
        levels,
        linear,
        unused,
        notes,
        MappingProxyType(asked.choices),
        MappingProxyType(asked.chosen),
    )


def _found(arrays: Mapping[str, Array], asked: Asked) -> Found:
    """What one of the frameworks says, the first whose names they are."""
    found = {said.framework: said for find in FINDERS if (said := find(arrays))}
    if not found:
        names = ", ".join(one_line(name) for name in list(arrays)[:5])
        raise ValueError(
            f"the arrays must have the names of a recurrent layer in PyTorch (weight_ih_l0), Keras "
            f"(recurrent_kernel), Flax (hf.kernel) or here (W_hh), got {names}"
        )
    return found[asked.choose("framework", list(found), next(iter(found)))]


def _levels(found: Found, asked: Asked) -> tuple[Level, ...]:
    ways = orders(found.modules, ordered=found.ordered)
    way = asked.choose("modules", ways, ways[0])
    several = len(found.modules) > 1
    if several and len([way for way in ways if BEHIND in way]) > 1:
        asked.notes.append("the file does not say which module reads which: the order is a guess")
    if several and BEHIND not in way:
        asked.notes.append(
            f"of {len(found.modules)} recurrent modules only {one_line(way)} is read"
        )
    levels = stacked(found.modules, [*found.modules] if way == "" else way.split(BEHIND))
    levels = _directions(levels, asked, apart=all(len(own) == 1 for own in found.modules.values()))
    if not chains(levels):
        sizes = " > ".join(f"{lv[0].input_size} to {lv[0].hidden_size}" for lv in levels)
        raise ValueError(f"each layer must read what the one below gives, got sizes {sizes}")
    counts = [f"{count}" for count in range(1, len(levels) + 1)]
    return levels[: int(asked.choose("layers", counts, counts[-1]))]


def _directions(levels: tuple[Level, ...], asked: Asked, *, apart: bool) -> tuple[Level, ...]:
    """Levels of modules of their own may be the two directions of one."""
    if any(len(level) > 1 for level in levels):
        asked.choose("directions", [BOTH_WAYS], BOTH_WAYS)
        return levels
    pairs = in_pairs(levels) if apart else None
    options = [ONE_WAY] * (chains(levels) or not pairs) + [BOTH_WAYS] * bool(pairs)
    if pairs:
        asked.notes.append("the file does not say whether layers stand on or beside each other")
    way = asked.choose("directions", options, options[0])
    return pairs if pairs and way == BOTH_WAYS else levels


def _cells(levels: tuple[Level, ...], asked: Asked) -> tuple[Level, ...]:
    """The layers with the cell and the order of gates that are asked for.

    Where layers are of several kinds their names have told what they are, but for the
    nonlinearity of those of one block.
    """
    layers = [layer for level in levels for layer in level]
    kinds = {layer.cells: layer for layer in layers}
    plain = [layer for layer in layers if not layer.order]
    if len(kinds) > 1 and not plain:
        return levels
    meant = plain if len(kinds) > 1 else layers
    likely = {layer.cell for layer in meant}
    cell = asked.choose("cell", meant[0].cells, meant[0].cell) if len(likely) == 1 else ""
    order = _order(meant[0].order, asked)
    return tuple(
        tuple(
            replace(layer, cell=cell or layer.cell, order=order)
            if any(layer is one for one in meant)
            else layer
            for layer in level
        )
        for level in levels
    )


def _order(order: tuple[str, ...], asked: Asked) -> tuple[str, ...]:
    if not order:
        return order
    ways = dict.fromkeys(" ".join(way) for way in (order, *permutations(order)))
    return tuple(asked.choose("gates", list(ways), " ".join(order)).split(" "))


def _readout(found: Found, levels: tuple[Level, ...], asked: Asked) -> RawReadout | None:
    top = sum(layer.hidden_size for layer in levels[-1])
    fitting = {
        linear.name: linear
        for linear in found.readouts
        if linear.W_hy.shape[1] == top and 0 < len(linear.W_hy) <= WIDTH
    }
    likely = [name for name, linear in fitting.items() if linear.likely]
    name = asked.choose("readout", [*fitting, NO_READOUT], likely[0] if likely else NO_READOUT)
    if len(likely) > 1:
        asked.notes.append(f"{len(likely)} linear layers could be the readout: {one_line(name)} is")
    return fitting.get(name)


def _used(levels: Sequence[Level], linear: RawReadout | None) -> set[str]:
    names = {name for level in levels for layer in level for name in layer.used}
    return names | set(linear.used if linear else ())


def _check_finite(arrays: Mapping[str, Array]) -> None:
    for name, W in arrays.items():
        bad = ~np.isfinite(W)
        if bad.any():
            first = [int(place) for place in np.argwhere(bad)[0]]
            raise ValueError(
                f"{one_line(name)} must be finite, got {bad.sum():,} that are not, the first at "
                f"{first}"
            )


def _notes(
    arrays: Mapping[str, Array], levels: Sequence[Level], linear: RawReadout | None
) -> list[str]:
    notes = [linear.note] if linear and linear.note else []
    for layer in (layer for level in levels for layer in level):
        zero = [key for key, W in layer.weights.items() if W.ndim == 2 and not W.any()]
        notes += [f"{key} of {layer.title} is all zero" for key in zero]
    for name in arrays:
        if name in _used(levels, linear):
            notes += _remarks(one_line(name), arrays[name])
    return notes


def _remarks(name: str, W: Array) -> Iterator[str]:
    """What is remarkable about an array's sizes and type."""
    size = np.abs(W.astype(np.float64)).max(initial=0)
    if size > HUGE:
        yield f"{name} has weights as large as {size:.3g}"
    if 0 < size < np.finfo(np.float64).tiny:
        yield f"{name} has no weight larger than {size:.3g}"
    if W.dtype.kind != "f" or W.dtype.itemsize < 4:
        yield f"{name} is {W.dtype} in the file, and converted"
