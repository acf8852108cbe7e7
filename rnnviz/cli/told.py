"""What a command prints: numbers in rows for a reader, JSON for a program."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import click
import numpy as np

from rnnviz import diagnostics
from rnnviz.config import RunConfig
from rnnviz.diagnostics import Verdict
from rnnviz.record import Record


def numbers_of(record: Record, verdict: Verdict) -> dict[str, float | None]:
    """What Explore shows of a run, by name; None where there is no such number."""
    return {
        "loss": record.loss,
        "factor": verdict.factor,
        "half_life": verdict.half_life,
        "doubling_time": verdict.doubling_time,
        "reach": verdict.reach,
        "spectral_radius": diagnostics.eigenvalues(record.network).spectral_radius,
        "lyapunov": diagnostics.lyapunov(record, 1).largest,
    }


NAMES = {
    "loss": "loss",
    "factor": "factor per step",
    "half_life": "half-life, steps",
    "doubling_time": "doubling time, steps",
    "reach": "reach, steps",
    "spectral_radius": "spectral radius",
    "lyapunov": "largest Lyapunov exponent, nats per step",
}
"""What each number is called in a row."""


def print_run(
    record: Record, config: RunConfig | None, more: Mapping[str, Any], *, as_json: bool
) -> None:
    """The verdict on a record and its numbers; ``more`` stands beside them in the JSON."""
    verdict = diagnostics.verdict(record, config=config)
    numbers = numbers_of(record, verdict)
    if as_json:
        judged = {"kind": verdict.kind, "sentence": verdict.sentence, "evidence": verdict.evidence}
        settings = {"config": config.model_dump()} if config else {}
        print_json({"verdict": judged, "numbers": numbers, **more, **settings})
        return
    click.echo(f"{verdict.sentence}\n{' · '.join(verdict.evidence)}\n")
    print_rows({NAMES[name]: value for name, value in numbers.items() if value is not None})


def print_rows(rows: Mapping[str, Any]) -> None:
    """Names and values, one below the other."""
    width = max(map(len, rows), default=0)
    for name, value in rows.items():
        shown = f"{value:.4g}" if isinstance(value, float) else str(value)
        click.echo(f"{name:<{width}}  {shown}")


def print_json(told: object) -> None:
    """JSON that any reader takes: a NaN or an infinity is the text NaN, Infinity or -Infinity."""
    click.echo(json.dumps(plain(told), allow_nan=False, ensure_ascii=False))


def plain(value: object) -> Any:
    """The same of dicts, lists, numbers and text alone.

    Examples
    --------
    >>> plain({"a": (1.5, np.float64("inf"), np.int64(2))})
    {'a': [1.5, 'Infinity', 2]}
    """
    if isinstance(value, Mapping):
        return {str(name): plain(part) for name, part in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else f"{'-' if value < 0 else ''}Infinity"
    return value
