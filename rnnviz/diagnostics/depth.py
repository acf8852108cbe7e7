"""Which layers does the gradient reach, and when?"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from rnnviz.adjoint import scaled_bptt
from rnnviz.arrays import Array, Float, Int
from rnnviz.diagnostics.gradient_flow import Source, derivative_from, log10_mean
from rnnviz.record import Record


@dataclass(frozen=True)
class Depth:
    """The norm of dL/ds_t at every state of every layer, in log10."""

    source: Source
    loss_state: int
    """The state that the travelling loss looks at first, as layers that read forward count."""
    names: tuple[str, ...]
    """Of the layers, from the input up: a row each."""
    log10_norm: Float[Array, "L N"]
    """log10 of the batch mean of the Euclidean norm; -inf for exact zeros.

    A reverse layer's states are put where they lie in time: at t the one that has read the inputs
    from t on.
    """
    batch_size: int

    @property
    def t(self) -> Int[Array, " N"]:
        """Index of each state, 0 to T."""
        return np.arange(self.log10_norm.shape[1])

    def to_frame(self) -> pd.DataFrame:
        """One row a layer and state: layer, t, log10 of the mean norm."""
        layers, states = self.log10_norm.shape
        return pd.DataFrame(
            {
                "layer": np.repeat(self.names, states),
                "t": np.tile(self.t, layers),
                "log10_norm": self.log10_norm.ravel(),
            }
        )


def depth(record: Record, source: Source = "last") -> Depth:
    """The norm of dL/ds_t at every state of every layer, with its scale carried along.

    Parameters
    ----------
    record : Record
    source : "last" for the loss of the last step that has any, "total" for the whole loss

    Examples
    --------
    >>> import rnnviz as rv
    >>> result = depth(rv.run(rv.RunConfig(layers=3, steps=6)))
    >>> result.names, result.log10_norm.shape
    (('l0', 'l1', 'l2'), (3, 7))
    """
    dy, last = derivative_from(record, source)
    norms = [log10_mean(flow.log10_norm()) for flow in scaled_bptt(record, dy)]
    in_time = [
        norm[::-1] if layer.reverse else norm
        for norm, layer in zip(norms, record.network.layers, strict=True)
    ]
    return Depth(source, last + 1, record.network.names, np.stack(in_time), record.batch_size)
