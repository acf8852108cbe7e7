"""A sweep cut into chunks: what is computed, stored and sent to a worker as one."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from rnnviz.cells import CELLS
from rnnviz.config import SweepConfig, TrainConfig
from rnnviz.run import record_bytes
from rnnviz.sweep.measures import OF_A_FLOW, TRAINED
from rnnviz.tasks import TASKS

SECONDS: Final = 0.5
"""About how long a chunk takes: what a stop waits for, and a lost worker loses."""
NBYTES: Final = 48 << 20
"""About how much memory a chunk takes, where one experiment does not take more."""
TOGETHER: Final = 1 << 17
"""Bytes of one step's states in a stack: about what a core keeps at hand."""
MULTIPLICATIONS: Final = 1e10
"""Of products, a second, on one core."""
ELEMENTS: Final = 2e8
"""States a second that a pass takes through a nonlinearity or back."""
SETUP: Final = 3e-4
"""Seconds that any run takes."""
SHAPING: Final = (
    *("cell", "layers", "hidden_size", "directions", "residual", "readout", "task", "dtype"),
    *("batch_size", "loss_at", "iterations"),
)
"""Settings that decide what can be run together."""

Shape = tuple[tuple[str, object], ...]
"""Settings and their values."""


@dataclass(frozen=True)
class Cost:
    """What a point takes, roughly."""

    seconds: float = 0.0
    nbytes: int = 0
    width: int = 0
    """Bytes of one step's states."""

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(
            self.seconds + other.seconds, self.nbytes + other.nbytes, self.width + other.width
        )

    @property
    def is_full(self) -> bool:
        """Whether this is more than a chunk should hold."""
        return self.seconds > SECONDS or self.nbytes > NBYTES or self.width > TOGETHER


@dataclass(frozen=True)
class Chunk:
    """Some rows of a sweep's table."""

    config: SweepConfig
    number: int
    rows: tuple[int, ...]
    cost: Cost


def chunks_of(config: SweepConfig) -> list[Chunk]:
    """The chunks of a sweep, the same for equal configs.

    A chunk holds points that can be run together, and where shorter sequences begin longer ones
    a point with all its lengths.

    Examples
    --------
    >>> from rnnviz import Knob, SweepConfig
    >>> sweep = SweepConfig(knobs=[Knob.of("cell", ["tanh", "lstm"])], seeds=[0, 1])
    >>> [chunk.rows for chunk in chunks_of(sweep)]
    [(0, 1), (2, 3)]
    """
    names = [knob.name for knob in config.knobs]
    costs: dict[object, tuple[Cost, Shape]] = {}
    groups: dict[object, dict[object, list[int]]] = defaultdict(lambda: defaultdict(list))
    for row, (values, seed) in enumerate(config.points):
        if values not in costs:
            costs[values] = _cost_at(config, values)
        _, shape = costs[values]
        alike = "steps" not in dict(shape)
        kept = tuple(v for n, v in zip(names, values, strict=True) if n != "steps" or not alike)
        groups[shape][kept, seed].append(row)
    values_of = [values for values, _ in config.points]
    cost_of_row = [costs[values][0] for values in values_of]
    cut = [found for group in groups.values() for found in _cut(group.values(), cost_of_row)]
    return [Chunk(config, number, *found) for number, found in enumerate(cut)]


def _cost_at(config: SweepConfig, values: Sequence[float | int | str]) -> tuple[Cost, Shape]:
    """The cost of a point and the settings it has in common with those it runs together with."""
    try:
        run = config.at(values, config.seeds[0])
    except ValueError:
        return Cost(), ()
    shaping = SHAPING if TASKS[run.task].continues else (*SHAPING, "steps")
    return cost_of(run, config.measures), tuple((name, getattr(run, name)) for name in shaping)


def _cut(
    group: Iterable[list[int]], costs: Sequence[Cost]
) -> Iterator[tuple[tuple[int, ...], Cost]]:
    """As many points together as a chunk should hold, one with all its lengths at least."""
    rows: list[int] = []
    total = Cost()
    for together in group:
        seconds = sum(costs[row].seconds for row in together)
        most = max((costs[row] for row in together), key=lambda cost: cost.nbytes)
        more = Cost(seconds, most.nbytes, most.width)
        if rows and (total + more).is_full:
            yield tuple(rows), total
            rows, total = [], Cost()
        rows += together
        total += more
    if rows:
        yield tuple(rows), total


def cost_of(run: TrainConfig, measures: Iterable[str]) -> Cost:
    """What a run's measures take: time by its products and its states, memory by its record."""
    cell, asked = CELLS[run.cell](1, run.hidden_size + run.hidden_size % 2), set(measures)
    directions = 1 + (run.directions == "both")
    units = run.steps * run.batch_size * run.layers * directions * cell.gate_count * run.hidden_size
    a_pass = SETUP + units * (2 * run.hidden_size / MULTIPLICATIONS + 2 / ELEMENTS)
    passes = bool(asked & set(OF_A_FLOW)) + 3 * ("exponent" in asked)
    passes += 2 * run.iterations * bool(asked & set(TRAINED))
    itemsize = 4 if run.dtype == "float32" else 8
    return Cost(passes * a_pass, record_bytes(run), run.batch_size * run.hidden_size * itemsize)
