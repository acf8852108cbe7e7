"""How many units have stopped listening?"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from rnnviz.arrays import Array, Float
from rnnviz.record import Record


@dataclass(frozen=True)
class Saturation:
    """How flat the units are at each step, over the batch and the units of one layer."""

    share: Float[Array, " T"]
    """Share of units within ``margin`` of an end of their range: flat, so hardly any gradient."""
    mean_square_slope: Float[Array, " T"]
    """Mean square of the activation's derivative: what a step keeps of a squared gradient."""
    margin: float

    @property
    def rms_slope(self) -> float:
        """Root mean square slope over all steps: how much of each step the flat units cost."""
        return float(np.sqrt(self.mean_square_slope.mean()))

    def to_frame(self) -> pd.DataFrame:
        """One row a step: share of saturated units and root mean square slope."""
        return pd.DataFrame(
            {
                "t": np.arange(1, len(self.share) + 1),
                "saturated_share": self.share,
                "rms_slope": np.sqrt(self.mean_square_slope),
            }
        )


def saturation(record: Record, layer: int | None = None, margin: float = 0.05) -> Saturation:
    """The share of flat units, and the mean square slope, at each step.

    Glorot and Bengio (2010), section 3, on saturated units; Sompolinsky, Crisanti and Sommers
    (1988) on the mean square slope as the gain that a random network keeps.

    Parameters
    ----------
    record : Record
    layer : the top one by default
    margin : how near to an end of its range a unit counts as flat, as a share of the range;
        a ReLU is flat where it is off, a linear unit never

    Raises
    ------
    ValueError
        If the cell has gates: each is flat at times of its own, see ``gates``.

    Examples
    --------
    >>> import rnnviz as rv
    >>> record = rv.run(rv.RunConfig(cell="linear", steps=5))
    >>> saturation(record).share.tolist()
    [0.0, 0.0, 0.0, 0.0, 0.0]
    """
    number = record.network.top if layer is None else layer
    cell = record.network.layers[number].cell
    with np.errstate(all="ignore"):
        units = cell.units(record.layers[number].tape)
        if units is None:
            raise ValueError(f"saturation takes a cell with one nonlinearity, got {cell.title}")
        low, high = units.span
        edge = margin * (high - low) if np.isfinite(high - low) else 0.0
        flat = (units.value <= low + edge) | (units.value >= high - edge)
        flat &= np.isfinite(units.value)
        mean_square = np.mean(units.slope**2, axis=(1, 2))
    return Saturation(flat.mean(axis=(1, 2)), mean_square, margin)
