"""A run from a file: the record that was saved, and what it came from."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, deserialize

from rnnviz.arrays import Array, frozen
from rnnviz.config import RunConfig, TrainConfig
from rnnviz.history import History
from rnnviz.losses import Loss
from rnnviz.record import Record
from rnnviz.runfile.head import TYPES, Head, checksum, head_of
from rnnviz.runfile.kept_loss import loss_from
from rnnviz.runfile.limits import FILE_BYTES, SENTENCE, called, short
from rnnviz.runfile.packed import unpacked
from rnnviz.runfile.stacked import unstacked
from rnnviz.runfile.structure import network_from

_CONFIGS: dict[str, type[RunConfig]] = {"RunConfig": RunConfig, "TrainConfig": TrainConfig}


@dataclass(frozen=True, slots=True)
class SavedRun:
    """What a run file holds."""

    record: Record
    loss: Loss
    """What the record was made with; near its outputs alone where that was a loss of another
    kind than ours."""
    config: RunConfig | None
    history: History | None
    name: str
    provenance: Mapping[str, str]
    """What wrote it, when, and with which versions."""


def load_run(path: str | Path | bytes, name: str = "") -> SavedRun:
    """The run that ``save_run`` wrote: every number is the saved one, and nothing is run again.

    Parameters
    ----------
    path : a file, or what is in it
    name : how a file of which only the bytes are there is called in an error

    Raises
    ------
    ValueError
        One sentence that names the file and the cause: it is torn, damaged, of another kind,
        written by a newer version, or does not fit together.
    OSError
        If it cannot be opened.
    """
    if isinstance(path, bytes):
        data, file = path, called(name)
    else:
        data, file = _read(Path(path)), called(path)
    head = head_of(io.BytesIO(data), len(data), file)
    arrays = _arrays(data, head)
    try:
        return _saved(head, arrays)
    except (ValueError, TypeError, OverflowError) as cause:
        raise ValueError(f"{file} is damaged: {short(cause, SENTENCE)}") from None


def _read(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(FILE_BYTES + 1)


def _arrays(data: bytes, head: Head) -> dict[str, Array]:
    try:
        tensors = deserialize(data)  # type: ignore[no-untyped-call]
    except (SafetensorError, OverflowError) as broken:
        raise ValueError(f"{head.file} is damaged: {broken}") from None
    arrays = {
        name: np.frombuffer(told["data"], TYPES[told["dtype"]]).reshape(told["shape"])
        for name, told in tensors
    }
    if checksum(arrays) != head.data_sha256:
        raise ValueError(f"{head.file} is damaged: its numbers are not those that were written")
    turned = head.told.get("transposed")
    if not isinstance(turned, list) or not all(turn in [*arrays] for turn in turned):
        raise ValueError(f"{head.file} is damaged: it must hold the arrays it calls transposed")
    for key in turned:
        arrays[key] = arrays[key].T
    return {name: frozen(array) for name, array in arrays.items()}


def _saved(head: Head, arrays: dict[str, Array]) -> SavedRun:
    told = head.told
    params = {k.removeprefix("param."): W for k, W in arrays.items() if k.startswith("param.")}
    network = network_from(_table(told, "network"), params)
    record = unpacked(network, arrays)
    history = unstacked(_table(told, "history"), arrays, network) if told.get("history") else None
    loss = loss_from(_table(told, "loss"), arrays, record)
    return SavedRun(record, loss, _config(told), history, head.name, head.provenance)


def _table(told: Mapping[str, Any], name: str) -> dict[str, Any]:
    table = told.get(name)
    if not isinstance(table, dict):
        raise ValueError(f"its {name} must be a table")
    return table


def _config(told: Mapping[str, Any]) -> RunConfig | None:
    match told.get("config"):
        case None:
            return None
        case {"kind": str(kind), "settings": dict(settings)} if kind in _CONFIGS:
            return _CONFIGS[kind](**settings)
        case _:
            raise ValueError(f"its config must be one of {[*_CONFIGS]}")
