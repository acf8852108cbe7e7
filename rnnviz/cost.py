"""What a run will take, before it is begun: seconds of one core, and bytes.

A run's time is that of its steps however small they are, of every number that a step works on,
of every multiplication of its products, of reading its weights once a step, and of drawing those.
How long each of them takes is measured once a process, a cell at a time, in a few milliseconds.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from time import thread_time
from typing import Any, Final

import numpy as np

from rnnviz.bptt import bptt
from rnnviz.cells import CELLS, Cell
from rnnviz.config import RunConfig, TrainConfig
from rnnviz.initializers import RECURRENT, orthogonal, sparse, spectral_radius
from rnnviz.losses import MSE
from rnnviz.network import Layer, Network
from rnnviz.products import adder, columns, one_blas_thread
from rnnviz.run import network_bytes, record_bytes
from rnnviz.tasks import TASKS
from rnnviz.train import VALIDATE_EVERY, schedule_of

PASSES: Final = 3
"""Products of every weight matrix: forward, back, and of its own gradient."""
SETUP, SEQUENCE = 4e-4, 4e-5
"""Seconds that any run takes, and that a sequence does which has a length of its own."""
DRAWN = 1.2e-8
"""Seconds that a random number takes."""
EIGENVALUES, ORTHOGONAL = 6e-7, 3.5e-9
"""Seconds times n^2 for the eigenvalues of an n by n matrix, and times n^2.5 for its QR factors."""
STEP, UPDATED = 5e-4, 2e-8
"""Seconds that a step of training takes beside its pass, and of them for every weight."""
SCORED = 2.5e-8
"""Seconds that an output's loss takes, and an input's sample."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What some work takes."""

    seconds: float = 0.0
    """Of one core."""
    bytes: int = 0
    """That are kept."""

    def __add__(self, other: "Cost") -> "Cost":
        """Both, one after the other, with the results of both kept."""
        return Cost(self.seconds + other.seconds, self.bytes + other.bytes)


@dataclass(frozen=True, slots=True)
class Rates:
    """Seconds of the parts of a run, there and back, with one kind of cell."""

    layer: float = 2e-4
    """A layer, however small it is."""
    step: float = 2e-5
    """A step, however small it is."""
    sequence: float = 1e-8
    """A sequence at one step, however few units there are."""
    number: float = 3e-8
    """A hidden unit of one sequence at one step."""
    multiplication: float = 8e-11
    read: float = 6e-10
    """A weight that a step reads."""
    read_alone: float = 4e-10
    """The same where there is one sequence."""
    kept: float = 1e-10
    """A byte of the record."""


def estimate(config: RunConfig, rates: Callable[[str, str], Rates] | None = None) -> Cost:
    """What ``run(config)`` will take: within a factor of two, or 20 ms.

    Parameters
    ----------
    config : RunConfig
    rates : gives those of a cell and a dtype by their names; measured, if left out

    Examples
    --------
    >>> short, long = (estimate(RunConfig(steps=T), lambda *_: Rates()) for T in (100, 200))
    >>> 1.8 < long.seconds / short.seconds < 2
    True
    """
    known = (rates or calibrated)(config.cell, config.dtype)
    nbytes = record_bytes(config)
    return Cost(_once(config, known) + known.kept * nbytes + _weights(config), nbytes)


def of_steps(config: RunConfig, rates: Callable[[str, str], Rates] | None = None) -> float:
    """Seconds of a run that its steps take however small they are: what runs made together share.

    None where they cannot be made together.
    """
    cells = cells_of(config)
    if not cells[0].stacks or config.directions == "both" or config.residual == "add":
        return 0.0
    known = (rates or calibrated)(config.cell, config.dtype)
    return len(cells) * (known.layer + config.steps * known.step)


def of_training(config: TrainConfig, rates: Callable[[str, str], Rates] | None = None) -> Cost:
    """What all steps of ``train(config)`` will take, unless a rule stops it before.

    Its bytes are those of a step.
    """
    known = (rates or calibrated)(config.cell, config.dtype)
    cells, steps = cells_of(config), config.iterations
    once, params = _once(config, known), sum(cell.multiplications for cell in cells)
    moments = len(schedule_of(config).steps)
    a_moment = 2 * once + 2 * EIGENVALUES * cells[-1].hidden_size ** 2
    step = STEP + UPDATED * params + once * (1 + 1 / (PASSES * VALIDATE_EVERY))
    if config.omega:
        step += once
    if config.floss:
        step += 3 * once * min(config.floss_sequences, config.batch_size)
    return Cost(_weights(config) + steps * step + moments * a_moment, record_bytes(config))


def _weights(config: RunConfig) -> float:
    """Seconds to draw all weights."""
    return sum(_drawn(config, cell) for cell in cells_of(config))


def _once(config: RunConfig, known: Rates) -> float:
    """Seconds of one batch and one pass."""
    T, B = config.steps, config.batch_size
    through = sum(_through(cell, T, B, known) for cell in cells_of(config))
    return SETUP + _around(config, known) + through


def of_pass(
    network: Network, steps: int, batch_size: int, rates: Callable[[str, str], Rates] | None = None
) -> Cost:
    """What ``bptt`` of a network will take, as closely as ``estimate``."""
    rates, dtype = rates or calibrated, str(network.dtype)
    kinds = {kind: name for name, kind in CELLS.items()}
    seconds = 0.0
    for layer in network.layers:
        known = rates(kinds.get(type(layer.cell), "tanh"), dtype)
        seconds += _through(layer.cell, steps, batch_size, known)
    nbytes = network_bytes(network, steps, batch_size)
    readout = network.readout.params["W_hy"].size if network.readout else 0
    products = PASSES * readout * known.multiplication + SCORED * network.output_size
    return Cost(seconds + steps * batch_size * products + known.kept * nbytes, nbytes)


