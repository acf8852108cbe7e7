"""Recurrent cells. To add one: write its module, then name it in ``CELLS``."""

from functools import lru_cache

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

__all__ = ["CELLS", "Adjoint", "Cell", "Highway", "Tape", "Units", "takes"]

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


@lru_cache(maxsize=1024)
def takes(cell: Cell, setting: str) -> bool:
    """Whether a config field changes anything for this cell."""
    if any(setting in kind.settings for kind in CELLS.values()):
        return setting in cell.settings
    shapes = cell.shapes
    needs = {
        "init": len(shapes.get("W_hh", ())) == 2,
        "gain": ("W_hh" in shapes or "w_hh" in shapes) and not cell.scale_free,
        "input_scale": not cell.scale_free,
        "bias": "b_ih" in shapes,
        "bias_value": "b_ih" in shapes,
        "input_variance": "W_hh" in shapes,
    }
    return needs.get(setting, True)
