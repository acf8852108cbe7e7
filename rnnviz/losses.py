"""Losses: how wrong each step is, with the derivative beneath it."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from rnnviz.arrays import Array, Bool, Float, Int


@runtime_checkable
class Loss(Protocol):
    """Anything that ``bptt`` can start from."""

    def value_and_grad(
        self, y: Float[Array, "T B O"]
    ) -> tuple[Float[Array, " T"], Float[Array, "T B O"]]:
        """Each step's share of the loss (they add up to it), and dL/dy."""


@dataclass(frozen=True, eq=False)
class MSE:
    """Squared error, PyTorch's ``mse_loss`` over what the mask keeps.

    "mean" divides by the number of kept elements of y, so with every step kept it is the
    sum over steps of each step's mean square, divided by T.

    Parameters
    ----------
    target : (T, B, O), or anything that broadcasts to the outputs
    mask : (T, B), true where the loss applies; everywhere if left out
    reduction : "mean" or "sum"

    Examples
    --------
    >>> loss = MSE(np.zeros((2, 1, 1)))
    >>> loss_t, dy = loss.value_and_grad(np.array([[[1.0]], [[3.0]]]))
    >>> loss_t.tolist(), dy.ravel().tolist()
    ([0.5, 4.5], [1.0, 3.0])
    """

    target: Float[Array, "T B O"]
    mask: Bool[Array, "T B"] | None = None
    reduction: str = "mean"

    def __post_init__(self) -> None:
        """Refuse a reduction or a mask that means nothing."""
        _check(self.reduction, self.mask)

    def value_and_grad(
        self, y: Float[Array, "T B O"]
    ) -> tuple[Float[Array, " T"], Float[Array, "T B O"]]:
        """L = sum (y - target)^2 / n;  dL/dy = 2 (y - target) / n."""
        _check_shape("target", self.target.shape[:2], y)
        if self.target.shape[2] not in (1, y.shape[2]):
            raise ValueError(
                f"target must have 1 or O={y.shape[2]} outputs, got {self.target.shape[2]}"
            )
        error = y - self.target
        if self.mask is not None:
            _check_shape("mask", self.mask.shape, y)
            error = np.where(self.mask[..., None], error, 0)
        scale = 1.0 if self.reduction == "sum" else 1 / (_kept(self.mask, y) * y.shape[2])
        loss_t = np.einsum("tbo,tbo->t", error, error) * scale
        error *= 2 * scale
        return loss_t, error


@dataclass(frozen=True, eq=False)
class CrossEntropy:
    """Cross-entropy of softmax(y), PyTorch's ``cross_entropy`` over what the mask keeps, in nats.

    Parameters
    ----------
    labels : (T, B), the class of each step, in [0, O); anything where the mask is false
    mask : (T, B), true where the loss applies; everywhere if left out
    reduction : "mean" (over the kept steps and sequences) or "sum"

    Examples
    --------
    >>> loss_t, dy = CrossEntropy(np.array([[1]])).value_and_grad(np.zeros((1, 1, 4)))
    >>> round(float(loss_t[0] / np.log(4)), 12), dy.ravel().tolist()
    (1.0, [0.25, -0.75, 0.25, 0.25])
    """

    labels: Int[Array, "T B"]
    mask: Bool[Array, "T B"] | None = None
    reduction: str = "mean"

    def __post_init__(self) -> None:
        """Refuse a reduction or a mask that means nothing."""
        _check(self.reduction, self.mask)

    def value_and_grad(
        self, y: Float[Array, "T B O"]
    ) -> tuple[Float[Array, " T"], Float[Array, "T B O"]]:
        """L = -sum log softmax(y)[label] / n;  dL/dy = (softmax(y) - onehot) / n."""
        _check_shape("labels", self.labels.shape, y)
        keep = np.ones(y.shape[:2], bool) if self.mask is None else self.mask
        _check_shape("mask", keep.shape, y)
        kept, classes = self.labels[keep], y.shape[2]
        if kept.min() < 0 or kept.max() >= classes:
            came = f"{kept.min()} to {kept.max()}"
            raise ValueError(f"labels must be in [0, {classes - 1}], got {came}")
        scale = 1.0 if self.reduction == "sum" else 1 / _kept(self.mask, y)
        shifted = y - y.max(axis=2, keepdims=True)
        log_softmax = shifted - np.log(np.exp(shifted).sum(axis=2, keepdims=True))
        at_label = np.where(keep, self.labels, 0)[..., None]
        nats = np.where(keep, -np.take_along_axis(log_softmax, at_label, axis=2)[..., 0], 0)
        dy = np.exp(log_softmax)
        np.put_along_axis(dy, at_label, np.take_along_axis(dy, at_label, axis=2) - 1, axis=2)
        dy = np.where(keep[..., None], dy * scale, 0)
        return nats.sum(axis=1) * scale, dy.astype(y.dtype, copy=False)


@dataclass(frozen=True, eq=False)
class Tangent:
    """Any loss near the outputs it was taken at: its shares there, and its derivative by them.

    What remains of a loss whose own code is not at hand. Its gradient is the loss's there.

    Parameters
    ----------
    at : (T, B, O), the outputs
    loss_t : (T,), each step's share of the loss there
    dy : (T, B, O), the derivative of the loss there

    Examples
    --------
    >>> loss = Tangent(np.ones((1, 1, 1)), np.array([4.0]), np.full((1, 1, 1), 2.0))
    >>> loss_t, dy = loss.value_and_grad(np.full((1, 1, 1), 1.5))
    >>> loss_t.tolist(), dy.ravel().tolist()
    ([5.0], [2.0])
    """

    at: Float[Array, "T B O"]
    loss_t: Float[Array, " T"]
    dy: Float[Array, "T B O"]

    def value_and_grad(
        self, y: Float[Array, "T B O"]
    ) -> tuple[Float[Array, " T"], Float[Array, "T B O"]]:
        """L = L_0 + sum dy (y - y_0)."""
        if y.shape != self.at.shape:
            raise ValueError(f"y must be (T, B, O) = {self.at.shape}, got {y.shape}")
        return self.loss_t + np.einsum("tbo,tbo->t", self.dy, y - self.at), self.dy


def _kept(mask: Array | None, y: Array) -> int:
    return y.shape[0] * y.shape[1] if mask is None else int(mask.sum())


def _check(reduction: str, mask: Array | None) -> None:
    if reduction not in ("mean", "sum"):
        raise ValueError(f"reduction must be 'mean' or 'sum', got {reduction!r}")
    if mask is not None and not mask.any():
        raise ValueError("mask must keep at least one step, got none")


def _check_shape(name: str, shape: tuple[int, ...], y: Array) -> None:
    if shape != y.shape[:2]:
        raise ValueError(f"{name} must be (T, B) = {y.shape[:2]} in front, got {shape}")
