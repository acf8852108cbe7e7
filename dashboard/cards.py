"""The numbers that sum up a run."""

import numpy as np

from dashboard.explored import Explored
from dashboard.frame import figure_of


def cards(explored: Explored) -> list[tuple[str, str, str]]:
    """The five numbers of a run: each with its label, its value in words, and what it means."""
    verdict, steps = explored.verdict, explored.record.steps
    first, last = verdict.fit_lags
    grows = verdict.doubling_time is not None
    time = verdict.doubling_time if grows else verdict.half_life
    known = np.isfinite(verdict.factor)
    beyond = _steps(steps, "> ") if known else "none"
    reach = beyond if verdict.reach is None else _steps(verdict.reach)
    fitted = f"fitted over lags {first} to {last}" if last > first else "nothing is left to fit"
    factor = f"×{figure_of(verdict.factor)}" if known else "NaN"
    return [
        ("Factor per step", factor, fitted),
        (
            "Doubling time" if grows else "Half-life",
            "none" if time is None else f"{figure_of(time)} steps",
            "until the norm is doubled" if grows else "until half is left",
        ),
        ("Reach", reach, "until 1 % is left"),
        (
            "Spectral radius",
            figure_of(explored.eigenvalues.spectral_radius),
            f"of the top layer's {explored.eigenvalues.of}",
        ),
        ("Lyapunov exponent", figure_of(explored.lyapunov.largest), "the largest, nats per step"),
    ]


def _steps(count: int, sign: str = "") -> str:
    return f"{sign}{count} step{'' if count == 1 else 's'}"
