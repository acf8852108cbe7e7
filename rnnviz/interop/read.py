"""Named arrays of a file of weights, whatever its format; no framework is imported for them."""

import importlib.util
import zipfile
from typing import Final

from rnnviz.arrays import Array
from rnnviz.interop import zips
from rnnviz.interop.apart import in_child
from rnnviz.interop.hdf5 import SETTINGS, read_hdf5, settings_of
from rnnviz.interop.kinds import check_kind, kind_of
from rnnviz.interop.limits import check_bytes, shown
from rnnviz.interop.npz import read_npz
from rnnviz.interop.tensors import read_safetensors
from rnnviz.interop.torch_file import read_torch

_TORCH_MEMORY: Final = 3 << 30
"""PyTorch's libraries take much of a process's address space before a file does."""
_KERAS_WEIGHTS: Final = "model.weights.h5"


def read_arrays(data: bytes, name: str) -> dict[str, Array]:
    """Every array of a file by its name: ``.safetensors``, ``.npz``, ``.h5``, ``.keras``, ``.pt``.

    No pickle is opened: a ``.pt`` file is read by PyTorch's reader of weights alone, and only
    where PyTorch is installed. HDF5 and PyTorch read in a process of their own. What Keras says
    of its layers comes as bytes under ``config.json``.

    Parameters
    ----------
    data : the file
    name : what it is called; its ending must be that of what it is, or none that is known

    Raises
    ------
    ValueError
        One sentence that names the file and the cause.

    Examples
    --------
    >>> import io
    >>> import numpy as np
    >>> file = io.BytesIO()
    >>> np.savez(file, W_hh=np.eye(2))
    >>> read_arrays(file.getvalue(), "weights.npz")
    {'W_hh': array([[1., 0.],
           [0., 1.]])}
    """
    check_bytes(len(data), name)
    archive = zips.opened(data, name) if zips.is_zip(data) else None
    kind = kind_of(data, archive.namelist() if archive else [])
    check_kind(kind, name)
    if archive is not None:
        return _unpacked(archive, kind, data, name)
    if kind == "hdf5":
        return in_child(read_hdf5, data, name)
    return _torch(data, name) if kind == "pytorch" else read_safetensors(data, name)


def _unpacked(archive: zipfile.ZipFile, kind: str, data: bytes, name: str) -> dict[str, Array]:
    if kind == "npz":
        return read_npz(archive, name)
    if kind == "pytorch":
        return _torch(data, name)
    weights = zips.member(archive, archive.getinfo(_KERAS_WEIGHTS), name)
    arrays = in_child(read_hdf5, weights, name)
    if SETTINGS in archive.namelist():
        text = zips.member(archive, archive.getinfo(SETTINGS), name)
        arrays[SETTINGS] = settings_of(text, name)
    return arrays


def _torch(data: bytes, name: str) -> dict[str, Array]:
    if importlib.util.find_spec("torch") is None:
        raise ValueError(
            f"{shown(name)} is opened by PyTorch, which is not installed here: save the module's "
            f"state_dict() as .safetensors or .npz"
        )
    return in_child(read_torch, data, name, memory=_TORCH_MEMORY)
