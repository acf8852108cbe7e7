"""Recurrent cells. To add one: write its module, then name it in ``CELLS``."""

from rnnviz.cells.antisymmetric import Antisymmetric
from rnnviz.cells.base import Adjoint, Cell, Highway, Tape, Units
from rnnviz.cells.gru import GRU
from rnnviz.cells.gru_cho import ChoGRU
from rnnviz.cells.gru_norm import GRUNorm
from rnnviz.cells.indrnn import IndRNN
from rnnviz.cells.leaky import Leaky
from rnnviz.cells.lru import LRU
from rnnviz.cells.lstm import LSTM
from rnnviz.cells.lstm_norm import LSTMNorm
from rnnviz.cells.mgu import MGU
from rnnviz.cells.peephole import PeepholeLSTM
from rnnviz.cells.tanh_norm import TanhNorm
from rnnviz.cells.vanilla import Linear, ReLU, Sigmoid, Tanh

__all__ = ["CELLS", "Adjoint", "Cell", "Highway", "Tape", "Units"]

CELLS: dict[str, type[Cell]] = {
    "tanh": Tanh,
    "relu": ReLU,
    "linear": Linear,
    "sigmoid": Sigmoid,
    "lstm": LSTM,
    "gru": GRU,
    "gru_cho": ChoGRU,
    "lstm_peephole": PeepholeLSTM,
    "mgu": MGU,
    "antisymmetric": Antisymmetric,
    "leaky": Leaky,
    "indrnn": IndRNN,
    "lru": LRU,
    "tanh_norm": TanhNorm,
    "lstm_norm": LSTMNorm,
    "gru_norm": GRUNorm,
}
