"""Clipping: what is done to a gradient that is too large."""

from collections.abc import Sequence
from math import inf
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np

from rnnviz.arrays import Array, Float


@runtime_checkable
class Clips(Protocol):
    """What clipping reads of a config."""

    @property
    def clip_by(self) -> str:
        """One of norm, value, percentile, none."""

    @property
    def clip(self) -> float:
        """The threshold by norm or by value; 0 never clips."""

    @property
    def clip_percentile(self) -> float:
        """Which percentile of all norms is the threshold, in percent."""


class Clipped(NamedTuple):
    """A gradient after clipping."""

    g: Float[Array, " N"]
    before: float
    """Its Euclidean norm before clipping."""
    after: float
    """Its Euclidean norm after clipping."""
    threshold: float
    """What the norm, or by value each entry's size, was held to; infinity if nothing was."""


def clip(
    g: Float[Array, " N"], config: Clips, norms: Sequence[float] | Float[Array, " M"] = ()
) -> Clipped:
    """The gradient as the config clips it; a new array wherever it changes.

    ``norm`` is ``torch.nn.utils.clip_grad_norm_`` and ``value`` is ``clip_grad_value_``.
    ``percentile`` is AutoClip: by norm, at this percentile of the norms of all gradients so far,
    this one among them. Seetharaman, Wichern, Pardo and Le Roux (2020), AutoClip: adaptive
    gradient clipping for source separation networks, IEEE MLSP, arXiv:2007.14469.

    Parameters
    ----------
    g : (N,)
    config : anything with ``clip_by``, ``clip`` and ``clip_percentile``
    norms : the norms of all gradients before this one, before clipping; read by "percentile"

    Raises
    ------
    ValueError
        If ``clip_by`` is unknown.

    Examples
    --------
    >>> import rnnviz as rv
    >>> config = rv.TrainConfig(clip_by="percentile", clip_percentile=50)
    >>> clipped = clip(np.array([3.0, 4.0]), config, norms=[1.0, 2.0])
    >>> clipped.before, round(clipped.after, 5), clipped.threshold
    (5.0, 2.0, 2.0)
    """
    if config.clip_by == "none":
        return clip_norm(g, 0.0)
    if config.clip_by == "value":
        return clip_value(g, config.clip)
    if config.clip_by == "norm":
        return clip_norm(g, config.clip)
    if config.clip_by == "percentile":
        length = norm(g)
        return _shortened(g, length, percentile(np.append(norms, length), config.clip_percentile))
    raise ValueError(
        f"clip_by must be one of ['none', 'norm', 'percentile', 'value'], got {config.clip_by!r}"
    )


def clip_norm(g: Float[Array, " N"], limit: float) -> Clipped:
    """The gradient, shortened to norm ``limit`` if it is longer; a limit of 0 never clips.

    As ``torch.nn.utils.clip_grad_norm_``. Pascanu, Mikolov and Bengio (2013), On the difficulty
    of training recurrent neural networks, ICML, arXiv:1211.5063, algorithm 1.

    Examples
    --------
    >>> clip_norm(np.array([3.0, 4.0]), limit=10.0)[1:]
    (5.0, 5.0, 10.0)
    """
    return _shortened(g, norm(g), limit or inf)


def clip_value(g: Float[Array, " N"], limit: float) -> Clipped:
    """The gradient with every entry in [-limit, limit]; a limit of 0 never clips.

    As ``torch.nn.utils.clip_grad_value_``: the direction may change.

    Examples
    --------
    >>> clip_value(np.array([3.0, -0.5]), limit=1.0).g.tolist()
    [1.0, -0.5]
    """
    if limit == 0:
        return clip_norm(g, 0.0)
    held = np.clip(g, -limit, limit)
    return Clipped(held, norm(g), norm(held), limit)


def percentile(values: Float[Array, " M"], share: float) -> float:
    """The percentile as ``np.percentile`` has it, in a fraction of its time.

    Examples
    --------
    >>> percentile(np.array([1.0, 2.0, 4.0]), share=75.0)
    3.0
    """
    place = (len(values) - 1) * share / 100
    below = min(int(place), len(values) - 1)
    above = min(below + 1, len(values) - 1)
    ordered = np.partition(values, (below, above))
    low, high = float(ordered[below]), float(ordered[above])
    return low if place == below else low + (high - low) * (place - below)


def norm(g: Float[Array, " N"]) -> float:
    """Euclidean norm, the largest entry taken out first, so that no square under- or overflows.

    Infinite or NaN entries give an infinity or a NaN.

    Examples
    --------
    >>> f"{norm(np.array([3e-200, 4e-200])):.3g}, {norm(np.array([3e200, 4e200])):.3g}"
    '5e-200, 5e+200'
    """
    largest = float(np.abs(g).max(initial=0))
    if largest == 0 or not np.isfinite(largest):
        return largest
    return largest * float(np.sqrt(np.square(g / largest).sum()))


def _shortened(g: Array, length: float, limit: float) -> Clipped:
    if limit == inf:
        return Clipped(g, length, length, limit)
    factor = min(limit / (length + 1e-6), 1.0)
    with np.errstate(invalid="ignore"):
        return Clipped(g * factor, length, length * factor, limit)
