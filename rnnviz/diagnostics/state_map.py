"""What does one step do to a state, under an input that stays the same?"""

from dataclasses import dataclass

import numpy as np

from rnnviz.adjoint import pull_back
from rnnviz.arrays import Array, Float
from rnnviz.network import Layer
from rnnviz.record import LayerRecord
from rnnviz.unroll import forward


@dataclass(frozen=True)
class StateMap:
    """F, which takes a state of one layer to the next; states are rows, mapped side by side.

    All is computed in float64, whatever the precision of the weights.
    """

    layer: Layer
    x: Float[Array, " I"]
    """What the layer reads at every step."""

    def __call__(self, s: Float[Array, "B S"]) -> Float[Array, "B S"]:
        """F(s) of each row."""
        after: Array = self._record(s).s[-1]
        return after

    def linearised(self, s: Float[Array, "B S"]) -> tuple[Float[Array, "B S"], Array]:
        """F(s), and the exact Jacobian at each row: entry [b, m, n] is dF_m / ds_n.

        The cell's own backward step pulls back the S unit vectors, all rows at once.
        """
        seen, size = self._record(s), s.shape[1]
        units = np.zeros((size, *s.shape))
        units[np.arange(size), :, np.arange(size)] = 1
        (pulled,) = pull_back(self.layer, seen, units)
        return seen.s[-1], np.moveaxis(pulled, 0, 1)

    def _record(self, s: Float[Array, "B S"]) -> LayerRecord:
        """One step from each row, as a record that nothing has come back through yet."""
        x = np.broadcast_to(self.x, (1, len(s), len(self.x)))
        tape = forward(self.layer, np.ascontiguousarray(x), s)
        return LayerRecord(x, np.empty_like(tape.a), {}, {}, tape, {})


def state_map(layer: Layer, x: Float[Array, " I"]) -> StateMap:
    """The map of one layer's states under this constant input.

    Examples
    --------
    >>> import rnnviz as rv
    >>> cell = rv.CELLS["tanh"](input_size=1, hidden_size=1)
    >>> params = {name: np.zeros(shape) for name, shape in cell.shapes.items()}
    >>> params["W_hh"] += 2
    >>> step = state_map(rv.Layer(cell, params), np.zeros(1))
    >>> step(np.array([[0.5]])).round(4), step.linearised(np.array([[0.0]]))[1]
    (array([[0.7616]]), array([[[2.]]]))
    """
    params = {name: W.astype(np.float64) for name, W in layer.params.items()}
    return StateMap(Layer(layer.cell, params), x.astype(np.float64))
