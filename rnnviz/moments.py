"""Moments of a training: how the gradient flows then, and all it takes to go on from there."""

import math
from dataclasses import dataclass

import numpy as np

from rnnviz.arrays import Array, Float, Int, frozen
from rnnviz.cells import CELLS, Cell
from rnnviz.config import TrainConfig
from rnnviz.diagnostics.eigenvalues import eigenvalues
from rnnviz.diagnostics.gradient_flow import gradient_flow
from rnnviz.diagnostics.saturation import saturation
from rnnviz.network import Network
from rnnviz.optim import OPTIMIZERS, Memory
from rnnviz.record import Record
from rnnviz.tasks import TASKS

BYTES_LIMIT = 64 << 20
"""The most that all moments of a training may take, in bytes."""
COUNTS = {"economy": 25, "normal": 100, "everything": 400}
"""How many moments each ``detail`` asks for."""

GATE_MARGIN = 0.05
"""How near to 0 a gate counts as closed, and to 1 as open."""

MEASURED = (
    "factor",
    "half_life",
    "spectral_radius",
    "largest_singular_value",
    "dead",
    "saturated",
    "closed",
    "open",
)
"""The numbers of a moment that stand in a history's columns."""

_FLOW_STEPS = 1.6
"""What measuring the flow takes, in training steps of the same batch."""
_EIGENVALUES = 50
"""What eigenvalues and singular values take, in multiplications for each of H^3."""


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """The network before a step of training, and how the gradient flows through it.

    The flow is that of the last step's loss through the top layer, on the held-out batch: what
    ``diagnostics.verdict`` judges.
    """

    step: int
    """The step that comes next: moment 0 is the untrained network."""
    lag: Int[Array, " K"]
    log10_norm: Float[Array, " K"]
    """log10 of the batch mean of the gradient's Euclidean norm at each lag."""
    factor: float
    """What a step back multiplies the norm by."""
    half_life: float | None
    """Steps back until half is left; None unless the gradient shrinks."""
    eigenvalues: Array
    """Complex, (H,), largest first: of what a step alone multiplies the state by."""
    largest_singular_value: float
    """Of the same matrix."""
    dead: float
    """Share of units whose slope is 0 at every step of every sequence; NaN in a gated cell."""
    saturated: float
    """Share of flat units, as in ``diagnostics.saturation``; NaN in a gated cell."""
    closed: float
    """Share of gate values below 0.05, over gates, units, steps and sequences; NaN without."""
    open: float
    """Share of gate values above 0.95."""
    network: Network
    memory: Memory
    """What the optimiser kept by then."""
    norms: Float[Array, " M"]
    """Every gradient norm so far, where clipping goes by them; empty otherwise."""

    @property
    def spectral_radius(self) -> float:
        """The largest absolute eigenvalue."""
        return float(np.abs(self.eigenvalues[0]))

    @property
    def measured(self) -> tuple[float, ...]:
        """The numbers under ``MEASURED``; NaN for no half-life."""
        numbers = (getattr(self, name) for name in MEASURED)
        return tuple(math.nan if number is None else number for number in numbers)

    def arrays(self) -> dict[str, Array]:
        """Everything as named arrays: what ``from_arrays`` takes, and no pickle."""
        numbers = self.step, *self.measured
        kept = {"numbers": np.array(numbers, float), "lag": self.lag, "norms": self.norms}
        flow = {"log10_norm": self.log10_norm, "eigenvalues": self.eigenvalues}
        return kept | flow | state_arrays(self.network, self.memory)

    @classmethod
    def from_arrays(cls, arrays: dict[str, Array], like: Network) -> "Moment":
        """The moment whose ``arrays`` these are, of a network built as ``like`` is.

        Examples
        --------
        >>> from rnnviz.train import train
        >>> config = TrainConfig(hidden_size=4, steps=5, batch_size=2, iterations=1)
        >>> (step,) = train(config)
        >>> again = Moment.from_arrays(step.moment.arrays(), step.network)
        >>> again.factor == step.moment.factor
        True
        """
        step, factor, half_life, _, sigma, *shares = arrays["numbers"].tolist()
        dead, saturated, closed, opened = shares
        network, memory = state_from(arrays, like)
        return cls(
            step=int(step),
            lag=frozen(arrays["lag"]),
            log10_norm=frozen(arrays["log10_norm"]),
            factor=factor,
            half_life=None if math.isnan(half_life) else half_life,
            eigenvalues=frozen(arrays["eigenvalues"]),
            largest_singular_value=sigma,
            dead=dead,
            saturated=saturated,
            closed=closed,
            open=opened,
            network=network,
            memory=memory,
            norms=frozen(arrays["norms"]),
        )


@dataclass(frozen=True, slots=True)
class MomentPlan:
    """When moments are taken, and what they cost."""

    steps: tuple[int, ...]
    """The training steps before which one is taken, the first and the last among them."""
    nbytes: int
    """What all of them take to keep."""
    share: float
    """Roughly what share of the training's time goes into them."""


