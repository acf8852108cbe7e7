"""Forward pass and backpropagation through time of a whole network, with everything kept."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from rnnviz.arrays import Array, Float, Int, Params, frozen
from rnnviz.losses import Loss
from rnnviz.network import Layer, Network
from rnnviz.products import column_sums, one_blas_thread, rows
from rnnviz.record import LayerRecord, Record
from rnnviz.unroll import Factors, Seen, backward, forward, product

States = Float[Array, "B S"] | Sequence[Float[Array, "B S"]] | list[Any]


def bptt(
    network: Network, x: Float[Array, "T B I"] | list[Any], loss: Loss, s0: States | None = None
) -> Record:
    """Every state, and the total derivative of the loss by everything, exact to rounding.

    Backpropagation through time: Werbos (1990), Backpropagation through time: what it does
    and how to do it, Proceedings of the IEEE 78(10).

    Parameters
    ----------
    network : Network
    x : (T, B, I)
    loss : anything with ``value_and_grad(y) -> (loss_t, dy)``
    s0 : the initial state (B, S), or a sequence of them, one a layer; zeros if left out

    Returns
    -------
    Record
        Read-only, and nothing the caller owns is in it; an overflow is kept as the infinity or
        NaN it gave.

    Raises
    ------
    ValueError
        If ``x``, ``s0``, the loss's target and the network do not fit together, or the loss
        gives arrays of other shapes.

    Examples
    --------
    A linear unit with weight 1/2 forgets half at each step back:

    >>> import rnnviz as rv
    >>> W = {"W_ih": np.ones((1, 1)), "W_hh": np.full((1, 1), 0.5),
    ...      "b_ih": np.zeros(1), "b_hh": np.zeros(1)}
    >>> network = rv.Network([rv.Layer(rv.CELLS["linear"](1, 1), W)])
    >>> last = np.array([[False], [False], [True]])
    >>> record = rv.bptt(network, np.ones((3, 1, 1)), rv.losses.MSE(np.zeros((3, 1, 1)), last))
    >>> record.h.ravel().tolist(), record.dh.ravel().tolist()
    ([0.0, 1.0, 1.5, 1.75], [0.4375, 0.875, 1.75, 3.5])
    """
    x = frozen(np.array(x, order="C"))
    _check_inputs(network, x)
    starts = _starts(network, x.shape[1], s0)
    with np.errstate(all="ignore"), one_blas_thread(_largest_product(network, x)):
        seen, top = _forward(network, x, starts)
        y = frozen(_read_out(network, top))
        loss_t, dy = _start_from(loss, y)
        layers, dx, grads = _backward(network, seen, top, dy)
    return Record(network, x, y, dy, frozen(dx), loss_t, layers, grads)


def predict(
    network: Network, x: Float[Array, "T B I"] | list[Any], s0: States | None = None
) -> Float[Array, "T B O"]:
    """The outputs alone, (T, B, O): the forward pass of ``bptt``, with the same errors."""
    x = np.asarray(x)
    _check_inputs(network, x)
    with np.errstate(all="ignore"), one_blas_thread():
        _, top = _forward(network, x, _starts(network, x.shape[1], s0))
        return _read_out(network, top)


def trajectory(
    network: Network, x: Float[Array, "T B I"], s0: States | None, at: Int[Array, " K"]
) -> tuple[Float[Array, "T B O"], list[Float[Array, "K B S"]]]:
    """The outputs, and every layer's states at some indices from 0 to T, with nothing else kept."""
    _check_inputs(network, x)
    with np.errstate(all="ignore"), one_blas_thread():
        seen, top = _forward(network, x, _starts(network, x.shape[1], s0))
        passed = [
            np.concatenate([part[at] for part in tape.states.values()], axis=2) for _, tape in seen
        ]
        return _read_out(network, top), passed


def pulled(record: Record, direct: Sequence[Float[Array, "T B H"]]) -> Params:
    """Gradient by every parameter of what the states of a pass alone decide.

    Parameters
    ----------
    record : Record
    direct : for each layer its direct derivative by ``h[1:]``, all other states held still, in the
        order that the layer takes its steps in
    """
    network, dy = record.network, np.zeros_like(record.dy)
    seen = [(layer.x, layer.tape) for layer in record.layers]
    top = np.zeros((*dy.shape[:2], network.top_size), dy.dtype)
    with np.errstate(all="ignore"), one_blas_thread(_largest_product(network, record.x)):
        return _backward(network, seen, top, dy, direct)[2]


def _largest_product(network: Network, x: Array) -> int:
    """Multiplications in the largest product, the one behind a weight gradient."""
    cell = network.layers[0].cell
    widest = max(16, x.shape[2], network.output_size, cell.hidden_size)
    return len(x) * int(x.shape[1]) * int(widest) ** 2 * cell.gate_count


