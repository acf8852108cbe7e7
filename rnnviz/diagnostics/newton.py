"""At which states does one step change nothing?"""

import numpy as np

from rnnviz.arrays import Array, Bool, Float
from rnnviz.diagnostics.state_map import StateMap
from rnnviz.stopping import breathe

TOLERANCE = 1e-10
"""A state stands still where |F(s) - s| is at most this times (1 + |s|)."""
_FINEST = 1e-15
"""Where steps end: nearer than this, rounding decides."""
_STEPS, _HALVINGS = 100, 30
_ENOUGH = 1e-4
"""The share of what a step promises that it has to keep: Armijo's rule."""
MERGED = 1e-4
"""Two points nearer than this times (1 + |s|) are one."""
_BYTES = 1 << 26
"""That the Jacobians of the starts that are worked on at once may take."""


def newton(step: StateMap, starts: Float[Array, "B S"]) -> tuple[Array, Float[Array, " B"]]:
    """Where Newton's method for F(s) = s ends from each start, and |F(s) - s| there.

    All starts take their steps side by side. Each step is halved until the speed falls enough;
    a start for which no length helps stays where it is.
    """
    s = starts.copy()
    residual = np.linalg.norm(step(s) - s, axis=1)
    going = np.arange(len(s))
    for _ in range(_STEPS):
        breathe()
        going = going[residual[going] > _FINEST * (1 + np.linalg.norm(s[going], axis=1))]
        if not len(going):
            break
        going = going[_moved(step, s, residual, going)]
    return s, residual


def _moved(step: StateMap, s: Array, residual: Array, going: Array) -> Bool[Array, " M"]:
    """Take one step of every row that is going, in place, and say which of them moved."""
    whole = _whole_steps(step, s[going])
    waiting: Array = np.asarray(np.isfinite(whole).all(axis=1))
    moved = np.zeros(len(going), bool)
    length = 1.0
    for _ in range(_HALVINGS):
        at = np.flatnonzero(waiting)
        if not len(at):
            break
        trial = s[going[at]] + length * whole[at]
        speed = np.linalg.norm(step(trial) - trial, axis=1)
        falls = speed < (1 - _ENOUGH * length) * residual[going[at]]
        s[going[at[falls]]], residual[going[at[falls]]] = trial[falls], speed[falls]
        moved[at[falls]] = True
        waiting[at[falls]] = False
        length /= 2
    return moved


def _whole_steps(step: StateMap, s: Float[Array, "B S"]) -> Float[Array, "B S"]:
    """Newton's step d of each row, (J - I) d = s - F(s); the shortest where there are many."""
    after, J = step.linearised(s)
    matrix, right = J - np.eye(s.shape[1]), (s - after)[..., None]
    finite = np.isfinite(matrix).all(axis=(1, 2)) & np.isfinite(right).all(axis=(1, 2))
    steps = np.full(s.shape, np.nan)
    try:
        steps[finite] = np.linalg.solve(matrix[finite], right[finite])[..., 0]
    except np.linalg.LinAlgError:  # exactly singular: of one row, but it stops all
        steps[finite] = (np.linalg.pinv(matrix[finite], rcond=1e-12) @ right[finite])[..., 0]
    return steps


def searched(step: StateMap, s: Float[Array, "B S"]) -> tuple[Array, Array]:
    """Where Newton's method ends from each start, as many at once as memory allows."""
    size = max(1, _BYTES // (8 * s.shape[1] ** 2))
    found = [newton(step, s[at : at + size]) for at in range(0, len(s), size)]
    points, residuals = zip(*found, strict=True)
    return np.concatenate(points), np.concatenate(residuals)


def merged(s: Float[Array, "B S"], residual: Float[Array, " B"]) -> tuple[Array, Array]:
    """One row for each point that is not the same as another, and how many starts led to it."""
    first: list[int] = []
    led: list[int] = []
    for row in np.argsort(residual, kind="stable"):
        apart = np.linalg.norm(s[first] - s[row], axis=1)
        same = np.flatnonzero(apart <= MERGED * (1 + np.linalg.norm(s[row])))
        if len(same):
            led[same[0]] += 1
        else:
            first.append(int(row))
            led.append(1)
    order = np.argsort(-np.array(led, int), kind="stable")
    return np.array(first, int)[order], np.array(led, int)[order]
