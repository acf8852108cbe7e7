"""Readers in a process of their own: a file that breaks one, or eats memory, breaks nothing else.

HDF5 and Parquet are read by much C code, which a file can be made to crash. What comes back is
arrays alone, as ``.npz`` and without pickle.
"""

import io
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import numpy as np

from rnnviz.arrays import Array
from rnnviz.interop.limits import (
    READ_MEMORY,
    READ_PATIENCE,
    READ_SECONDS,
    READERS,
    amount,
    shown,
)

Reader = Callable[[bytes, str], Mapping[str, Array]]

_ALONE: Final = Path(__file__).with_name("alone.py")
_LIBRARIES: Final = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
_turns = threading.BoundedSemaphore(READERS)


def in_child(
    reader: Reader,
    data: bytes,
    name: str,
    *,
    memory: int = READ_MEMORY,
    seconds: int = READ_SECONDS,
) -> dict[str, Array]:
    """What a reader makes of a file, in a process with little memory and little time.

    Parameters
    ----------
    reader : a function at the top of a module of this package, ``reader(data, name) -> arrays``
        Its arrays hold numbers, text of fixed width or dates, no objects. A ``ValueError`` that it
        raises is raised here, with the same words. The module is imported without
        ``rnnviz/__init__.py``, so that the process is there soon: it should import little.
    data : the file
    name : what it is called, for the errors
    memory : address space of the process, in bytes
    seconds : its processor time

    Raises
    ------
    ValueError
        If the reader refuses the file, or ends without an answer.
    """
    request = {
        "root": str(Path(__file__).parents[2]),
        "module": reader.__module__,
        "function": reader.__qualname__,
        "name": name,
        "memory": memory,
        "seconds": seconds,
    }
    with _turns:
        code, said = _ask(json.dumps(request).encode() + b"\n" + data)
    if code != 0 or not said:
        raise ValueError(f"{shown(name)} {_ending(code, seconds)}")
    if said[:1] == b"!":
        raise ValueError(said[1:].decode(errors="replace"))
    if said[:1] == b"M":
        raise ValueError(f"{shown(name)} needs more than the {amount(memory)} there are to read it")
    with np.load(io.BytesIO(said[1:]), allow_pickle=False) as arrays:
        return dict(arrays)


def _ask(question: bytes) -> tuple[int | None, bytes]:
    """The exit code, or None where patience ended first, and what was answered."""
    with subprocess.Popen(
        (sys.executable, "-I", str(_ALONE)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | _LIBRARIES,
        start_new_session=True,
    ) as process:
        try:
            said, _ = process.communicate(question, timeout=READ_PATIENCE)
        except subprocess.TimeoutExpired:
            return None, b""
        finally:
            process.kill()
        return process.returncode, said


def _ending(code: int | None, seconds: int) -> str:
    if code is None:
        return f"takes longer than {READ_PATIENCE:.0f} s to read"
    if -code in {getattr(signal, "SIGXCPU", 0), getattr(signal, "SIGKILL", 0)} - {0}:
        return f"takes longer than {seconds} s of processor time to read"
    end = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    return f"is damaged, or is not what its name says: its reader ended with {end}"
