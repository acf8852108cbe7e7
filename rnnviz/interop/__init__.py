"""Models from elsewhere: weights of PyTorch, Keras and Flax as networks of ours.

    read_arrays(data, name) -> recognise(arrays) -> .network() -> parity(network, probe(network), y)

No pickle is opened, and no framework is imported.
"""

from rnnviz.interop.parity import Parity, parity, probe
from rnnviz.interop.read import read_arrays
from rnnviz.interop.recognise import load, recognise
from rnnviz.interop.recognised import Recognised

__all__ = ["Parity", "Recognised", "load", "parity", "probe", "read_arrays", "recognise"]
