"""A whole pass with every stored number a float16, emulated for every cell by the cell's own code.

Between steps every number is rounded to the nearest float16: weights, inputs, each step's input
projection, everything it leaves on the tape, and on the way back everything it leaves of the
derivative. Within a step arithmetic is float32, as where products are added up in float32
(Micikevicius et al. 2018, Mixed precision training, ICLR, section 3.3). Subnormal float16s are
kept, and what is beyond 65504 is infinite: no device's flush to zero is emulated, and no float32
copy of the weights is kept.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from rnnviz.arrays import Array, Float, Params
from rnnviz.cells import Adjoint, Tape
from rnnviz.network import Layer
from rnnviz.products import one_blas_thread, through
from rnnviz.record import Record
from rnnviz.stopping import breathe


def half_bptt(record: Record, dy: Float[Array, "T B O"]) -> tuple[Float[Array, "N B S"], ...]:
    """Derivative by every state of every layer, of a loss whose derivative by y is ``dy``.

    The numbers are float16s in arrays of float32.
    """
    network = record.network
    layers = [replace(layer, params=_rounded_all(layer.params)) for layer in network.layers]
    W_hy = network.readout.params["W_hy"] if network.readout else None
    with np.errstate(all="ignore"), one_blas_thread():
        seen = _forward_all(record, layers)
        direct = rounded(dy)
        above = direct if W_hy is None else rounded(through(direct, rounded(W_hy)))
        return _backward_all(record, layers, seen, above)


def rounded(values: Float[Array, "..."]) -> Float[Array, "..."]:
    """The float16 nearest to each number, as a float32."""
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(values, np.float16).astype(np.float32)


def _rounded_all(params: Params) -> Params:
    return {name: rounded(W) for name, W in params.items()}


def _round(arrays: Iterable[Array]) -> None:
    for array in arrays:
        array[...] = array.astype(np.float16)


def _forward_all(record: Record, layers: Sequence[Layer]) -> list[tuple[Array, Tape]]:
    """What each layer read, and what it left on its tape."""
    network, seen, below = record.network, [], rounded(record.x)
    for level in network.levels:
        for n in level:
            read = np.ascontiguousarray(_in_order(layers[n], below))
            seen.append((read, _forward(layers[n], read, rounded(record.layers[n].s[0]))))
        given = np.concatenate([_in_order(layers[n], seen[n][1].h[1:]) for n in level], axis=2)
        below = rounded(given + below) if network.residual and level[0] else given
    return seen


def _forward(layer: Layer, x: Float[Array, "T B I"], s0: Float[Array, "B S"]) -> Tape:
    tape = layer.cell.tape(x.shape[0], x.shape[1], np.dtype(np.float32))
    for state, start in zip(
        tape.states.values(), np.split(s0, len(tape.states), axis=1), strict=True
    ):
        state[0] = start
    step = layer.cell.forward(layer.params, tape)
    own = _not_within(tape.a, [*tape.gates.values(), *tape.kept.values()])
    for t in range(len(x)):
        breathe()
        layer.cell.project(layer.params, x[t : t + 1], tape.a[t : t + 1])
        _round([tape.a[t]])
        step(t)
        _round([tape.a[t], *(row[t] for row in own)])
        _round(state[t + 1] for state in tape.states.values())
    return tape


def _not_within(a: Array, arrays: Iterable[Array]) -> list[Array]:
    """Those that are not views of ``a``, which is rounded itself."""
    return [array for array in arrays if not np.may_share_memory(a, array)]


def _backward_all(
    record: Record, layers: Sequence[Layer], seen: Sequence[tuple[Array, Tape]], above: Array
) -> tuple[Array, ...]:
    network, flows = record.network, {}
    for level in reversed(network.levels):
        ends = np.cumsum([layers[n].cell.hidden_size for n in level])[:-1]
        below = [above] if network.residual and level[0] else []
        for n, part in zip(level, np.split(above, ends, axis=2), strict=True):
            read, tape = seen[n]
            flows[n], pre = _backward(layers[n], tape, _in_order(layers[n], part))
            if level[0]:
                into = through(*layers[n].cell.to_input(layers[n].params, pre, read))
                below.append(rounded(_in_order(layers[n], into)))
        above = rounded(np.sum(below, axis=0)) if level[0] else above
    return tuple(flows[n] for n in range(len(flows)))


def _backward(layer: Layer, tape: Tape, direct: Array) -> tuple[Array, Array]:
    """The derivative by every state, and by every pre-activation."""
    parts = {name: np.zeros_like(state) for name, state in tape.states.items()}
    parts["h"][1:] = direct
    pre = np.empty_like(tape.a)
    step = layer.cell.backward(layer.params, tape, Adjoint(parts, pre))
    for t in reversed(range(len(pre))):
        breathe()
        step(t)
        _round([pre[t], *(part[t] for part in parts.values())])
    arrays = list(parts.values())
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays, axis=2), pre


def _in_order(layer: Layer, steps: Array) -> Array:
    """A layer's steps as its input has them, or the other way about."""
    return steps[::-1] if layer.reverse else steps
