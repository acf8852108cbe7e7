"""Does our network give what the model it came from gives?"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from rnnviz.arrays import Array, Float
from rnnviz.bptt import predict
from rnnviz.network import Network

ROUNDING: Final = 1000
"""Largest difference, in units of rounding of the largest output, that many steps may add up to."""


@dataclass(frozen=True)
class Parity:
    """How far the outputs of a model and those of our network are apart on one batch."""

    ours: Float[Array, "T B O"]
    theirs: Float[Array, "T B O"]
    first_step: int
    """The step of our outputs that ``ours[0]`` is: not 0 where only the last one came."""
    note: str = ""
    """How the axes were read, where they were not (T, B, O)."""

    @property
    def difference(self) -> Float[Array, "T B O"]:
        """The size of each difference."""
        difference: Array = np.abs(self.ours - self.theirs)
        return difference

    @property
    def largest(self) -> float:
        """The largest difference."""
        return float(self.difference.max())

    @property
    def where(self) -> tuple[int, int, int]:
        """Step, sequence and output of the largest difference, counted from 0."""
        t, b, o = np.unravel_index(self.difference.argmax(), self.ours.shape)
        return int(t) + self.first_step, int(b), int(o)

    @property
    def relative(self) -> float:
        """The largest difference, as a share of the largest output."""
        return self.largest / max(float(np.abs(self.theirs).max()), np.finfo(float).tiny)

    @property
    def precision(self) -> str | None:
        """The precision whose rounding explains the difference: float64, float32 or None."""
        for name in ("float64", "float32"):
            if self.relative <= ROUNDING * float(np.finfo(name).eps):
                return name
        return None

    @property
    def sentence(self) -> str:
        """What was found, in one sentence."""
        t, b, o = self.where
        place = f"step {t}, sequence {b}, output {o}"
        if self.precision:
            return (
                f"Of {self.ours.size:,} outputs none differs by more than {self.largest:.2e} "
                f"({place}), as rounding in {self.precision} does: the two are the same network."
            )
        return (
            f"Of {self.ours.size:,} outputs the one that differs most does so by "
            f"{self.largest:.3g} ({place}), {self.relative:.2g} times the largest output: more "
            f"than rounding, so the two are not the same network."
        )

    def __str__(self) -> str:
        """The sentence."""
        return self.sentence

    def to_frame(self) -> pd.DataFrame:
        """The largest difference of each step: ``step``, ``sequence``, ``output``, and values."""
        flat = self.difference.reshape(len(self.ours), -1)
        b, o = np.unravel_index(flat.argmax(axis=1), self.ours.shape[1:])
        t = np.arange(len(flat))
        return pd.DataFrame(
            {
                "step": t + self.first_step,
                "sequence": b,
                "output": o,
                "ours": self.ours[t, b, o],
                "theirs": self.theirs[t, b, o],
                "difference": flat.max(axis=1),
            }
        )


def probe(
    network: Network, steps: int = 20, batch_size: int = 4, seed: int = 0
) -> Float[Array, "T B I"]:
    """Inputs to try a model on: normal numbers, each of which float32 holds exactly.

    Parameters
    ----------
    network : Network
    steps : T
    batch_size : B; another number than T, so that a swapped axis shows
    seed : draws the numbers
    """
    rng = np.random.default_rng(seed)
    drawn = rng.standard_normal((steps, batch_size, network.input_size), np.float32)
    return drawn.astype(network.dtype)


def parity(network: Network, x: Float[Array, "T B I"], y: Array) -> Parity:
    """How far a model's outputs are from our network's, on the same inputs from the zero state.

    Parameters
    ----------
    network : Network
    x : (T, B, I), from ``probe``
    y : (T, B, O), (B, T, O) where T and B differ, or (B, O) for the last step alone

    Raises
    ------
    ValueError
        If the outputs have another shape, or are not finite numbers.

    Examples
    --------
    >>> import rnnviz as rv
    >>> network = rv.build(rv.RunConfig(hidden_size=5), input_size=2, output_size=3)
    >>> x = probe(network)
    >>> parity(network, x, rv.predict(network, x)).largest
    0.0
    """
    theirs = np.asarray(y)
    if theirs.dtype.kind not in "fiu":
        raise ValueError(f"the outputs must be finite numbers, got {theirs.dtype}")
    if broken := int((~np.isfinite(theirs)).sum()):
        raise ValueError(
            f"the outputs must be finite numbers, got {broken:,} of {theirs.size:,} infinite or NaN"
        )
    ours = predict(network, x)
    T, B, O = ours.shape
    theirs = theirs.astype(np.float64)
    if theirs.shape == (T, B, O):
        return Parity(ours, theirs, 0)
    if theirs.shape == (B, T, O):
        return Parity(ours, theirs.transpose(1, 0, 2), 0, "the sequences stand first in it")
    if theirs.shape == (B, O):
        return Parity(ours[-1:], theirs[None], T - 1, "it is the last step alone")
    raise ValueError(
        f"the outputs must have the shape (T, B, O) = {ours.shape}, (B, T, O) = {(B, T, O)} or, of "
        f"the last step, (B, O) = {(B, O)}, got {theirs.shape}"
    )
