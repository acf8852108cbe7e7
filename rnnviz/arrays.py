"""Array types and the axis letters.

========  =======================  ========  ==========================================
letter    axis                     letter    axis
========  =======================  ========  ==========================================
``T``     time steps               ``S``     state size: H, or 2H for an LSTM
``B``     sequences in the batch   ``G``     gates: 1, 3 or 4
``I``     inputs                   ``O``     outputs
``H``     hidden units             ``N``     states: T+1, the initial one first
========  =======================  ========  ==========================================

Step t maps the state ``s[t]`` to ``s[t + 1]``, so an array of states has T+1 rows and
``s[0]`` is the initial state. Lag k is how far back from the loss: for a loss at T it is
the state ``s[T - k]``.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Float, Int

if TYPE_CHECKING:
    Array = np.ndarray[Any, Any]
else:
    Array = np.ndarray

__all__ = ["Array", "Bool", "Float", "Int", "Params", "PerStep", "frozen"]

Params = dict[str, Array]
"""Parameters by name: ``W_ih``, ``W_hh``, ``b_ih``, ``b_hh``."""

PerStep = Sequence[Array] | Array
"""One array a step: a list of them, or the rows of a whole."""


def frozen(array: Array) -> Array:
    """The same array, which can no longer be written to."""
    array.setflags(write=False)
    return array


def keep_freed_memory() -> None:
    """Let what is computed next use the memory that was used before.

    glibc hands freed blocks back to the system, and half of a training step went into getting
    them again page by page. Freeing one untouched block of nearly 32 MB raises its limit for
    that, to the largest size it allows. Elsewhere this does nothing, nor where there is no room.
    """
    with suppress(MemoryError):
        np.empty((32 << 20) - (1 << 14), np.uint8)
