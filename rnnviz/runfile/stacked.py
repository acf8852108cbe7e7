"""A history as a few arrays, whatever its number of moments, and the same history again."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rnnviz.arrays import Array, frozen
from rnnviz.history import Change, History
from rnnviz.moments import Moment
from rnnviz.network import Network

_START, _LENGTHS = "moments.", ".lengths"
MOMENTS = 4096
"""The most moments that a file may tell of."""


def stacked(history: History) -> tuple[dict[str, Any], dict[str, Array]]:
    """What stands in a file's head of a history, and its arrays.

    Each array of the moments is one array, with a first axis over them; where their lengths
    differ, they lie behind each other, with the lengths beside.

    Raises
    ------
    ValueError
        If the moments are of networks or optimisers with other arrays.
    """
    told = {
        "columns": list(history.columns),
        "moments": len(history.moments),
        "changes": [[change.step, change.sentence] for change in history.changes],
    }
    each = [moment.arrays() for moment in history.moments]
    names = set(each[0]) if each else set()
    if any(set(arrays) != names for arrays in each):
        raise ValueError("all moments of a history must be of one network and one optimiser")
    arrays = {"history.rows": history.rows}
    for name in sorted(names):
        arrays |= _pile(_START + name, [_real(moment[name]) for moment in each])
    return told, arrays


def unstacked(told: Mapping[str, Any], arrays: Mapping[str, Array], like: Network) -> History:
    """The history that ``stacked`` told of; its networks are built as ``like`` is.

    Raises
    ------
    ValueError
        If something is missing or does not fit.
    """
    columns, count, changes = (told.get(name) for name in ("columns", "moments", "changes"))
    if not isinstance(columns, list) or not all(isinstance(name, str) for name in columns):
        raise ValueError("its history must name its columns")
    if type(count) is not int or not 0 <= count <= MOMENTS:
        raise ValueError(f"its history must have 0 to {MOMENTS} moments")
    rows = arrays.get("history.rows")
    if rows is None or rows.shape[1:] != (len(columns),) or rows.dtype != float:
        raise ValueError(f"history.rows must be (N, {len(columns)}) of float64")
    piles = {name: array for name, array in arrays.items() if name.startswith(_START)}
    moments = _moments(piles, count, like)
    return History(tuple(columns), rows, moments, _changes(changes))


def _pile(name: str, parts: Sequence[Array]) -> dict[str, Array]:
    if len({part.shape for part in parts}) == 1:
        return {name: np.stack(parts)}
    return {name: np.concatenate(parts), name + _LENGTHS: np.array([len(part) for part in parts])}


def _real(array: Array) -> Array:
    """Complex numbers as pairs."""
    return np.stack([array.real, array.imag], axis=-1) if np.iscomplexobj(array) else array


def _moments(piles: Mapping[str, Array], count: int, like: Network) -> tuple[Moment, ...]:
    if not count:
        return ()
    parts = {
        name.removeprefix(_START): _parts(name, array, piles.get(name + _LENGTHS), count)
        for name, array in piles.items()
        if not name.endswith(_LENGTHS)
    }
    _check_parts(parts, like)
    moments = []
    for n in range(count):
        own = {name: part[n] for name, part in parts.items()}
        own["eigenvalues"] = own["eigenvalues"].view(complex)[..., 0]
        moments.append(Moment.from_arrays(own, like))
    return tuple(moments)


def _parts(name: str, array: Array, lengths: Array | None, count: int) -> list[Array]:
    if lengths is None:
        if array.shape[:1] != (count,):
            raise ValueError(f"{name} must have {count} rows, got {array.shape}")
        return [frozen(np.array(part)) for part in array]
    fits = lengths.shape == (count,) and lengths.dtype == int and (lengths >= 0).all()
    if not fits or array.ndim < 1 or lengths.sum() != len(array):
        raise ValueError(f"{name}{_LENGTHS} must be {count} lengths that add up to its own")
    return [frozen(np.array(part)) for part in np.split(array, np.cumsum(lengths)[:-1])]


def _check_parts(parts: Mapping[str, list[Array]], like: Network) -> None:
    """Refuse what ``Moment.from_arrays`` could not read."""
    memories = sorted(name for name in parts if name.startswith("memory."))
    known = {"numbers", "lag", "norms", "log10_norm", "eigenvalues"}
    known |= {f"weights.{name}" for name in like.params}
    known |= {f"memory.{n}" for n in range(len(memories))}
    if set(parts) != known:
        raise ValueError(f"its moments must hold {sorted(known)}, got {sorted(parts)}")
    for name, end in (("numbers", (9,)), ("eigenvalues", (2,))):
        if any(part.shape[-1:] != end or part.dtype != float for part in parts[name]):
            raise ValueError(f"moments.{name} must end with {end[0]} numbers of float64")
    if any(len(part) == 0 for part in parts["eigenvalues"]):
        raise ValueError("moments.eigenvalues must have at least one row")
    if any(np.isnan(part[0]) for part in parts["numbers"]):
        raise ValueError("moments.numbers must begin with a step")


def _changes(told: Any) -> tuple[Change, ...]:
    if not isinstance(told, list) or not all(_is_change(pair) for pair in told):
        raise ValueError("its history must have its changes as a list of step and sentence")
    return tuple(Change(step, sentence) for step, sentence in told)


def _is_change(pair: object) -> bool:
    return isinstance(pair, list) and [type(part) for part in pair] == [int, str]
