"""How much memory a result holds."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass

import numpy as np
import pandas as pd

from rnnviz import Network, Record

EACH = 256
"""Bytes that anything takes."""
ELSEWHERE = (Record, Network)
"""What is counted where it is kept."""


def held_bytes(found: object) -> int:
    """The bytes of all arrays in a result, to any depth; an array in two places counts twice."""
    own, parts = 0, list[object]()
    match found:
        case np.ndarray():
            own = found.nbytes
        case pd.DataFrame():
            own = int(found.memory_usage(deep=True).sum())
        case str() | bytes():
            own = len(found)
        case Mapping():
            parts = [*found.values()]
        case list() | tuple():
            parts = [*found]
        case _ if is_dataclass(found) and not isinstance(found, ELSEWHERE):
            parts = [getattr(found, field.name) for field in fields(found)]
    return EACH + own + sum(map(held_bytes, parts))
