"""The runs of a comparison: the settings on screen and up to three others, and their seeds."""

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock

from cachetools import LRUCache

from dashboard import session
from dashboard.allowed import checked
from dashboard.differences import told_apart
from dashboard.limits import COMPARE_PATIENCE
from dashboard.records import computed
from dashboard.settle import settle
from rnnviz import RunConfig, TrainConfig
from rnnviz.arrays import Array
from rnnviz.diagnostics import Spread, gradient_flow, spread
from rnnviz.match import parameter_count, with_parameters

DATA = ("task", "steps", "batch_size", "lag", "loss_at", "shortest", "seed", "data_seed")
"""What every run of a comparison has in common with the settings on screen."""
MOST_RUNS = 4
NORMS_KEPT = 16 << 20


@dataclass(frozen=True)
class Compared:
    """One run of a comparison."""

    name: str
    number: int
    """Of its colour: 0 for the settings on screen."""
    config: TrainConfig


def compared() -> list[Compared]:
    """The settings on screen and what stands beside them, on the same data and seed."""
    shown, base = session.state(), session.config()
    if shown.view.compare == "pins":
        same = {name: getattr(base, name) for name in DATA}
        beside = [(pin.number, pin.config.replace(**same)) for pin in shown.pins]
    else:
        wanted = [base.replace(**dict(changes)) for changes in shown.columns]
        beside = [(number, _sized(one, base)) for number, one in enumerate(wanted, 1)]
    settled = [(number, settle(one)[0]) for number, one in beside[: MOST_RUNS - 1]]
    names = told_apart([one.run for _, one in settled], base.run)
    others = [Compared(name, n, one) for name, (n, one) in zip(names, settled, strict=True)]
    return [Compared("settings", 0, base), *others]


def _sized(config: TrainConfig, base: TrainConfig) -> TrainConfig:
    """The config at the size whose parameter count is the base's, where that is asked for."""
    if session.state().view.sizes != "parameters" or config.hidden_size != base.hidden_size:
        return config
    return with_parameters(config, parameter_count(base))


def check(runs: Sequence[Compared], seeds: int) -> None:
    """Refuse a comparison that would take too much memory or time, before anything is run.

    Raises
    ------
    ValueError
        In a sentence: what is allowed, and what came.
    """
    seconds = seeds * sum(_seconds(one) for one in runs)
    if seconds > COMPARE_PATIENCE:
        raise ValueError(
            f"the runs must take at most about {COMPARE_PATIENCE:.0f} s together, got about "
            f"{seconds:,.0f} s for {len(runs)} networks and {seeds} seeds: lower one of them, or "
            "the length"
        )


def _seconds(one: Compared) -> float:
    """What one run will take, or which of them takes too much."""
    try:
        return checked(one.config.run).seconds
    except ValueError as refused:
        raise ValueError(f"{one.name}: {refused}") from None


_norms: LRUCache[RunConfig, Array] = LRUCache(NORMS_KEPT, getsizeof=lambda norm: 512 + norm.nbytes)
_lock = Lock()


def seeds_spread(config: RunConfig, seeds: int) -> Spread:
    """The gradient's norm by lag of this seed and those after it."""
    high = 10_000
    return spread([_norm(config.replace(seed=(config.seed + n) % high)) for n in range(seeds)])


def _norm(config: RunConfig) -> Array:
    """log10 of the norm by lag: all that is kept of a seed's run."""
    with _lock:
        found = _norms.get(config)
    if found is None:
        flow = gradient_flow(computed(config), "last")
        found = flow.log10_norm[flow.loss_state :: -1].copy()
        with _lock:
            _norms[config] = found
    return found
