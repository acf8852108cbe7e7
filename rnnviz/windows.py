"""Truncated BPTT: the gradient when each loss travels back through a window of steps."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from rnnviz.arrays import Array, Bool, Float, Int, Params
from rnnviz.bptt import States, bptt, predict, trajectory
from rnnviz.losses import Loss
from rnnviz.network import Network
from rnnviz.products import CACHED

CARRIES = ("carried", "zero")
_ROWS = 4 * CACHED
"""Bytes of one step of all runs that are taken at once."""


@dataclass(frozen=True)
class Given:
    """A loss of which only the derivative by the outputs is known."""

    dy: Float[Array, "T B O"]

    def value_and_grad(
        self, y: Float[Array, "T B O"]
    ) -> tuple[Float[Array, " T"], Float[Array, "T B O"]]:
        """Nothing, and what was given."""
        return np.zeros(len(y), y.dtype), self.dy


@dataclass(frozen=True)
class Runs:
    """Which steps travel together: run n takes ``window`` steps, and the loss at its last ones."""

    window: int
    first: Int[Array, " R"]
    """The step each run starts at."""
    losses: tuple[slice, ...]
    """The steps of each run's own losses: every step belongs to one run."""

    def steps(self, chosen: Int[Array, " K"]) -> Int[Array, "W K"]:
        """The steps of some runs side by side."""
        return np.arange(self.window)[:, None] + self.first[chosen]

    def own(self, chosen: Int[Array, " K"]) -> Bool[Array, "W K"]:
        """At which of these steps each run's own losses are."""
        at = self.steps(chosen)
        starts, stops = np.array([(own.start, own.stop) for own in self.losses])[chosen].T
        own: Array = (at >= starts) & (at < stops)
        return own


def runs(steps: int, window: int, stride: int) -> Runs:
    """The runs of truncated BPTT over a sequence.

    A run ends after every ``stride`` steps, and at the end of the sequence. It takes the losses
    since the run before, and starts ``window`` steps before its end; those that would start
    before the sequence does are one run.

    Examples
    --------
    >>> found = runs(steps=10, window=4, stride=2)
    >>> found.first.tolist(), [(at.start, at.stop) for at in found.losses]
    ([0, 2, 4, 6], [(0, 4), (4, 6), (6, 8), (8, 10)])
    """
    window = min(window, steps)
    stride = min(stride, window)
    opening = window // stride * stride
    ends = [*range(opening, steps, stride), steps]
    losses = tuple(slice(a, b) for a, b in zip([0, *ends], ends, strict=False))
    return Runs(window, np.array([max(0, at.stop - window) for at in losses]), losses)


