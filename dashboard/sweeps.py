"""Each visitor's sweep, kept by the server: a page that is loaded again finds it as it is."""

import threading
from functools import lru_cache

from cachetools import LRUCache

from dashboard import run_control, visitor
from dashboard.limits import RUN_LIMIT, SWEEP_RUNS, SWEEP_SECONDS, SWEEPS_KEPT
from dashboard.sweep_job import SweepJob
from rnnviz import SweepConfig, SweepPlan, plan_sweep

_jobs: LRUCache[str, SweepJob] = LRUCache(SWEEPS_KEPT)
_lock = threading.Lock()


def mine() -> SweepJob | None:
    """The visitor's sweep, if there is one."""
    with _lock:
        found: SweepJob | None = _jobs.get(visitor.token())
    return found


def start(config: SweepConfig) -> SweepJob:
    """A new sweep, at once or when its turn comes; the one before is stopped and forgotten."""
    job = SweepJob(config, watch=run_control.mine().watch)
    if before := mine():
        before.stop()
    with _lock:
        while len(_jobs) >= SWEEPS_KEPT and visitor.token() not in _jobs:
            _jobs.popitem()[1].stop()
        _jobs[visitor.token()] = job
    job.resume()
    return job


@lru_cache(maxsize=16)
def planned(config: SweepConfig) -> SweepPlan:
    """What a sweep will take.

    Raises
    ------
    ValueError
        If that is more than a page may ask for: with the numbers, and what to lower.
    """
    if config.runs > SWEEP_RUNS:
        raise ValueError(
            f"a sweep on this page may have at most {SWEEP_RUNS:,} runs, got {config.runs:,}: "
            "take fewer values or seeds"
        )
    plan = plan_sweep(config)
    if plan.seconds > SWEEP_SECONDS or plan.nbytes > RUN_LIMIT:
        raise ValueError(
            f"a sweep on this page may take {SWEEP_SECONDS / 60:,.0f} minutes of one core and "
            f"{RUN_LIMIT >> 20:,} MB, got about {plan.seconds / 60:,.0f} minutes and "
            f"{plan.nbytes / 2**20:,.0f} MB: take fewer values or seeds, or smaller networks; "
            "the command rnnviz sweep has no such limit"
        )
    return plan
