"""Recurrent cells. To add one: write its module, then name it in ``CELLS``."""

from rnnviz.cells.base import Adjoint, Cell, Highway, Tape
from rnnviz.cells.gru import GRU
from rnnviz.cells.lstm import LSTM
from rnnviz.cells.vanilla import Linear, ReLU, Sigmoid, Tanh

__all__ = ["CELLS", "Adjoint", "Cell", "Highway", "Tape"]

CELLS: dict[str, type[Cell]] = {
    "tanh": Tanh,
    "relu": ReLU,
    "linear": Linear,
    "sigmoid": Sigmoid,
    "lstm": LSTM,
    "gru": GRU,
}
