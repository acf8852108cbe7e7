"""Gradient flossing: a penalty on every direction that a layer's steps stretch or shrink."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rnnviz.arrays import Array, Float, Params
from rnnviz.bptt import pulled
from rnnviz.cells import Cell
from rnnviz.cells.vanilla import Linear, ReLU, Sigmoid, Tanh, Vanilla
from rnnviz.network import Layer, Network
from rnnviz.products import one_blas_thread, rows
from rnnviz.record import LayerRecord, Record

_BENDS: dict[type[Cell], Callable[[Array], Array]] = {
    Tanh: lambda h: -2 * h,
    Sigmoid: lambda h: 1 - 2 * h,
    ReLU: np.zeros_like,
    Linear: np.zeros_like,
}
"""The derivative by h of each slope, as a function of h: f''(a) = bend(h) f'(a)."""

_LEFT = 8
"""Units of rounding below which nothing is left of a direction but those before it."""


@dataclass(frozen=True)
class _Frames:
    """A layer's orthonormal frames: F_{t+1}^T R_t = diag(f'(a_t)) W_hh F_t^T, with R_t upper."""

    F: Float[Array, "N B K H"]
    """Each direction a row."""
    R: Float[Array, "T B K K"]
    slope: Float[Array, "T B H"]

    @property
    def exponents(self) -> Float[Array, "B K"]:
        """The mean over the steps of log|R_ii|, in nats: -inf where rounding alone is left."""
        size = np.abs(np.diagonal(self.R, axis1=2, axis2=3))
        whole = np.sqrt(np.einsum("tbij,tbij->tbj", self.R, self.R))
        log = np.log(np.where(size < _LEFT * np.finfo(size.dtype).eps * whole, 0, size))
        mean: Array = log.mean(axis=0, dtype=np.float64)
        return mean


def takes_floss(cell: Cell) -> bool:
    """Whether flossing is defined here: a step's Jacobian is diag(f'(a_t)) W_hh, f'' known."""
    return type(cell) in _BENDS


def floss_bytes(network: Network, steps: int, sequences: int, exponents: int) -> int:
    """How much memory flossing takes at the most, in bytes: a layer at a time."""
    sizes = [layer.cell.hidden_size for layer in network.layers]
    frames = max(min(exponents, H) * (4 * H + 4 * min(exponents, H)) for H in sizes)
    return network.dtype.itemsize * (steps + 1) * sequences * frames


def floss(record: Record, exponents: int) -> tuple[float, Params]:
    """The mean squared Lyapunov exponent, summed over layers, and its gradient, exact to rounding.

    Of each sequence and layer the first k exponents: the means over all T steps of log R_ii, where
    Q_t R_t = J_t Q_{t-1} and J_t = diag(f'(a_t)) W_hh. Engelken (2023), Gradient flossing:
    improving gradient descent through dynamic control of Jacobians, NeurIPS, arXiv:2312.17306;
    the mean over the k and QR at every step as in github.com/RainerEngelken/GradientFlossing,
    which leaves the first steps out of the means. The first frame is drawn, and always the same.

    The gradient knows that the weights move the states, and these the slopes. Backward through
    QR: Walter and Lehmann (2010), Algorithmic differentiation of linear algebra functions,
    arXiv:1001.1654. Along chaotic states it grows with T, as every gradient does.

    Parameters
    ----------
    record : what is asked of it is the states alone, whatever the loss was
    exponents : k, the largest first; more than a layer has units are all of them

    Returns
    -------
    The mean, and its gradient by every parameter of the network, without a weight before them.
    A direction of which nothing is left makes the mean infinite, and then there is no gradient:
    NaN.

    Raises
    ------
    ValueError
        If a layer's cell is not a vanilla one, or ``exponents`` is below 1.

    Examples
    --------
    A linear unit of weight 1/2 has the exponent -log 2, at every step:

    >>> import rnnviz as rv
    >>> W = {"W_ih": np.ones((1, 1)), "W_hh": np.full((1, 1), 0.5), "b_ih": np.zeros(1)}
    >>> network = rv.Network([rv.Layer(rv.CELLS["linear"](1, 1), W)])
    >>> record = rv.bptt(network, np.ones((3, 1, 1)), rv.losses.MSE(np.zeros((3, 1, 1))))
    >>> value, grads = floss(record, 1)
    >>> bool(np.isclose(value, np.log(2) ** 2)), grads["l0.W_hh"].round(3).tolist()
    (True, [[-2.773]])
    """
    if exponents < 1:
        raise ValueError(f"exponents must be at least 1, got {exponents}")
    network, value = record.network, 0.0
    direct, by_W = [], {}
    with np.errstate(all="ignore"), one_blas_thread():
        for name, layer, seen in zip(network.names, network.layers, record.layers, strict=True):
            own, by_h, by_W[f"{name}.W_hh"] = _of_layer(layer, seen, exponents)
            value += own
            direct.append(by_h)
        grads = pulled(record, direct)
        return value, grads | {name: grads[name] + grad for name, grad in by_W.items()}


