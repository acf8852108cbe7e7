"""Models and data from elsewhere: weights as networks of ours, tables and texts as tasks.

    read_arrays(data, name) -> recognise(arrays) -> .network() -> parity(network, probe(network), y)
    read_table(data, name) -> series(table, columns); text(characters); sequences(arrays)

No pickle is opened, and no framework is imported.
"""

from rnnviz.interop.parity import Parity, parity, probe
from rnnviz.interop.read import read_arrays
from rnnviz.interop.recognise import load, recognise
from rnnviz.interop.recognised import Recognised
from rnnviz.interop.sequences import sequences
from rnnviz.interop.series import series
from rnnviz.interop.suggest import suggest
from rnnviz.interop.table import Table, read_table
from rnnviz.interop.text import read_text, text

__all__ = [
    "Parity",
    "Recognised",
    "Table",
    "load",
    "parity",
    "probe",
    "read_arrays",
    "read_table",
    "read_text",
    "recognise",
    "sequences",
    "series",
    "suggest",
    "text",
]
