"""How much of the gradient is left if each loss travels back through only K steps?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from rnnviz.arrays import Array, Float, Int, Params
from rnnviz.bptt import bptt
from rnnviz.diagnostics.windowed import windowed
from rnnviz.record import Record
from rnnviz.stopping import breathe
from rnnviz.windows import Given

ALL = "all"
"""The name of all parameters taken as one vector."""
MOST_WINDOWS = 40


@dataclass(frozen=True)
class Truncation:
    """The gradient with window K beside the full one, for each parameter and for all together.

    A readout's gradient passes no step, and is whole in every window.
    """

    names: tuple[str, ...]
    """Of the parameters, as in ``record.grads``, and last "all": all of them as one vector."""
    windows: Int[Array, " K"]
    ratio: Float[Array, "P K"]
    """Norm of the truncated gradient by the norm of the full one.

    It may be above 1: what came from further back can work against the rest. NaN where the full
    gradient is exactly zero or one of the two is not finite.
    """
    cosine: Float[Array, "P K"]
    """Of the angle between the two; NaN as well where the truncated gradient is exactly zero."""
    layer: str
    """The layer that is looked at first."""
    steps: int
    batch_size: int
    losses: int
    """How many steps' losses travelled."""
    every: int
    """1, or one in how many of the steps with a loss was taken."""

    def window_keeping(self, share: float = 0.99) -> dict[str, int | None]:
        """For each parameter, and "all", the smallest window that keeps this share of it.

        It is the smallest of ``windows`` at which, and at every larger one of them, both the
        norm ratio and the cosine are at least ``share``; None where no window is.
        """
        return {
            name: self._first(keeps)
            for name, keeps in zip(
                self.names, (self.ratio >= share) & (self.cosine >= share), strict=True
            )
        }

    def _first(self, keeps: Array) -> int | None:
        fails = np.flatnonzero(~keeps)
        first = int(fails[-1]) + 1 if len(fails) else 0
        return int(self.windows[first]) if first < len(self.windows) else None

    def to_frame(self) -> pd.DataFrame:
        """One row a parameter and window: parameter, window, norm ratio, cosine."""
        return pd.DataFrame(
            {
                "parameter": np.repeat(self.names, len(self.windows)),
                "window": np.tile(self.windows, len(self.names)),
                "norm_ratio": self.ratio.ravel(),
                "cosine": self.cosine.ravel(),
            }
        )


def truncation(
    record: Record,
    windows: Sequence[int] | Int[Array, " K"] | None = None,
    layer: int | None = None,
    every: int = 1,
) -> Truncation:
    """The norm ratio and cosine of the truncated gradient to the full one, for each window K.

    With window K the loss at step s reaches the steps s, s - 1, ..., s - K + 1 of every layer:
    the state before them is taken as a constant, for each s anew. It is truncated BPTT with a
    step of one, TBPTT(1, K) in Williams and Peng (1990), An efficient gradient-based algorithm
    for on-line training of recurrent network trajectories, Neural Computation 2, with the
    weights held still; with K = T it is the full gradient.

    The work grows with the number of steps that have a loss, times the largest window: with the
    loss at one step it is linear in T.

    Parameters
    ----------
    record : Record
    windows : each from 1 to T; all of them if left out, or about 40 evenly spaced in their
        logarithm where T is larger
    layer : the one that a picture looks at first; the top one by default
    every : take one in so many of the steps that have a loss, counted from the last one. Both
        gradients are then those of the steps taken

    Raises
    ------
    ValueError
        If a layer reads in reverse, or a window or ``every`` is out of range.

    Examples
    --------
    >>> import rnnviz as rv
    >>> config = rv.RunConfig(cell="linear", init="identity", gain=0.5, steps=30,
    ...                       batch_size=1, hidden_size=3, task="sine")
    >>> result = rv.diagnostics.truncation(rv.run(config), windows=[1, 8, 30])
    >>> result.window_keeping(0.99)["l0.b_ih"], bool(result.ratio[-1, 0] < 0.99)
    (8, True)
    """
    network = record.network
    if any(each.reverse for each in network.layers):
        raise ValueError(
            "truncation takes layers that read forward, where a window ends at the same step in "
            "all of them, got a reverse layer"
        )
    dy, losses = _taken(record, every)
    full = record.grads if every == 1 else _full(record, dy)
    chosen = _windows(windows, record.steps)
    measured = [_against(full, cut) for cut in windowed(record, dy, chosen)]
    ratio, cosine = np.array(measured).T
    shown = network.names[network.top if layer is None else layer]
    sizes = record.steps, record.batch_size
    return Truncation((*full, ALL), chosen, ratio, cosine, shown, *sizes, losses, every)


def _windows(windows: Sequence[int] | Array | None, steps: int) -> Int[Array, " K"]:
    if windows is None:
        if steps <= MOST_WINDOWS:
            return np.arange(1, steps + 1)
        return np.unique(np.rint(np.geomspace(1, steps, MOST_WINDOWS)).astype(int))
    chosen = np.unique(windows)
    if not len(chosen) or chosen.dtype.kind != "i" or chosen[0] < 1 or chosen[-1] > steps:
        raise ValueError(f"windows must be whole numbers from 1 to T={steps}, got {list(windows)}")
    return chosen


def _taken(record: Record, every: int) -> tuple[Float[Array, "T B O"], int]:
    """The derivative by the outputs of the losses that are taken, and how many those are."""
    if every < 1:
        raise ValueError(f"every must be at least 1, got {every}")
    active = np.flatnonzero(record.dy.any(axis=(1, 2)))[::-every]
    dy = np.zeros_like(record.dy)
    dy[active] = record.dy[active]
    return dy, len(active)


def _full(record: Record, dy: Array) -> Params:
    starts = [layer.s[0] for layer in record.layers]
    return bptt(record.network, record.x, Given(dy), starts).grads


def _against(full: Params, cut: Params) -> list[tuple[float, float]]:
    """Norm ratio and cosine of each parameter's gradient, and of all in one."""
    breathe()
    pairs = [(cut.get(name, grad).ravel(), grad.ravel()) for name, grad in full.items()]
    whole = [np.concatenate(side) for side in zip(*pairs, strict=True)]
    return [_ratio_and_cosine(*pair) for pair in [*pairs, (whole[0], whole[1])]]


def _ratio_and_cosine(cut: Float[Array, " M"], full: Float[Array, " M"]) -> tuple[float, float]:
    """Both without squares that leave the range of a float."""
    with np.errstate(all="ignore"):
        (u, size_u), (v, size_v) = _unit(cut), _unit(full)
        norm_u, norm_v = np.linalg.norm(u), np.linalg.norm(v)
        cosine = np.float64(u @ v) / (norm_u * norm_v)
        ratio = (norm_u / norm_v) * (size_u / size_v)
        return float(ratio) if size_v else np.nan, float(np.clip(cosine, -1, 1))


def _unit(values: Array) -> tuple[Array, np.float64]:
    """The values by the largest of them, and that."""
    size = np.float64(np.abs(values).max())
    return values.astype(np.float64) / (size or 1), size