def _forward(network: Network, x: Array, starts: Sequence[Array]) -> tuple[list[Seen], Array]:
    """What each layer read and kept, and what the top level gives."""
    seen: list[Seen] = []
    below = x
    for level in network.levels:
        for n in level:
            layer = network.layers[n]
            read = frozen(np.ascontiguousarray(below[::-1])) if layer.reverse else below
            seen.append((read, forward(layer, read, starts[n])))
        outputs = [_in_order(network.layers[n], seen[n][1].h[1:]) for n in level]
        given = outputs[0] if len(outputs) == 1 else np.concatenate(outputs, axis=2)
        below = frozen(given + below) if network.residual and level[0] else given
    return seen, below


def _in_order(layer: Layer, steps: Array) -> Array:
    """A layer's steps as its input has them, or the other way about."""
    return steps[::-1] if layer.reverse else steps


def _read_out(network: Network, h: Array) -> Array:
    if network.readout is None:
        return _view(h)
    params = network.readout.params
    y = rows(h) @ params["W_hy"].T
    y += params["b_y"]
    return y.reshape(*h.shape[:2], -1)


def _start_from(loss: Loss, y: Array) -> tuple[Array, Array]:
    """What the loss gives, checked and in copies: a loss may keep its arrays and reuse them."""
    loss_t, dy = (np.asarray(part) for part in loss.value_and_grad(y))
    if loss_t.shape != y.shape[:1]:
        raise ValueError(f"the loss's loss_t must be (T,) = {y.shape[:1]}, got {loss_t.shape}")
    if dy.shape != y.shape:
        raise ValueError(f"the loss's dy must be (T, B, O) = {y.shape}, got {dy.shape}")
    return frozen(np.array(loss_t, y.dtype)), frozen(np.array(dy, y.dtype, order="C"))


def _backward(
    network: Network,
    seen: Sequence[Seen],
    top: Array,
    dy: Array,
    direct: Sequence[Array] | None = None,
) -> tuple[tuple[LayerRecord, ...], Array, Params]:
    grads = _readout_grads(network, top, dy)
    above: Factors = dy, network.readout.params["W_hy"] if network.readout else None
    layers: list[LayerRecord] = []
    for level in reversed(network.levels):
        past = None
        if network.residual and level[0] > 0:
            past = product(above)
            above = past, None
        shares = [above] if len(level) == 1 else _shares(network, level, product(above))
        if direct is not None:
            shares = [(product(s) + direct[n], None) for n, s in zip(level, shares, strict=True)]
        found = [
            backward(network.layers[n], *seen[n], share)
            for n, share in zip(level, shares, strict=True)
        ]
        layers[:0] = found
        for n, record in zip(level, found, strict=True):
            grads |= {f"{network.names[n]}.{name}": grad for name, grad in record.grads.items()}
        above = _into(network, level, found)
        if past is not None:
            above = product(above) + past, None
    return tuple(layers), product(above), {name: grads[name] for name in network.params}


def _shares(network: Network, level: Sequence[int], above: Array) -> list[Factors]:
    """The derivative by a level's outputs, cut into its layers', each as it takes its steps."""
    layers = [network.layers[n] for n in level]
    ends = np.cumsum([layer.cell.hidden_size for layer in layers])[:-1]
    return [
        (np.ascontiguousarray(_in_order(layer, part)), None)
        for layer, part in zip(layers, np.split(above, ends, axis=2), strict=True)
    ]


def _into(network: Network, level: Sequence[int], found: Sequence[LayerRecord]) -> Factors:
    """The derivative by what a level read."""
    layers = [network.layers[n] for n in level]
    ways = [
        layer.cell.to_input(layer.params, record.pre, record.x)
        for layer, record in zip(layers, found, strict=True)
    ]
    if len(ways) == 1:
        return ways[0]
    one, other = (_in_order(layer, product(way)) for layer, way in zip(layers, ways, strict=True))
    return one + other, None


def _readout_grads(network: Network, h: Array, dy: Array) -> Params:
    if network.readout is None:
        return {}
    W_hy = rows(dy).T @ rows(h)
    return {"readout.W_hy": frozen(W_hy), "readout.b_y": frozen(column_sums(rows(dy)))}


def _view(array: Array) -> Array:
    """A read-only view: the caller's own array stays as writable as it was."""
    return frozen(array[:])


def _check_inputs(network: Network, x: Array) -> None:
    if x.ndim != 3 or 0 in x.shape or x.shape[2] != network.input_size:
        raise ValueError(f"x must be (T, B, {network.input_size}), got {x.shape}")
    if x.dtype != network.dtype:
        raise ValueError(f"x must be {network.dtype} as the weights are, got {x.dtype}")


def _starts(network: Network, batch_size: int, s0: States | None) -> list[Array]:
    shapes = [(batch_size, layer.cell.state_size) for layer in network.layers]
    if s0 is None:
        return [np.zeros(shape, network.dtype) for shape in shapes]
    given = [np.asarray(start, network.dtype) for start in s0]
    if all(start.ndim == 1 for start in given):
        given = [np.asarray(s0, network.dtype)]
    if [start.shape for start in given] != shapes:
        came = [start.shape for start in given]
        raise ValueError(f"s0 must be one (B, S) array a layer, {shapes}, got {came}")
    return given
