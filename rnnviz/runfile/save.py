"""A run into a file, all of it or nothing."""

import json
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np
from safetensors.numpy import save

from rnnviz.arrays import Array
from rnnviz.config import RunConfig
from rnnviz.history import History
from rnnviz.losses import Loss
from rnnviz.record import Record
from rnnviz.runfile.head import checksum, text_checksum
from rnnviz.runfile.kept_loss import kept
from rnnviz.runfile.limits import FORMAT, NAME_CHARACTERS, VERSION
from rnnviz.runfile.packed import packed
from rnnviz.runfile.stacked import stacked
from rnnviz.runfile.structure import structure
from rnnviz.runfile.whole import write_new, write_whole


def save_run(
    path: str | Path,
    record: Record,
    *,
    config: RunConfig | None = None,
    loss: Loss | None = None,
    history: History | None = None,
    name: str = "",
    provenance: Mapping[str, str] | None = None,
    replace: bool = True,
) -> Path:
    """Write a whole run to one safetensors file, whose numbers come back to the bit; its path.

    The file appears whole or not at all: it is written beside, brought to the disk, and then
    takes its name, in the place of one that had it.

    Parameters
    ----------
    path : such as ``runs/first.safetensors``
    record : Record
    config : what it was run from, or trained with; not where weights or data came from elsewhere
    loss : what it was made with, if that is ``MSE`` or ``CrossEntropy``; of any other its value
        and its derivative stand in the record
    history : of the training that made the network
    name : what to call the run: any text
    provenance : more to tell of where it came from
    replace : whether it takes the place of a file of that name; if not, and there is one, a
        number is put behind the name, whoever else writes there at the time

    Raises
    ------
    ValueError
        If the network has a cell that is not one of ``CELLS``, or the name is too long.
    OSError
        If the file cannot be written: with the folder, the bytes it needs and those free there.

    Examples
    --------
    >>> import tempfile
    >>> import rnnviz as rv
    >>> config = rv.RunConfig(hidden_size=3, steps=4, batch_size=2)
    >>> record = rv.run(config)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = rv.save_run(f"{folder}/a.safetensors", record, config=config)
    ...     saved = rv.load_run(f"{folder}/a.safetensors")
    >>> saved.config == config, bool((saved.record.dh == record.dh).all())
    (True, True)
    """
    data = run_bytes(
        record, config=config, loss=loss, history=history, name=name, provenance=provenance
    )
    if not replace:
        return write_new(Path(path), data)
    write_whole(Path(path), data)
    return Path(path)


def run_bytes(
    record: Record,
    *,
    config: RunConfig | None = None,
    loss: Loss | None = None,
    history: History | None = None,
    name: str = "",
    provenance: Mapping[str, str] | None = None,
) -> bytes:
    """What ``save_run`` writes, for those who have no file; the same arguments and errors."""
    if len(name) > NAME_CHARACTERS:
        raise ValueError(f"name must be at most {NAME_CHARACTERS} characters, got {len(name)}")
    of_loss, loss_arrays = kept(loss)
    of_history, history_arrays = stacked(history) if history else (None, {})
    arrays = packed(record) | loss_arrays | history_arrays
    turned = [key for key, array in arrays.items() if _is_fortran(array)]
    laid = {key: _laid(array.T if key in turned else array) for key, array in arrays.items()}
    told = {
        "name": name,
        "config": config and {"kind": type(config).__name__, "settings": _settings(config)},
        "network": structure(record.network),
        "loss": of_loss,
        "history": of_history,
        "transposed": turned,
        "provenance": _provenance(record) | dict(provenance or {}),
    }
    head = json.dumps(told)
    return save(
        laid,
        {
            "format": FORMAT,
            "version": str(VERSION),
            "head": head,
            "head_sha256": text_checksum(head),
            "data_sha256": checksum(laid),
        },
    )


def _is_fortran(array: Array) -> bool:
    """Whether an array lies column by column: products of it round in another order."""
    return bool(array.flags.f_contiguous and not array.flags.c_contiguous)


def _laid(array: Array) -> Array:
    little = array.dtype.newbyteorder("<")
    return np.ascontiguousarray(array, little).reshape(array.shape)


def _settings(config: RunConfig) -> dict[str, object]:
    return config.model_dump(mode="json")


def _provenance(record: Record) -> dict[str, str]:
    return {
        "loss": repr(record.loss),
        "rnnviz": version("rnnviz"),
        "numpy": np.__version__,
        "python": platform.python_version(),
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
    }