def schedule_of(config: TrainConfig) -> MomentPlan:
    """When the config's moments are taken: evenly spaced, and as many as ``BYTES_LIMIT`` holds.

    Two at least, the first step's and the last's, whatever they take.

    Examples
    --------
    >>> import rnnviz as rv
    >>> plan = schedule_of(rv.TrainConfig(iterations=1001, hidden_size=32))
    >>> len(plan.steps), plan.steps[:2], plan.steps[-1]
    (25, (0, 42), 1000)
    """
    each = _bytes(config)
    wanted = min(COUNTS[config.detail], max(2, BYTES_LIMIT // each), config.iterations)
    steps = np.round(np.linspace(0, config.iterations - 1, wanted)).astype(int)
    work = wanted * _cost(config)
    return MomentPlan(tuple(steps.tolist()), wanted * each, work / (config.iterations + work))


def take_moment(
    step: int, network: Network, memory: Memory, norms: Float[Array, " M"], record: Record
) -> Moment:
    """Measure a network before a step, by its record of the held-out batch."""
    flow = gradient_flow(record, "last")
    back = slice(flow.loss_state, None, -1)
    spectrum = eigenvalues(network)
    dead, saturated = _flat_units(record)
    closed, opened = _stuck_gates(record)
    return Moment(
        step=step,
        lag=frozen(flow.lag[back].copy()),
        log10_norm=frozen(flow.log10_norm[back].copy()),
        factor=flow.factor,
        half_life=flow.fit.half_life,
        eigenvalues=frozen(spectrum.values.astype(complex)),
        largest_singular_value=spectrum.largest_singular_value,
        dead=dead,
        saturated=saturated,
        closed=closed,
        open=opened,
        network=network,
        memory=memory,
        norms=norms,
    )


def state_arrays(network: Network, memory: Memory) -> dict[str, Array]:
    """Weights and memory as named arrays."""
    weights = {f"weights.{name}": W for name, W in network.params.items()}
    return weights | {f"memory.{n}": array for n, array in enumerate(memory)}


def state_from(arrays: dict[str, Array], like: Network) -> tuple[Network, Memory]:
    """The network and the memory that ``state_arrays`` made the arrays of."""
    params = {name: frozen(arrays[f"weights.{name}"]) for name in like.params}
    memories = sum(name.startswith("memory.") for name in arrays)
    memory = tuple(frozen(arrays[f"memory.{n}"]) for n in range(memories))
    return like.with_params(params), memory


def _flat_units(record: Record) -> tuple[float, float]:
    """The shares of dead and of saturated units."""
    cell = record.network.layers[record.network.top].cell
    with np.errstate(all="ignore"):
        units = cell.units(record.top.tape)
        if units is None:
            return math.nan, math.nan
        dead = (units.slope == 0).all(axis=(0, 1))
        return float(dead.mean()), float(saturation(record).share.mean())


def _stuck_gates(record: Record) -> tuple[float, float]:
    """The shares of closed and of open gates: of those from 0 to 1, so of no candidate."""
    cell = record.network.layers[record.network.top].cell
    values = [record.gates[name] for name, span in cell.gate_spans.items() if span == (0, 1)]
    if not values:
        return math.nan, math.nan
    gates = np.stack(values)
    with np.errstate(all="ignore"):
        return float((gates < GATE_MARGIN).mean()), float((gates > 1 - GATE_MARGIN).mean())


def _cells(config: TrainConfig) -> list[Cell]:
    """The cell of each layer, from the input up, in one direction."""
    kind, directions = CELLS[config.cell], 1 + (config.directions == "both")
    hidden_size = config.hidden_size + kind.in_pairs * config.hidden_size % 2
    below = [directions * hidden_size] * (config.layers - 1)
    return [kind(size, hidden_size) for size in (TASKS[config.task].input_size, *below)]


def _bytes(config: TrainConfig) -> int:
    """What a moment takes to keep."""
    cells, directions = _cells(config), 1 + (config.directions == "both")
    H, O = cells[0].hidden_size, TASKS[config.task].output_size
    readout = O * (directions * H + 1) if config.readout == "linear" else 0
    own = sum(math.prod(shape) for cell in cells for shape in cell.shapes.values())
    memory = OPTIMIZERS[config.optimizer](config.learning_rate).init(np.zeros(0))
    kept = 1 + sum(array.ndim for array in memory)
    norms = config.iterations // 2 if config.clip_by == "percentile" else 0
    weights = kept * (directions * own + readout) * np.dtype(config.dtype).itemsize
    return weights + 8 * (2 * (config.steps + 1) + 2 * H + norms)


def _cost(config: TrainConfig) -> float:
    """What taking a moment costs, in training steps."""
    cell = _cells(config)[0]
    H, steps = cell.hidden_size, config.layers * config.steps * config.batch_size
    return _FLOW_STEPS + _EIGENVALUES * H / (6 * steps * cell.gate_count)
