"""A whole run in one file: a record to the bit, and what it came from.

    save_run(path, record, config=...) -> a safetensors file -> load_run(path) -> SavedRun

Any reader of safetensors opens it. A folder of such files is a gallery: ``runs`` reads their heads.
"""

from rnnviz.runfile.folder import Gallery, newest, runs
from rnnviz.runfile.head import Head, read_head
from rnnviz.runfile.load import SavedRun, load_run
from rnnviz.runfile.save import run_bytes, save_run

__all__ = [
    "Gallery",
    "Head",
    "SavedRun",
    "load_run",
    "newest",
    "read_head",
    "run_bytes",
    "runs",
    "save_run",
]
