"""Whether a run may be begun: what it will take is known before, and refused with the numbers."""

from typing import Final

from dashboard.limits import RUN_LIMIT, RUN_SECONDS
from rnnviz import RunConfig
from rnnviz.cost import Cost, estimate
from rnnviz.run import check_outputs, record_bytes

SIZES: Final = ("steps", "batch_size", "hidden_size", "layers")
"""Settings that make a run smaller."""


def checked(config: RunConfig) -> Cost:
    """What a run will take.

    Raises
    ------
    ValueError
        If that is too much, with the numbers and what to lower; or the outputs are too few.
    """
    cost = estimate(config)
    if cost.bytes > RUN_LIMIT or cost.seconds > RUN_SECONDS:
        raise ValueError(
            f"the run must take at most {RUN_LIMIT >> 20} MB and {RUN_SECONDS:.0f} s, got "
            f"{cost.bytes / 2**20:,.0f} MB and about {cost.seconds:,.0f} s: lower "
            f"{_dearest(config)} most of all"
        )
    check_outputs(config)
    return cost


def _dearest(config: RunConfig) -> str:
    """The setting whose half would save the most, by its name and its value."""
    by_bytes = record_bytes(config) > RUN_LIMIT

    def left(name: str) -> float:
        half = config.replace(**{name: max(1, getattr(config, name) // 2)})
        return record_bytes(half) if by_bytes else estimate(half).seconds

    name = min(SIZES, key=left)
    return f"{name} ({getattr(config, name):,})"
