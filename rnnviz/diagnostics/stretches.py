"""How much does each stretch of steps lengthen the directions of an orthonormal frame?"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnnviz.adjoint import normalise_every, pull_back
from rnnviz.arrays import Array, Float
from rnnviz.jacobians import jacobians
from rnnviz.network import Layer
from rnnviz.record import LayerRecord
from rnnviz.stopping import breathe

_MOST = 8
"""Steps that are taken at once, at the most."""
_TOGETHER = 1 << 19
"""Entries of the Jacobians in memory at once, unless a single step has more: 4 MiB."""
_BLOCK = 16
"""Steps whose Jacobians are made at once, at the most: more leave the cache."""
_LEAST = 1e-3
"""A rate of spreading, in nats a step, that is as good as none."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """What some steps on the way back did to each sequence's frame."""

    done: int
    """Steps taken so far, these included."""
    log: Float[Array, "B K"]
    """The log of each direction's stretch by these steps together; -inf for none left."""
    rounding: Float[Array, "B K"]
    """About how much rounding may have moved each log."""
    log_det: Float[Array, " B"]
    """log|det| of these steps' Jacobians; NaN where the frame does not span the state."""


def of_one(
    layer: Layer, seen: LayerRecord, start: Float[Array, "1 B S"], stops: set[int]
) -> Iterator[Stretch]:
    """One direction for each sequence, whose length is taken out every few steps."""
    every, rounding = normalise_every(layer), np.zeros((start.shape[1], 1))
    log_det = np.full(start.shape[1], np.nan)
    for done, vectors in enumerate(pull_back(layer, seen, start), 1):
        if done % every == 0 or done in stops:
            yield Stretch(done, _take_length_out(vectors[0]), rounding, log_det)


def of_some(layer: Layer, seen: LayerRecord, start: Float[Array, "K B S"]) -> Iterator[Stretch]:
    """Fewer directions than the state has: carried together, orthonormal again at each step."""
    for done, vectors in enumerate(pull_back(layer, seen, start), 1):
        frame, log = _orthonormal(vectors.swapaxes(0, 1))
        vectors[:] = frame.swapaxes(0, 1)
        yield Stretch(done, log, _rounding(log, vectors), np.full(len(log), np.nan))


def of_all(
    layer: Layer, seen: LayerRecord, start: Float[Array, "K B S"], stops: set[int]
) -> Iterator[Stretch]:
    """As many directions as the state has, multiplied by the Jacobian of each step.

    The frame is made orthonormal only every few steps, which changes nothing as long as its
    longest vector is not too many times its shortest. Steps that together would stretch it
    further are taken again one by one.
    """
    frame = start.swapaxes(0, 1)
    waiting: list[tuple[Array, Array]] = []
    wait, done = 1, 0
    for one_step in _backwards(layer, seen):
        waiting.append(one_step)
        if len(waiting) < wait and done + len(waiting) not in stops:
            continue
        after, stretch = _taken(frame, waiting, done)
        if len(waiting) == 1 or _is_safe(stretch, frame.dtype):
            frame, done = after, stretch.done
            yield stretch
        else:
            for alone in waiting:
                frame, one = _taken(frame, [alone], done)
                done = one.done
                yield one
        wait = _next_wait(stretch, len(waiting), frame.dtype)
        waiting = []


def _backwards(layer: Layer, seen: LayerRecord) -> Iterator[tuple[Array, Array]]:
    """Every step's Jacobians (B, S, S) and their log|det| (B,), the last step first."""
    (T, B), S = seen.pre.shape[:2], layer.cell.state_size
    some = max(1, min(_BLOCK, _TOGETHER // (B * S * S)))
    for end in range(T, 0, -some):
        breathe()
        steps = np.arange(max(0, end - some), end)
        found = [jacobians(layer, seen, b, steps)[::-1, None] for b in range(B)]
        Js = found[0] if B == 1 else np.concatenate(found, axis=1)
        yield from zip(Js, np.linalg.slogdet(Js)[1], strict=True)


def _taken(
    frame: Float[Array, "B K S"], steps: list[tuple[Array, Array]], done: int
) -> tuple[Array, Stretch]:
    """The frame after these steps, orthonormal, and what they did to it."""
    log_det: Array = np.zeros(len(frame))
    for J, log_det_J in steps:
        breathe()
        frame = frame @ J
        log_det += log_det_J
    frame, log = _orthonormal(frame)
    rounding = _rounding(log, frame)
    if len(steps) == 1:
        nothing = (log_det == -np.inf).reshape(-1, 1) & (rounding >= 1)
        log = np.where(nothing, -np.inf, log)
        rounding = np.where(nothing, 0, rounding)
    return frame, Stretch(done + len(steps), log, rounding, log_det)


def _orthonormal(frame: Float[Array, "B K S"]) -> tuple[Array, Float[Array, "B K"]]:
    """Each sequence's vectors made orthonormal, and the logs of how long they were."""
    bad = np.asarray(~np.isfinite(frame).all(axis=(1, 2)))
    if bad.any():
        frame = np.where(bad[:, None, None], np.eye(*frame.shape[1:], dtype=frame.dtype), frame)
    q, r = np.linalg.qr(frame.swapaxes(1, 2))
    log = np.log(np.abs(np.diagonal(r, axis1=1, axis2=2)).astype(np.float64))
    log[bad] = np.nan
    return q.swapaxes(1, 2), log


def _take_length_out(vectors: Float[Array, "B S"]) -> Float[Array, "B K"]:
    """Divide each vector by its length, in place; the log of that, whatever its square would be."""
    largest = np.abs(vectors).max(axis=1, keepdims=True)
    np.divide(vectors, largest, out=vectors, where=largest > 0)
    rest = np.sqrt(np.einsum("bs,bs->b", vectors, vectors))[:, None]
    np.divide(vectors, rest, out=vectors, where=rest > 0)
    log: Array = np.log(largest.astype(np.float64)) + np.log(np.maximum(rest, 1))
    return log


def _rounding(log: Float[Array, "B K"], vectors: Float[Array, "... S"]) -> Float[Array, "B K"]:
    """The rounding of the longest vector, as a share of each one's length; 0 of an exact zero."""
    share = np.exp(log.max(axis=1, keepdims=True) - log)
    share[np.isneginf(log)] = 0
    scaled: Array = vectors.shape[-1] * float(np.finfo(vectors.dtype).eps) * share
    return scaled


def _is_safe(stretch: Stretch, dtype: np.dtype[Any]) -> bool:
    """Whether these steps together lost no more than a third of the digits, and no range."""
    room = -0.5 * float(np.log(np.finfo(dtype).tiny))
    spread = float(np.ptp(stretch.log, axis=1).max())
    return spread <= _most_spread(dtype) and float(np.abs(stretch.log).max()) <= room


def _next_wait(stretch: Stretch, steps: int, dtype: np.dtype[Any]) -> int:
    """How many steps to take together next, if they stretch the frame as these did."""
    each = float(np.ptp(stretch.log, axis=1).max()) / steps
    if not np.isfinite(each):
        return 1
    return int(np.clip(0.9 * _most_spread(dtype) / max(each, _LEAST), 1, _MOST))


def _most_spread(dtype: np.dtype[Any]) -> float:
    """The log of how many times the shortest vector the longest may be."""
    return -float(np.log(np.finfo(dtype).eps)) / 3
