"""Recurrent cells. To add one: write its module, then name it in ``CELLS``."""

from rnnviz.cells.base import Adjoint, Cell, Tape
from rnnviz.cells.vanilla import Linear, ReLU, Sigmoid, Tanh

__all__ = ["CELLS", "Adjoint", "Cell", "Tape"]

CELLS: dict[str, type[Cell]] = {
    "tanh": Tanh,
    "relu": ReLU,
    "linear": Linear,
    "sigmoid": Sigmoid,
}
