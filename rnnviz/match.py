"""How large must another cell be for a fair comparison?"""

from math import prod
from typing import Literal, TypeVar

from rnnviz.cells import CELLS, Cell
from rnnviz.config import RunConfig
from rnnviz.fields import bounds
from rnnviz.tasks import TASKS

By = Literal["hidden_size", "parameters"]
C = TypeVar("C", bound=RunConfig)


def parameter_count(config: RunConfig) -> int:
    """How many numbers the network of a config learns: every layer's, and the readout's.

    Raises
    ------
    ValueError
        If the cell's units come in pairs and the hidden size is odd.

    Examples
    --------
    >>> parameter_count(RunConfig(cell="tanh", hidden_size=64))  # 64 · (1 + 64 + 2) + 64 + 1
    4353
    >>> parameter_count(RunConfig(cell="lstm", hidden_size=64, readout="none"))
    17152
    """
    task, kind = TASKS[config.task], CELLS[config.cell]
    directions = 1 + (config.directions == "both")
    total, size = 0, task.input_size
    for _ in range(config.layers):
        total += directions * _of_layer(kind(size, config.hidden_size), config)
        size = config.hidden_size * directions
    readout = 0 if config.readout == "none" else task.output_size * (size + 1)
    return total + readout


def _of_layer(cell: Cell, config: RunConfig) -> int:
    single = config.bias == "single" and cell.one_bias
    return sum(
        prod(shape) for name, shape in cell.shapes.items() if not (single and name == "b_hh")
    )


def matched(config: C, cell: str, by: By = "hidden_size") -> C:
    """The same config with another cell of the same hidden size, or of as many parameters.

    Parameters
    ----------
    config : what the other is to be compared with
    cell : a name from ``CELLS``
    by : "hidden_size" keeps H, one more where units come in pairs; "parameters" takes the H
        whose parameter count is nearest, the smaller of two that are equally near

    Raises
    ------
    ValueError
        If there is no such cell, or no such way to match.

    Examples
    --------
    >>> config = RunConfig(cell="tanh", hidden_size=64)
    >>> lstm = matched(config, "lstm", by="parameters")
    >>> lstm.hidden_size, parameter_count(lstm), parameter_count(config)
    (31, 4248, 4353)
    """
    other = config.replace(cell=cell)
    if by == "parameters":
        return with_parameters(other, parameter_count(config))
    if by != "hidden_size":
        raise ValueError(f"by must be one of ['hidden_size', 'parameters'], got {by!r}")
    step = 1 + CELLS[cell].in_pairs
    size = -(-config.hidden_size // step) * step
    return other.replace(hidden_size=max(size, _smallest(other, step)))


def with_parameters(config: C, count: int) -> C:
    """The same config at the hidden size whose parameter count is nearest to ``count``.

    Examples
    --------
    >>> with_parameters(RunConfig(cell="gru"), 4353).hidden_size
    36
    """
    step = 1 + CELLS[config.cell].in_pairs
    low, high = _smallest(config, step), int(bounds(RunConfig.model_fields["hidden_size"])[1])
    while high - low > step:  # the count grows with H
        middle = (low + high) // (2 * step) * step
        if parameter_count(config.replace(hidden_size=middle)) <= count:
            low = middle
        else:
            high = middle
    both = [config.replace(hidden_size=size) for size in (low, high)]
    return min(both, key=lambda found: abs(parameter_count(found) - count))


def _smallest(config: RunConfig, step: int) -> int:
    return -(-config.fewest_units // step) * step
