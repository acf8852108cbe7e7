"""Arrays of a file that PyTorch wrote, where it is installed: to be run by ``apart``.

PyTorch's own reader of weights alone is used, which calls nothing that the file names.
"""

import io
import pickle
from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from rnnviz.arrays import Array
from rnnviz.interop.limits import check_count, check_unpacked, one_line, shown

DEPTH: Final = 8
"""How deep dictionaries may lie in each other."""


def read_torch(data: bytes, name: str) -> dict[str, Array]:
    """Every tensor by its name; those of a dictionary in a dictionary with a dot between.

    Raises
    ------
    ValueError
        If the file holds more than weights, or is damaged.
    """
    import torch

    try:
        found = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise ValueError(
            f"{shown(name)} must hold weights alone, got Python objects, which are never opened: "
            f"save the module's state_dict()"
        ) from None
    except (RuntimeError, OSError, EOFError, KeyError, TypeError, AttributeError) as broken:
        words = one_line(str(broken).splitlines()[0] if str(broken) else type(broken).__name__)
        raise ValueError(f"{shown(name)} is damaged: {words}") from None
    tensors = dict(_tensors(found, "", 0))
    check_count(len(tensors), name)
    check_unpacked(sum(tensor.numel() * 8 for tensor in tensors.values()), name)
    return {key: _array(tensor, key, name) for key, tensor in tensors.items()}


def _tensors(found: Any, path: str, depth: int) -> Iterator[tuple[str, Any]]:
    import torch

    if isinstance(found, torch.Tensor):
        yield path or "weight", found
    elif isinstance(found, dict) and depth < DEPTH:
        for key, value in found.items():
            yield from _tensors(value, f"{path}.{key}" if path else str(key), depth + 1)


def _array(tensor: Any, key: str, name: str) -> Array:
    import torch

    if tensor.layout != torch.strided or tensor.is_quantized or tensor.is_complex():
        raise ValueError(
            f"{one_line(key)} in {shown(name)} must be a dense tensor of real numbers, "
            f"got {tensor.dtype}, {tensor.layout}"
        )
    whole = tensor.detach()
    if whole.dtype == torch.bfloat16:
        whole = whole.float()
    return np.array(whole.numpy())
