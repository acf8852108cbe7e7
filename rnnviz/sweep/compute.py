"""What a chunk's points measure, together where they can be."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import numpy as np
import pandas as pd

from rnnviz.arrays import keep_freed_memory
from rnnviz.config import TrainConfig
from rnnviz.network import Network
from rnnviz.run import check_memory, check_outputs, draw, untrained
from rnnviz.sweep.chunks import Chunk
from rnnviz.sweep.measures import OF_A_FLOW, TRAINED, Row, empty, of_flow, of_run, of_training
from rnnviz.sweep.stack import Stack, begins, shape, takes
from rnnviz.tasks import Batch

FAILURES: Final = (ValueError, MemoryError)
"""What a point may fail with; the sentence is kept in its row."""
SHORT: Final = "there is not enough memory for it"
DATA: Final = ("task", "steps", "batch_size", "lag", "shortest", "dtype", "seed", "data_seed")
"""Settings that decide the data."""
DATA_ALONE: Final = ("steps", "batch_size", "lag", "shortest", "data_seed")
"""Those that the weights do not depend on."""


@dataclass(frozen=True, eq=False)
class Unit:
    """A network, batches that begin the first of them, and their rows."""

    network: Network
    loss_at: str
    batches: list[Batch] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)

    @property
    def key(self) -> tuple[object, ...]:
        """What the units of a stack have in common."""
        lengths = [len(batch.x) for batch in self.batches]
        return self.loss_at, *shape(self.network, self.batches[0]), *lengths


def run_chunk(chunk: Chunk) -> pd.DataFrame:
    """The rows of a chunk, with ``row``, their place in the whole table, as the index.

    The same for every engine, order and number of workers, to the bit: what is computed of a
    point does not depend on its company.
    """
    keep_freed_memory()
    work = _Work(chunk)
    work.measure_flows()
    work.measure_alone()
    return work.table()


class _Work:
    """The points of a chunk, and what is known of them so far."""

    def __init__(self, chunk: Chunk) -> None:
        self.config = chunk.config
        points = list(chunk.config.points)
        self.points = {row: points[row] for row in chunk.rows}
        self.found: dict[int, Row] = {row: empty(self.config.measures) for row in chunk.rows}
        self.errors = dict.fromkeys(chunk.rows, "")
        self.runs: dict[int, TrainConfig] = {}
        for row in chunk.rows:
            self._try(row, partial(self._admit, row))

    def _admit(self, row: int) -> Row:
        run = self.config.at(*self.points[row])
        check_memory(run)
        check_outputs(run)
        self.runs[row] = run
        return {}

    def measure_flows(self) -> None:
        """What the last loss's way back says: of a stack where the cell can be stacked."""
        asked = [name for name in self.config.measures if name in OF_A_FLOW]
        if not asked:
            return
        stacks: dict[object, list[Unit]] = defaultdict(list)
        for unit in self._units():
            if takes(unit.network):
                stacks[unit.key].append(unit)
                continue
            for row in unit.rows:
                self._try(row, partial(of_run, self.runs[row], asked))
        for units in stacks.values():
            try:
                self._measure_stack(units, asked)
            except MemoryError as error:
                for row in [row for unit in units for row in unit.rows]:
                    self._fail(row, error)

    def _measure_stack(self, units: list[Unit], asked: list[str]) -> None:
        stack = Stack([u.network for u in units], [u.batches for u in units], units[0].loss_at)
        for unit, flows in zip(units, stack.run(), strict=True):
            for row, flow in zip(unit.rows, flows, strict=True):
                self.found[row] |= of_flow(flow.log10_norm, flow.loss, asked)

    def measure_alone(self) -> None:
        """What takes a run or a training of its own."""
        asked, solved = self.config.measures, self.config.solved
        for row, run in self.runs.items():
            if "exponent" in asked and not self.errors[row]:
                self._try(row, partial(of_run, run, ["exponent"]))
            if set(asked) & set(TRAINED) and not self.errors[row]:
                self._try(row, partial(of_training, run, asked, solved))

    def table(self) -> pd.DataFrame:
        """What is known by now."""
        names = [knob.name for knob in self.config.knobs]
        columns: dict[str, Any] = {
            name: [values[k] for values, _ in self.points.values()] for k, name in enumerate(names)
        }
        columns["seed"] = [seed for _, seed in self.points.values()]
        for name in self.config.measures:
            columns[name] = np.array([row[name] for row in self.found.values()])
        columns["error"] = list(self.errors.values())
        return pd.DataFrame(columns, index=pd.Index([*self.points], name="row"))

    def _units(self) -> Iterator[Unit]:
        """Each network once, with the batches that begin the same sequences, the longest first."""
        networks: dict[object, Network] = {}
        batches: dict[object, Batch] = {}
        units: dict[object, list[Unit]] = defaultdict(list)
        for row in sorted(self.runs, key=lambda row: -self.runs[row].steps):
            run = self.runs[row]
            data = tuple(getattr(run, name) for name in DATA)
            alike = tuple(value for name, value in run if name not in DATA_ALONE)
            try:
                batch = batches[data] = batches.get(data) or draw(run)
                network = networks[alike] = networks.get(alike) or untrained(run)
            except FAILURES as error:
                self._fail(row, error)
                continue
            homes = [unit for unit in units[alike] if begins(batch.x, unit.batches[0].x)]
            if not homes:
                homes = [Unit(network, run.loss_at)]
                units[alike] += homes
            homes[0].batches.append(batch)
            homes[0].rows.append(row)
        for own in units.values():
            yield from own

    def _try(self, row: int, measure: Callable[[], Row]) -> None:
        try:
            self.found[row] |= measure()
        except FAILURES as error:
            self._fail(row, error)

    def _fail(self, row: int, error: Exception) -> None:
        self.found[row] = empty(self.config.measures)
        self.errors[row] = SHORT if isinstance(error, MemoryError) else str(error)


def failed(chunk: Chunk, sentence: str) -> pd.DataFrame:
    """The rows of a chunk that could not be computed, with the reason."""
    work = _Work(chunk)
    for row in chunk.rows:
        work.errors[row] = work.errors[row] or sentence
    return work.table()


def in_order(config_columns: Sequence[str], frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The rows of several chunks as one table, in the order of the grid."""
    if not frames:
        return pd.DataFrame(columns=[*config_columns])
    whole = pd.concat(frames).sort_index()
    return whole[~whole.index.duplicated()].reset_index(drop=True)
