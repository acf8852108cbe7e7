"""Sequences that a visitor has as arrays, as a task."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from rnnviz.arrays import Array, frozen
from rnnviz.interop.limits import WIDTH, one_line, shown
from rnnviz.interop.series import PAPER
from rnnviz.tasks.base import Batch, Task

SHARE: Final = 0.8
"""Of the sequences, the first ones: what is trained on, where there are several."""
NAMES: Final = {
    "x": ("x", "inputs", "X"),
    "target": ("target", "targets", "y", "Y"),
    "labels": ("labels", "label"),
    "mask": ("mask",),
}
"""What the arrays may be called."""


class OwnSequences(Task):
    """Read given sequences and answer with what they came with, or with their next step."""

    real = True
    paper = PAPER

    def __init__(
        self, x: Array, target: Array, mask: Array | None, name: str, *, follows: bool
    ) -> None:
        self.name = self.title = name
        self.x, self.target, self.mask = frozen(x), frozen(target), mask
        self.classes = target.dtype.kind == "i"
        self.input_size = x.shape[2]
        self.output_size = int(target.max()) + 1 if self.classes else target.shape[2]
        kind = "label" if self.classes else "next step" if follows else "target"
        self.note = (
            f"Reads {x.shape[1]:,} sequence{'s' * (x.shape[1] > 1)} of {len(x):,} steps, each the "
            f"last T of them, as they are, and answers with the {kind} of each step; "
            f"trained on the first {self.split:,}."
        )

    @property
    def split(self) -> int:
        """How many sequences come before the held-out ones: all, where there are too few."""
        count = int(self.x.shape[1])
        return count if count < 5 else round(count * SHARE)

    def max_steps(self) -> int:
        """The length of the sequences."""
        return len(self.x)

    def sample(
        self,
        rng: np.random.Generator,
        steps: int,
        batch_size: int,
        lag: int,
        *,
        held_out: bool = False,
    ) -> Batch:
        """The last T steps of B of the sequences; of all in their order, where there are B."""
        if not 1 <= steps <= self.max_steps():
            raise ValueError(
                f"steps must be in [1, {self.max_steps()}] for {self.name}, got {steps}"
            )
        low, high = (self.split, self.x.shape[1]) if held_out else (0, self.split)
        if low == high:
            low = 0  # too few to hold any out
        drawn = rng.choice(high - low, batch_size, replace=batch_size > high - low)
        which = low + np.sort(drawn)
        asked = np.ones((steps, batch_size), bool)
        if self.mask is not None:
            asked = self.mask[-steps:, which]
        scored = None if self.mask is None else asked
        return Batch(self.x[-steps:, which], self.target[-steps:, which], asked, scored)

    def baseline(self, steps: int, lag: int, loss_at: str) -> float:
        """The loss of one answer for every step: the mean, or how often each label is right."""
        target = self.target[:, : self.split]
        where = np.ones(target.shape[:2], bool) if self.mask is None else self.mask[:, : self.split]
        kept = target[where]
        if not self.classes:
            return float(np.mean((kept - kept.mean(axis=0)) ** 2))
        share = np.bincount(kept) / len(kept)
        return float(-(share[share > 0] * np.log(share[share > 0])).sum())


def sequences(arrays: Mapping[str, Array], name: str = "the arrays") -> OwnSequences:
    """Sequences as a task, by the names of their arrays.

    Parameters
    ----------
    arrays : ``x`` (T, B, I); and, where there are answers of their own, ``target`` (T, B, O) of
        numbers or ``labels`` (T, B) or (B,) of whole ones from 0, and ``mask`` (T, B), true where
        an answer is asked for. Without answers each step's is the next step.
    name : what they are called

    Raises
    ------
    ValueError
        If the arrays do not fit together, or are not finite.

    Examples
    --------
    >>> import numpy as np
    >>> task = sequences({"x": np.ones((6, 3, 2)), "labels": np.array([0, 1, 1])})
    >>> task.input_size, task.output_size, task.max_steps()
    (2, 2, 6)
    """
    found = {
        ours: next((arrays[key] for key in keys if key in arrays), None)
        for ours, keys in NAMES.items()
    }
    x, target, labels, mask = (found[key] for key in NAMES)
    if x is None or x.ndim != 3 or 0 in x.shape or len(x) < 2:
        shapes = ", ".join(f"{one_line(key)} {array.shape}" for key, array in arrays.items())
        raise ValueError(
            f"{shown(name)} must hold x (T, B, I) of at least 2 steps, got {one_line(shapes)}"
        )
    x = _finite(x, "x", name)
    T, B = x.shape[:2]
    if labels is not None:
        return OwnSequences(
            x, _labels(labels, T, B, name), _mask(mask, T, B, name), shown(name), follows=False
        )
    if target is None:
        return OwnSequences(
            x[:-1], x[1:], _mask(mask, T, B, name, last=-1), shown(name), follows=True
        )
    if target.ndim != 3 or target.shape[:2] != (T, B) or not target.shape[2]:
        raise ValueError(
            f"target in {shown(name)} must be (T, B, O) with T {T} and B {B} as x, "
            f"got {target.shape}"
        )
    return OwnSequences(
        x, _finite(target, "target", name), _mask(mask, T, B, name), shown(name), follows=False
    )


def _finite(array: Array, key: str, name: str) -> Array:
    typed = array.astype(np.float64)
    bad = np.argwhere(~np.isfinite(typed))
    if len(bad):
        first = [int(place) for place in bad[0]]
        raise ValueError(
            f"{key} in {shown(name)} must be finite, got {len(bad):,} numbers that are not, the "
            f"first at {first}"
        )
    return typed


def _labels(labels: Array, T: int, B: int, name: str) -> Array:
    """(T, B), from one label a step or one a sequence."""
    if labels.shape not in {(T, B), (B,)} or labels.dtype.kind not in "iu":
        raise ValueError(
            f"labels in {shown(name)} must be whole numbers (T, B) {(T, B)} or (B,) {(B,)}, got "
            f"{labels.dtype} {labels.shape}"
        )
    if labels.min() < 0 or labels.max() >= WIDTH:
        raise ValueError(
            f"labels in {shown(name)} must be in [0, {WIDTH - 1}], got {labels.min()} to "
            f"{labels.max()}"
        )
    return np.array(np.broadcast_to(labels, (T, B)), np.int64)


def _mask(mask: Array | None, T: int, B: int, name: str, last: int | None = None) -> Array | None:
    if mask is None:
        return None
    if mask.shape != (T, B) or not mask[:last].any():
        raise ValueError(
            f"mask in {shown(name)} must be (T, B) {(T, B)} and true somewhere, got {mask.shape}"
        )
    return frozen(mask[:last].astype(bool))
