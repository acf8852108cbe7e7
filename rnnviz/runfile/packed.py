"""A record as named arrays, each once, and the same record again from them: nothing is rerun."""

from collections.abc import Callable, Mapping

import numpy as np

from rnnviz.arrays import Array, Params, frozen
from rnnviz.cells import Tape
from rnnviz.network import Layer, Network
from rnnviz.record import LayerRecord, Record

Take = Callable[[str, tuple[int, ...]], Array]
"""The array of a name, which must have this shape."""

_WHOLE = ("x", "y", "dy", "dx", "loss_t")


def packed(record: Record) -> dict[str, Array]:
    """Every array by its name: ``x``, ``l0.h``, ``l0.dh``, ``param.l0.W_hh``, ``grad.l0.W_hh``.

    What shares memory with another array is left out, as ``unpacked`` finds it there.
    """
    named = {name: getattr(record, name) for name in _WHOLE}
    for n, layer in enumerate(record.layers):
        own = record.network.names[n]
        named |= {f"{own}.{name}": array for name, array in _of_layer(layer).items()}
        if not np.shares_memory(layer.x, _below(record.network, n, record.x, record.layers)):
            named[f"{own}.x"] = layer.x
    named |= {f"param.{name}": W for name, W in record.network.params.items()}
    return named | {f"grad.{name}": grad for name, grad in record.grads.items()}


def unpacked(network: Network, arrays: Mapping[str, Array]) -> Record:
    """The record that ``packed`` made the arrays of.

    Raises
    ------
    ValueError
        If an array is missing, or has another shape or precision than the network asks for.
    """
    take = _taker(arrays, network.dtype)
    T, B = _sizes(arrays, network)
    x, dx = (take(name, (T, B, network.input_size)) for name in ("x", "dx"))
    y, dy = (take(name, (T, B, network.output_size)) for name in ("y", "dy"))
    grads = {name: take(f"grad.{name}", W.shape) for name, W in network.params.items()}
    layers: list[LayerRecord] = []
    for n, own in enumerate(network.names):
        read = f"{own}.x"
        below = _below(network, n, x, layers)
        size = network.layers[n].cell.input_size
        read_x = take(read, (T, B, size)) if read in arrays else below
        prefix = f"{own}."
        gradients = {k.removeprefix(prefix): g for k, g in grads.items() if k.startswith(prefix)}
        layers.append(_layer(network.layers[n], own, read_x, gradients, take))
    loss_t = take("loss_t", (T,))
    return Record(network, x, y, dy, dx, loss_t, tuple(layers), grads)


def _below(
    network: Network, n: int, x: Array, layers: "list[LayerRecord] | tuple[LayerRecord, ...]"
) -> Array:
    """What a layer read, where that is an array of the record already."""
    level = next(number for number, level in enumerate(network.levels) if n in level)
    if level == 0:
        return x
    return layers[network.levels[level - 1][0]].h[1:]


def _of_layer(layer: LayerRecord) -> dict[str, Array]:
    tape = layer.tape
    named = {**tape.states, **{f"d{name}_part": part for name, part in layer.parts.items()}}
    named |= {f"d{name}": total for name, total in layer.inner.items()}
    named["pre"] = layer.pre
    for name, array in _beside_states(tape).items():
        named[name] = array
    return named


def _beside_states(tape: Tape) -> dict[str, Array]:
    """The arrays of a tape that own their numbers, without its states."""
    own = {} if np.shares_memory(tape.a, tape.h) else {"a": tape.a}
    rest = {f"gate.{name}": gate for name, gate in tape.gates.items()}
    rest |= {f"kept.{name}": kept for name, kept in tape.kept.items()}
    return own | {
        name: array for name, array in rest.items() if not np.shares_memory(array, tape.a)
    }


def _layer(layer: Layer, own: str, x: Array, grads: Params, take: Take) -> LayerRecord:
    T, B = x.shape[:2]
    H, names = layer.cell.hidden_size, layer.cell.state_names
    states = {name: take(f"{own}.{name}", (T + 1, B, H)) for name in names}
    tape = layer.cell.tape(T, B, x.dtype)
    for name, state in states.items():
        tape.states[name][:] = state
    for name, array in _beside_states(tape).items():
        array[:] = take(f"{own}.{name}", array.shape)
    for group in (tape.states, tape.gates, tape.kept, {"a": tape.a}):
        for array in group.values():
            frozen(array)
    parts = {name: take(f"{own}.d{name}_part", (T + 1, B, H)) for name in names}
    inner = {name: take(f"{own}.d{name}", (T + 1, B, H)) for name in names if name != "h"}
    pre = take(f"{own}.pre", tape.a.shape)
    return LayerRecord(x, pre, parts, grads, tape, inner)


def _sizes(arrays: Mapping[str, Array], network: Network) -> tuple[int, int]:
    x = arrays.get("x", np.empty(0))
    if x.ndim != 3 or 0 in x.shape or x.shape[2] != network.input_size:
        raise ValueError(f"x must be (T, B, {network.input_size}), got {x.shape}")
    return int(x.shape[0]), int(x.shape[1])


def _taker(arrays: Mapping[str, Array], dtype: "np.dtype[np.generic]") -> Take:
    def take(name: str, shape: tuple[int, ...]) -> Array:
        array = arrays.get(name)
        if array is None:
            raise ValueError(f"it must hold the array {name}")
        if array.shape != shape or array.dtype != dtype:
            raise ValueError(
                f"{name} must be {shape} of {dtype}, got {array.shape} of {array.dtype}"
            )
        return array

    return take
