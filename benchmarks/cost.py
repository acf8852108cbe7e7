"""What a run was thought to take, against what it took: seconds of one core, 100 random runs."""

import random
from collections.abc import Iterator
from time import thread_time

from rnnviz import CELLS, TASKS, RunConfig, run
from rnnviz.cost import estimate
from rnnviz.initializers import RECURRENT
from rnnviz.run import check_outputs, draw, record_bytes, untrained

RUNS, LARGEST = 100, 64 << 20
NEAR = 0.02
"""Seconds by which an estimate may be wrong however short the run is."""


def table() -> Iterator[str]:
    """How many are within a factor of two or 20 ms, and those that are not."""
    drawn = random.Random(0)
    pairs = [thought_and_taken(random_config(drawn)) for _ in range(RUNS)]
    near = [is_near(*pair) for pair in pairs]
    yield f"{sum(near)} of {RUNS} within a factor of two or 20 ms"
    for thought, taken in (p for p, is_one in zip(pairs, near, strict=True) if not is_one):
        yield f"{thought:>8.3f} s thought, {taken:.3f} s taken"


def is_near(thought: float, taken: float) -> bool:
    """Whether an estimate is as good as is promised."""
    return taken / 2 <= thought <= taken * 2 or abs(thought - taken) <= NEAR


def thought_and_taken(config: RunConfig, repeats: int = 4) -> tuple[float, float]:
    """The estimate, and the CPU time of the fastest of some runs."""
    thought = estimate(config).seconds
    return thought, min(_once(config) for _ in range(repeats if thought < 0.5 else 1))


def _once(config: RunConfig) -> float:
    start = thread_time()
    run(config)
    return thread_time() - start


def random_config(drawn: random.Random, largest: int = LARGEST) -> RunConfig:
    """A run of any cell, task and scheme, of sizes from all octaves, that can be run."""
    while True:
        try:
            config = RunConfig(
                cell=drawn.choice(list(CELLS)),
                task=drawn.choice(list(TASKS)),
                init=drawn.choice(list(RECURRENT)),
                dtype=drawn.choice(["float64", "float32"]),
                directions=drawn.choice(["forward", "both"]),
                readout=drawn.choice(["linear", "none"]),
                loss_at=drawn.choice(["last", "all"]),
                shortest=drawn.choice([1.0, 0.5]),
                layers=drawn.choice([1, 1, 2, 4]),
                hidden_size=round(2 ** drawn.uniform(0, 10)),
                steps=round(2 ** drawn.uniform(0, 13)),
                batch_size=round(2 ** drawn.uniform(0, 9)),
                lag=1,
            )
            check_outputs(config)
            if record_bytes(config) <= largest:
                untrained(config.replace(hidden_size=min(config.hidden_size, 32)))
                draw(config)
                return config
        except ValueError:  # what does not go together, or is not offered at this length
            continue
