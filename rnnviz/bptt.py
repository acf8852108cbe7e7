"""Forward pass and backpropagation through time, with everything kept: the one loop over time."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from rnnviz.arrays import Array, Float, Params, frozen
from rnnviz.cells import Adjoint, Tape
from rnnviz.losses import Loss
from rnnviz.network import Layer, Network
from rnnviz.products import blocks, one_blas_thread, rows, through
from rnnviz.record import LayerRecord, Record

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
        tapes = _forward(network, x, starts)
        y = frozen(_read_out(network, tapes[-1].h[1:]))
        loss_t, dy = _start_from(loss, y)
        layers, dx, grads = _backward(network, x, tapes, dy)
    return Record(network, x, y, dy, frozen(dx), loss_t, layers, grads)


def predict(
    network: Network, x: Float[Array, "T B I"] | list[Any], s0: States | None = None
) -> Float[Array, "T B O"]:
    """The outputs alone, (T, B, O): the forward pass of ``bptt``, with the same errors."""
    x = np.asarray(x)
    _check_inputs(network, x)
    with np.errstate(all="ignore"), one_blas_thread():
        tapes = _forward(network, x, _starts(network, x.shape[1], s0))
        return _read_out(network, tapes[-1].h[1:])


def _largest_product(network: Network, x: Array) -> int:
    """Multiplications in the largest product, the one behind a weight gradient."""
    widest = max(16, x.shape[2], network.output_size, network.layers[0].cell.hidden_size)
    return len(x) * int(x.shape[1]) * int(widest) ** 2


def _forward(network: Network, x: Array, starts: Sequence[Array]) -> list[Tape]:
    tapes = []
    below = x
    for layer, s0 in zip(network.layers, starts, strict=True):
        tape = layer.cell.tape(x.shape[0], x.shape[1], network.dtype)
        tape.h[0] = s0
        step = layer.cell.forward(layer.params, tape)
        for block in blocks(x.shape[0], tape.a[0]):
            layer.cell.project(layer.params, below[block], tape.a[block])
            for t in range(block.start, block.stop):
                step(t)
        tapes.append(tape)
        below = tape.h[1:]
    return tapes


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
    network: Network, x: Array, tapes: Sequence[Tape], dy: Array
) -> tuple[tuple[LayerRecord, ...], Array, Params]:
    grads = _readout_grads(network, tapes[-1].h[1:], dy)
    above, W = dy, network.readout.params["W_hy"] if network.readout else None
    layers: list[LayerRecord] = []
    for number in reversed(range(len(tapes))):
        below = tapes[number - 1].h[1:] if number else x
        record = _layer_backward(network.layers[number], tapes[number], below, above, W)
        above, W = record.da, network.layers[number].params["W_ih"]
        grads |= {f"l{number}.{name}": grad for name, grad in record.grads.items()}
        layers.insert(0, record)
    dx = through(above, network.layers[0].params["W_ih"])
    return tuple(layers), dx, {name: grads[name] for name in network.params}


def _layer_backward(
    layer: Layer, tape: Tape, below: Array, above: Array, W: Array | None
) -> LayerRecord:
    """One layer's backward pass; ``above @ W`` is the direct derivative by its hidden states."""
    dh, da = np.empty_like(tape.h), np.empty_like(tape.a)
    step = layer.cell.backward(layer.params, tape, Adjoint(dh, da))
    grads: Params = {}
    dh[0] = 0
    _feed(above[-1:], W, dh[-1:])
    for block in reversed(blocks(len(da), da[0])):
        first = max(block.start, 1)
        _feed(above[first - 1 : block.stop - 1], W, dh[first : block.stop])
        for t in reversed(range(block.start, block.stop)):
            step(t)
        for name, part in layer.cell.grads(tape, da[block], below[block], block).items():
            grads[name] = grads[name] + part if name in grads else part
    grads = {name: grads[name] for name in layer.params}
    for array in (da, dh, tape.a, tape.h, *tape.gates.values(), *grads.values()):
        frozen(array)
    return LayerRecord(da, tape.h, dh, grads, tape)


def _feed(above: Array, W: Array | None, dh: Array) -> None:
    if W is None:
        dh[:] = above
    else:
        np.matmul(rows(above), W, out=rows(dh))


def _readout_grads(network: Network, h: Array, dy: Array) -> Params:
    if network.readout is None:
        return {}
    W_hy = rows(dy).T @ rows(h)
    return {"readout.W_hy": frozen(W_hy), "readout.b_y": frozen(rows(dy).sum(axis=0))}


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
    given = [np.asarray(start) for start in s0]
    if all(start.ndim == 1 for start in given):
        given = [np.asarray(s0)]
    if [start.shape for start in given] != shapes:
        came = [start.shape for start in given]
        raise ValueError(f"s0 must be one (B, S) array a layer, {shapes}, got {came}")
    return given