def windowed_grads(
    network: Network,
    x: Float[Array, "T B I"],
    loss: Loss,
    window: int,
    stride: int = 1,
    carry: str = "carried",
    s0: States | None = None,
) -> tuple[Float[Array, " T"], Params]:
    """Each step's loss, and the gradient by every parameter of truncated BPTT with still weights.

    After every ``stride`` steps the losses of these steps travel back together, through at most
    ``window`` steps of every layer; the state before those is a constant. BPTT(h; h') of Williams
    and Peng (1990), An efficient gradient-based algorithm for on-line training of recurrent
    network trajectories, Neural Computation 2, with h the window and h' the stride. Exact: the
    sum over all runs. A readout's gradient passes no step, and is whole.

    Takes about window / stride passes, and one forward pass more.

    Parameters
    ----------
    network : Network
    x : (T, B, I)
    loss : anything with ``value_and_grad(y) -> (loss_t, dy)``
    window : steps; 0, or T and more, is the whole sequence and gives the full gradient
    stride : steps from 1; more than the window counts as the window, so that no loss is lost
    carry : "carried": a run starts from the state that the steps before it led to; "zero": from
        zero, as if the sequence began there, which changes the outputs and the loss too
    s0 : the initial state, as for ``bptt``

    Raises
    ------
    ValueError
        If the window, stride or carry is out of range, a layer reads in reverse, or the arrays do
        not fit together.

    Examples
    --------
    >>> import rnnviz as rv
    >>> config = rv.RunConfig(hidden_size=4, steps=12, batch_size=2, loss_at="all")
    >>> record, batch = rv.run(config), rv.draw(config)
    >>> loss_t, grads = windowed_grads(record.network, batch.x, batch.loss("all"), window=12)
    >>> all(np.array_equal(grads[name], full) for name, full in record.grads.items())
    True
    """
    x = np.asarray(x)
    _check(network, window, stride, carry)
    if window == 0 or window >= len(x):
        record = bptt(network, x, loss, s0)
        return record.loss_t, dict(record.grads)
    cut = runs(len(x), window, stride)
    y, starts = _carried(network, x, cut, s0) if carry == "carried" else _anew(network, x, cut, s0)
    with np.errstate(all="ignore"):
        loss_t, dy = (np.asarray(part, y.dtype) for part in loss.value_and_grad(y))
    felt = [n for n, own in enumerate(cut.losses) if dy[own].any()]
    total = {name: np.zeros_like(W) for name, W in network.params.items()}
    for chosen in _blocks(network, x, cut, np.array(felt, int)):
        dy_own = np.where(cut.own(chosen)[..., None, None], dy[cut.steps(chosen)], 0)
        given = Given(_beside(dy_own))
        found = bptt(network, _beside(x[cut.steps(chosen)]), given, _from(starts, chosen)).grads
        for name, grad in found.items():
            total[name] += grad
    return loss_t, total


def _carried(
    network: Network, x: Array, cut: Runs, s0: States | None
) -> tuple[Float[Array, "T B O"], list[Float[Array, "R B S"]]]:
    """The outputs of one pass, and the states that each run starts from, a layer each."""
    return trajectory(network, x, s0, cut.first)


def _anew(
    network: Network, x: Array, cut: Runs, s0: States | None
) -> tuple[Float[Array, "T B O"], list[Float[Array, "R B S"]]]:
    """The outputs of every run at its own losses, and the states it starts from: zero but once."""
    _, starts = trajectory(network, x[:1], s0, np.zeros(len(cut.first), int))
    for start in starts:
        start[1:] = 0
    y = np.empty((*x.shape[:2], network.output_size), network.dtype)
    for chosen in _blocks(network, x, cut, np.arange(len(cut.first))):
        at, own = cut.steps(chosen), cut.own(chosen)
        given = predict(network, _beside(x[at]), _from(starts, chosen))
        y[at[own]] = given.reshape(*at.shape, *y.shape[1:])[own]
    return y, starts


def _from(starts: list[Array], chosen: Int[Array, " K"]) -> list[Float[Array, "KB S"]]:
    return [start[chosen].reshape(-1, start.shape[2]) for start in starts]


def _blocks(
    network: Network, x: Array, cut: Runs, chosen: Int[Array, " R"]
) -> Iterator[Int[Array, " K"]]:
    """Runs that are taken at once: in all no more steps than T, and no more rows than do well."""
    row = x.shape[1] * network.top_size * network.dtype.itemsize
    size = max(1, min(len(x) // cut.window, _ROWS // row))
    for first in range(0, len(chosen), size):
        yield chosen[first : first + size]


def _beside(array: Float[Array, "W K B N"]) -> Float[Array, "W KB N"]:
    """Runs as sequences of one batch."""
    return np.ascontiguousarray(array).reshape(len(array), -1, array.shape[-1])


def _check(network: Network, window: int, stride: int, carry: str) -> None:
    if window < 0:
        raise ValueError(f"window must be at least 0, got {window}")
    if stride < 1:
        raise ValueError(f"stride must be at least 1, got {stride}")
    if carry not in CARRIES:
        raise ValueError(f"carry must be one of {sorted(CARRIES)}, got {carry!r}")
    if window and any(layer.reverse for layer in network.layers):
        raise ValueError(
            "truncated BPTT must have layers that read forward, where a window ends at the same "
            "step in all of them, got a reverse layer"
        )