def _through(cell: Cell, T: int, B: int, known: Rates) -> float:
    """Seconds that a layer takes, there and back."""
    read = known.read_alone if B == 1 else known.read
    products = cell.multiplications * (PASSES * B * known.multiplication + 2 * read)
    return known.layer + T * (
        known.step + B * (known.sequence + cell.hidden_size * known.number) + products
    )


def _around(config: RunConfig, known: Rates) -> float:
    """Seconds of the data, the readout and the loss."""
    task, rows = TASKS[config.task], config.steps * config.batch_size
    width = config.hidden_size * (1 + (config.directions == "both"))
    outputs = task.output_size if config.readout == "linear" else width
    seconds = SEQUENCE * config.batch_size * (config.shortest < 1)
    seconds += SCORED * rows * (task.input_size + outputs)
    if config.readout == "linear":
        seconds += PASSES * rows * width * outputs * known.multiplication
    return seconds


def cells_of(config: RunConfig) -> list[Cell]:
    """The cell of every layer of a config's network, in both directions."""
    kind, size = CELLS[config.cell], TASKS[config.task].input_size
    hidden_size = config.hidden_size + kind.in_pairs * config.hidden_size % 2
    both = 1 + (config.directions == "both")
    sizes = [size, *[hidden_size * both] * (config.layers - 1)]
    return [kind(size, hidden_size) for size in sizes for _ in range(both)]


def _drawn(config: RunConfig, cell: Cell) -> float:
    """Seconds to draw a layer's weights."""
    seconds, H, G = DRAWN * cell.multiplications, cell.hidden_size, cell.gate_count
    if "W_hh" not in cell.shapes:
        return seconds
    scheme = RECURRENT[config.init]
    blocks = 2 * G - 1 if scheme.whole else G  # whole, the rows of all gates are one tall matrix
    if scheme.draw is orthogonal:
        seconds += blocks * ORTHOGONAL * H**2.5
    if scheme.draw in (spectral_radius, sparse):
        seconds += blocks * EIGENVALUES * H**2
    return seconds


@lru_cache(maxsize=64)
def calibrated(cell: str, dtype: str) -> Rates:
    """The rates of a kind of cell on this machine, measured when they are first asked for."""
    multiplication, read, kept = _machine(dtype)
    layer, step = _overhead(cell)

    def a_step(B: int, H: int) -> float:
        """Seconds of a step's own work, its products with as many sequences left out."""
        T = 5
        took = (_pass(cell, dtype, T, B, H) - layer) / T - step
        return took - (PASSES * B * multiplication + 2 * read * (B > 1)) * weights(H)

    def weights(H: int) -> int:
        return CELLS[cell](1, H).multiplications

    narrow, wide, alone = a_step(256, 2) / 256, a_step(64, 32) / 64, a_step(1, 128)
    number = max((wide - narrow) / 30, 1e-9)
    sequence = max(narrow - 2 * number, 1e-9)
    read_alone = max((alone - 128 * number) / (2 * max(1, weights(128))), 5e-11)
    return Rates(layer, step, sequence, number, multiplication, read, read_alone, kept)


@lru_cache(maxsize=64)
def _overhead(cell: str) -> tuple[float, float]:
    """Seconds that a layer, and a step of it, take however small they are."""
    one, more = (_pass(cell, "float64", T, 1, 2) for T in (1, 33))
    return max(one - (more - one) / 32, 0.0), max((more - one) / 32, 1e-7)


def _pass(cell: str, dtype: str, T: int, B: int, H: int) -> float:
    """Seconds of a layer there and back."""
    layer = Layer(CELLS[cell](1, H), {n: np.full(W, 0.1, dtype) for n, W in _shapes(cell, H)})
    network, x = Network([layer]), np.zeros((T, B, 1), dtype)
    loss = MSE(np.zeros((T, B, H), dtype))
    with one_blas_thread():
        return _fastest(lambda: bptt(network, x, loss))


def _shapes(cell: str, H: int) -> Iterable[tuple[str, tuple[int, ...]]]:
    return CELLS[cell](1, H).shapes.items()


@lru_cache(maxsize=8)
def _machine(dtype: str) -> tuple[float, float, float]:
    """Seconds of a multiplication, of a weight that is read, and of a byte that is kept."""
    H, B = 128, 128
    with one_blas_thread():
        read = _product(dtype, 1, H)
        multiplication = (_product(dtype, B, H) - read) / B
    size = 4 << 20
    kept = _fastest(lambda: np.empty(size, np.uint8).fill(0)) / size
    return multiplication / H**2, read / H**2, kept


def _product(dtype: str, B: int, H: int) -> float:
    """Seconds of one product of a step."""
    gemm, W, transpose = adder(np.ones((H, H), dtype), B)
    (x,), (out,) = (columns([np.ones((B, H), dtype)]) for _ in range(2))
    return _fastest(lambda: gemm(1.0, W, x, 1.0, out, transpose, 0, 1))


def _fastest(work: Callable[[], Any], repeats: int = 4) -> float:
    """Seconds of this thread's CPU that some work takes, at its best."""
    work()
    return min(_timed(work) for _ in range(repeats))


def _timed(work: Callable[[], Any]) -> float:
    start = thread_time()
    work()
    return thread_time() - start
