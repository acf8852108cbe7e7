"""Which way do the states go, seen where they spread most?"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from rnnviz.arrays import Array, Float, Int
from rnnviz.diagnostics.gradient_flow import gradient_flow
from rnnviz.products import one_blas_thread
from rnnviz.record import Record


@dataclass(frozen=True)
class StateSpace:
    """Every sequence's states in their first principal components, up to the last finite step."""

    layer: str
    parts: tuple[str, ...]
    """What the state is made of: h and c in an LSTM."""
    path: Float[Array, "N B C"]
    """Where each state lies along each component."""
    axes: Float[Array, "C S"]
    """The components, orthonormal rows; the largest entry of each is positive."""
    mean: Float[Array, " S"]
    """The mean state over time and batch, which lies at the origin of ``path``."""
    share: Float[Array, " C"]
    """Of the variance over time and batch, what lies along each component; 0 if nothing varies."""
    log10_norms: Float[Array, "N B"]
    """log10 |dL/ds_t| of each sequence, for the loss of the last step that has any."""
    loss_state: int
    """The state that this loss looks at first."""
    steps: int
    """T, of which ``path`` may have fewer."""

    @property
    def t(self) -> Int[Array, " N"]:
        """Index of each state that is kept."""
        return np.arange(len(self.path))

    @property
    def first_bad_state(self) -> int | None:
        """The first state that is not finite in some sequence: it and those behind are left out."""
        return len(self.path) if len(self.path) <= self.steps else None

    @property
    def log10_change(self) -> Float[Array, "M B"]:
        """What the step from state t does to the gradient's norm on its way back, log10."""
        with np.errstate(invalid="ignore"):
            return self.log10_norms[:-1] - self.log10_norms[1:]

    def project(self, states: Float[Array, "*R S"]) -> Float[Array, "*R C"]:
        """Where other states lie along the components: the foot of the perpendicular."""
        with np.errstate(all="ignore"):
            projected: Array = (states - self.mean) @ self.axes.T
        return projected

    def to_frame(self) -> pd.DataFrame:
        """One row a state: sequence, t, place along each component, the step's log10 change."""
        states, batch, components = self.path.shape
        change = np.vstack([self.log10_change, np.full((1, batch), np.nan)])
        places = {f"pc{n + 1}": self.path[:, :, n].T.ravel() for n in range(components)}
        return pd.DataFrame(
            {
                "sequence": np.repeat(np.arange(batch), states),
                "t": np.tile(self.t, batch),
                **places,
                "log10_change": change.T.ravel(),
            }
        )


def state_space(record: Record, layer: int | None = None, components: int = 2) -> StateSpace:
    """The whole state of one layer in its first principal components.

    States of all steps and sequences are taken together, their mean is taken off, and the
    components are the right singular vectors of what is left. There are fewer than asked for
    where the state has fewer numbers, or fewer states are there to spread.

    Parameters
    ----------
    record : Record
    layer : the top one that reads forward by default; a reverse layer's states are counted as it
        goes through them, from the end of the sequence
    components : 2 or 3

    Raises
    ------
    ValueError
        If ``components`` is neither 2 nor 3, or the initial state is not finite.

    Examples
    --------
    >>> import rnnviz as rv
    >>> config = rv.RunConfig(cell="linear", init="identity", hidden_size=6, steps=9)
    >>> result = state_space(rv.run(config))
    >>> result.path.shape, bool(result.share[0] >= result.share[1])
    ((10, 16, 2), True)
    """
    if components not in (2, 3):
        raise ValueError(f"components must be 2 or 3, got {components}")
    network = record.network
    number = network.top if layer is None else layer
    s = _until_bad(record.layers[number].s)
    if not len(s):
        raise ValueError("the initial state must be finite, got one that is not")
    with np.errstate(all="ignore"), one_blas_thread():
        mean, axes, share = _components(s.reshape(-1, s.shape[2]), components)
        path = (s - mean) @ axes.T
    flow = gradient_flow(record, "last", number)
    return StateSpace(
        network.names[number],
        network.layers[number].cell.state_names,
        path,
        axes,
        mean,
        share,
        flow.log10_norms[: len(s)],
        flow.loss_state,
        record.steps,
    )


def _until_bad(s: Float[Array, "N B S"]) -> Float[Array, "M B S"]:
    """The states before the first that is not finite, or so large that their sums are not."""
    with np.errstate(all="ignore"):
        size = np.abs(s).sum(axis=2, dtype=np.float64).max(axis=1)
        good: Array = np.isfinite(4 * size)
    return s[: len(good) if good.all() else int(np.argmin(good))].astype(np.float64)


def _components(s: Float[Array, "R S"], components: int) -> tuple[Array, Array, Array]:
    """The mean, the first principal components, and the share of the variance along each.

    A QR first: the SVD is then of a square no larger than the state, and no digit is lost.
    """
    largest = np.abs(s).max()
    scale = largest if largest > 0 else 1.0
    mean = (s / scale).mean(axis=0)
    R = np.linalg.qr(s / scale - mean, mode="r")
    _, spread, axes = np.linalg.svd(R, full_matrices=False)
    spread = spread / spread[0] if spread[0] > 0 else spread
    share = spread**2 / max(1.0, float((spread**2).sum()))
    axes = axes[:components]
    strongest = axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)]
    return mean * scale, axes * np.where(strongest < 0, -1.0, 1.0)[:, None], share[:components]
