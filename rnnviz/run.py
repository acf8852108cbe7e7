"""From a config to a record: build the network, draw the data, run BPTT once."""

from dataclasses import replace
from math import ceil, prod
from typing import Literal

import numpy as np

from rnnviz.bptt import bptt
from rnnviz.build import build
from rnnviz.cells import CELLS, Cell
from rnnviz.config import RunConfig
from rnnviz.network import Network
from rnnviz.record import Record
from rnnviz.tasks import TASKS, Batch
from rnnviz.tasks.base import padded

MEMORY_LIMIT = 1 << 30
"""The most that one record may take, in bytes."""


def run(config: RunConfig, memory_limit: int = MEMORY_LIMIT) -> Record:
    """One forward pass and BPTT of the untrained network, on the config's own data.

    Raises
    ------
    ValueError
        If the record would take more than ``memory_limit`` bytes, before anything is
        computed, or if the task cannot be drawn at this length or lag.

    Examples
    --------
    >>> import rnnviz as rv
    >>> record = rv.run(rv.RunConfig(cell="tanh", hidden_size=8, steps=20, batch_size=3))
    >>> record.h.shape, record.dh.shape
    ((21, 3, 8), (21, 3, 8))
    """
    check_memory(config, memory_limit)
    check_outputs(config)
    batch = draw(config)
    network = untrained(config)
    return bptt(network, batch.x, batch.loss(config.loss_at))


def untrained(config: RunConfig) -> Network:
    """The network before training, with the sizes that the config's task asks for."""
    task = TASKS[config.task]
    return build(config, task.input_size, task.output_size)


def draw(
    config: RunConfig, purpose: Literal["data", "validation"] = "data", number: int = 0
) -> Batch:
    """The config's batch of this purpose and number, in its precision.

    "data" numbers the training batches, of which a run reads the first; "validation" comes
    from the held-out part of real data.
    """
    rng, held_out = config.rng(purpose, number), purpose == "validation"
    if config.shortest < 1:
        batch = _of_lengths(config, rng, held_out=held_out)
    else:
        batch = TASKS[config.task].sample(
            rng, config.steps, config.batch_size, config.lag, held_out=held_out
        )
    dtype = np.dtype(config.dtype)
    labels = np.issubdtype(batch.target.dtype, np.integer)
    target = batch.target if labels else batch.target.astype(dtype)
    return replace(batch, x=batch.x.astype(dtype), target=target)


def _of_lengths(config: RunConfig, rng: np.random.Generator, *, held_out: bool) -> Batch:
    """A batch whose sequences have lengths of their own, each drawn alike from the allowed."""
    task, T, B = TASKS[config.task], config.steps, config.batch_size
    least = min(T, config.lag + 1) if task.uses_lag else 1
    lengths = rng.integers(max(least, ceil(config.shortest * T)), T, B, endpoint=True)
    drawn = [task.sample(rng, int(n), 1, config.lag, held_out=held_out) for n in lengths]
    return padded(drawn, T)


def record_bytes(config: RunConfig) -> int:
    """How much memory a run's record takes, in bytes."""
    task, kind = TASKS[config.task], CELLS[config.cell]
    directions = 1 + (config.directions == "both")
    hidden_size = config.hidden_size + kind.in_pairs * config.hidden_size % 2
    width = hidden_size * directions
    outputs = task.output_size if config.readout == "linear" else width
    per_step, weights = 2 * task.input_size + 3 * outputs, 0
    size = task.input_size
    for number in range(config.layers):
        cell = kind(size, hidden_size)
        per_step += directions * numbers_a_step(cell)
        per_step += width + size if directions > 1 else 0  # side by side, and in reverse
        per_step += width if config.residual == "add" and number else 0
        weights += 2 * directions * sum(prod(shape) for shape in cell.shapes.values())
        size = width
    each = np.dtype(config.dtype).itemsize
    return each * ((config.steps + 1) * config.batch_size * per_step + weights)


def network_bytes(network: Network, steps: int, batch_size: int) -> int:
    """How much memory the record of a network on a batch takes, in bytes."""
    per_step = 2 * network.input_size + 3 * network.output_size
    per_step += sum(numbers_a_step(layer.cell) for layer in network.layers)
    for first, *others in network.levels:
        read = network.layers[first].cell.input_size
        width = sum(network.layers[n].cell.hidden_size for n in (first, *others))
        per_step += (width + read) * bool(others) + width * (network.residual and first > 0)
    weights = 2 * sum(W.size for W in network.params.values())
    return int(network.dtype.itemsize * ((steps + 1) * batch_size * per_step + weights))


def numbers_a_step(cell: Cell) -> int:
    """How many numbers a layer's record keeps of one step of one sequence."""
    tape = cell.tape(1, 1, np.dtype(np.float32))
    own = [array for array in tape.kept.values() if not np.shares_memory(array, tape.a)]
    a = 0 if np.shares_memory(tape.a, tape.h) else tape.a.size
    parts = len(tape.states)
    states = parts if parts == 1 else 2 * parts  # the parts, and side by side
    inner = parts - 1
    return int(
        a + tape.a.size + sum(array.size for array in own) + (2 * states + inner) * cell.hidden_size
    )


def check_outputs(config: RunConfig) -> None:
    """Refuse hidden states as outputs where they are fewer than the task's classes."""
    if config.hidden_size < config.fewest_units:
        raise ValueError(
            f"hidden_size must be at least {config.fewest_units} for {config.task} without a "
            f"readout, got {config.hidden_size}"
        )


def check_memory(config: RunConfig, limit: int = MEMORY_LIMIT) -> None:
    """Refuse a run that would take more than ``limit`` bytes, with the numbers."""
    needed = record_bytes(config)
    if needed > limit:
        raise ValueError(
            f"the record must be at most {limit / 2**20:,.0f} MB, got {needed / 2**20:,.0f} MB for "
            f"steps={config.steps}, batch_size={config.batch_size}, layers={config.layers}, "
            f"hidden_size={config.hidden_size}: lower one of them"
        )