def _of_layer(
    layer: Layer, seen: LayerRecord, exponents: int
) -> tuple[float, Float[Array, "T B H"], Float[Array, "H H"]]:
    """A layer's mean, and its direct derivative by each state and by W_hh, the others held."""
    cell, W = _vanilla(layer.cell), layer.params["W_hh"]
    h = seen.h[1:]
    frames = _carried(W, cell.slope(h), min(exponents, cell.hidden_size))
    found = frames.exponents
    value = float(np.mean(found**2))
    if not np.isfinite(value):
        return value, np.full_like(h, np.nan), np.full_like(W, np.nan)
    by_slope, by_W = _back(W, frames, 2 * found / (found.size * len(h)))
    return value, by_slope * _BENDS[type(cell)](h), by_W


def _vanilla(cell: Cell) -> Vanilla:
    if isinstance(cell, Vanilla) and takes_floss(cell):
        return cell
    raise ValueError(
        f"flossing must have vanilla cells (tanh, relu, linear, sigmoid), got {cell.title}"
    )


def _carried(W: Float[Array, "H H"], slope: Float[Array, "T B H"], K: int) -> _Frames:
    """A frame of K directions carried through all steps, made orthonormal after each."""
    T, B, H = slope.shape
    F, R = np.empty((T + 1, B, K, H), W.dtype), np.empty((T, B, K, K), W.dtype)
    F[0] = np.linalg.qr(np.random.default_rng(0).normal(size=(B, H, K)))[0].mT
    for t in range(T):
        stretched = F[t] @ W.T * slope[t, :, None]
        Q, R[t] = np.linalg.qr(stretched.mT)
        F[t + 1] = Q.mT
    return _Frames(F, R, slope)


def _back(
    W: Float[Array, "H H"], frames: _Frames, by_log: Float[Array, "B K"]
) -> tuple[Float[Array, "T B H"], Float[Array, "H H"]]:
    """The derivative by each slope and by W_hh, of what has ``by_log`` by each log|R_ii|.

    With A = QR and M = diag(by_log) - Q_bar^T Q, its lower triangle mirrored into the upper:
    A_bar = (Q_bar + Q M) R^-T, and Q_bar of the step before is W_hh^T diag(f') A_bar.
    """
    F, slope, K = frames.F, frames.slope, by_log.shape[1]
    given = (np.eye(K) * by_log[:, None]).astype(W.dtype)
    half = np.tril(np.ones((K, K), W.dtype)) - np.eye(K, dtype=W.dtype) / 2
    inverse = np.linalg.inv(frames.R)  # of a triangle, for which nothing is pivoted
    by_A, by_F = np.empty_like(F[1:]), np.zeros_like(F[0])
    for t in reversed(range(len(slope))):
        lower = half * (given - by_F @ F[t + 1].mT)
        by_A[t] = inverse[t] @ (by_F + (lower + lower.mT) @ F[t + 1])
        by_F = by_A[t] * slope[t, :, None] @ W
    before = rows(F[:-1])
    by_slope = np.einsum("tbkh,tbkh->tbh", by_A, (before @ W.T).reshape(by_A.shape))
    by_A *= slope[:, :, None]
    return by_slope, rows(by_A).T @ before
